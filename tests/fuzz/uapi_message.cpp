// The configuration protocol of `wg`: a stream of any bytes, cut anyhow, gives the same requests as in one piece. What
// a request means is written out again as a request and read back as the same; what is printed can be read.
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "wg/io/uapi_message.h"

using namespace starling;
using namespace starling::fuzz;

namespace {

std::string write_out(const wg::UapiPeerChange& peer) {
  std::string text = "public_key=" + to_hex(peer.public_key.bytes) + "\n";
  if (peer.update_only) text += "update_only=true\n";
  if (peer.remove) text += "remove=true\n";
  if (peer.replace_allowed_ips) text += "replace_allowed_ips=true\n";
  if (peer.preshared_key) text += "preshared_key=" + to_hex(peer.preshared_key->bytes()) + "\n";
  // A zone by name is looked up later; written out, only the address remains.
  if (peer.endpoint && peer.endpoint_zone.empty()) text += "endpoint=" + wg::print_uapi_endpoint(*peer.endpoint) + "\n";
  if (peer.persistent_keepalive_s)
    text += fmt::format("persistent_keepalive_interval={}\n", *peer.persistent_keepalive_s);
  for (const wg::UapiAllowedIp& each : peer.allowed_ips)
    text += fmt::format("allowed_ip={}{}\n", each.remove ? "-" : "", each.prefix.to_string());
  return text;
}

std::string write_out(const wg::CaptureOptions& options) {
  std::string text = "capture=1\n";
  if (options.control_only) text += "control_only=true\n";
  if (options.dropped) text += "dropped=true\n";
  if (options.peers) text += "peers=true\n";
  return text + fmt::format("snap_length={}\npackets={}\n\n", options.snap_length, options.packets_max);
}

std::string write_out(const wg::UapiRequest& request) {
  switch (request.operation) {
    case wg::UapiOperation::get: return "get=1\n\n";
    case wg::UapiOperation::get_drops: return "get_drops=1\n\n";
    case wg::UapiOperation::capture: return write_out(request.capture);
    case wg::UapiOperation::set: break;
  }
  const wg::UapiChange& change = request.change;
  std::string text = "set=1\n";
  if (change.private_key) text += "private_key=" + to_hex(change.private_key->bytes()) + "\n";
  if (change.listen_port) text += fmt::format("listen_port={}\n", *change.listen_port);
  if (change.fwmark) text += fmt::format("fwmark={}\n", *change.fwmark);
  if (change.replace_peers) text += "replace_peers=true\n";
  for (const wg::UapiPeerChange& peer : change.peers) text += write_out(peer);
  return text + "\n";
}

struct Reading {
  std::vector<wg::UapiRequest> requests;
  bool within_request = false;
};

// `cuts` says how long the pieces are; empty: all at once. Ends where a request is broken, as the server does.
Reading read(std::string_view text, FuzzInput cuts) {
  Reading reading;
  wg::UapiParser parser;
  while (!text.empty()) {
    std::string_view piece = text.substr(0, cuts.empty() ? text.size() : 1 + cuts.u8());
    while (!piece.empty()) {
      const std::size_t taken = parser.feed(piece);
      FUZZ_CHECK(taken <= piece.size() && (taken > 0 || parser.complete()));
      piece.remove_prefix(taken);
      text.remove_prefix(taken);
      FUZZ_CHECK(parser.request_size() <= wg::kUapiRequestMax + wg::kUapiLineMax);
      if (!parser.complete()) continue;
      FUZZ_CHECK(parser.feed("get=1\n\n") == 0);
      reading.requests.push_back(parser.take());
      if (reading.requests.back().broken) return reading;
    }
  }
  reading.within_request = parser.within_request();
  return reading;
}

bool same(const wg::UapiRequest& a, const wg::UapiRequest& b) {
  return a.operation == b.operation && a.error == b.error && a.broken == b.broken && write_out(a) == write_out(b);
}

void check_request(const wg::UapiRequest& request) {
  FUZZ_CHECK(request.error >= 0);
  if (request.broken) FUZZ_CHECK(request.error != 0);
  if (request.error != 0) {
    FUZZ_CHECK(request.change.peers.empty() && !request.change.private_key && !request.change.listen_port);
    return;
  }
  FUZZ_CHECK(request.change.peers.size() <= wg::kUapiPeersMax);
  const Reading again = read(write_out(request), FuzzInput(Bytes()));
  FUZZ_CHECK(again.requests.size() == 1 && !again.within_request);
  FUZZ_CHECK(again.requests[0].error == 0 && write_out(again.requests[0]) == write_out(request));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(Bytes(data, size));
  const FuzzInput cuts(input.take(8));
  const Bytes rest = input.rest();
  const std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
  const Reading whole = read(text, FuzzInput(Bytes()));
  const Reading cut = read(text, cuts);
  FUZZ_CHECK(whole.within_request == cut.within_request);
  FUZZ_CHECK(std::equal(whole.requests.begin(), whole.requests.end(), cut.requests.begin(), cut.requests.end(), same));
  for (const wg::UapiRequest& request : whole.requests) check_request(request);
  return 0;
}
