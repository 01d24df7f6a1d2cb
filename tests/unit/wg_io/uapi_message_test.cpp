#include "wg/io/uapi_message.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>

using namespace starling;
using namespace starling::wg;

namespace {

const std::string kKeyA(64, 'a');
const std::string kKeyB(64, 'b');

PublicKey public_key(const std::string& hex) {
  PublicKey key;
  REQUIRE(parse_hex(hex, key.bytes));
  return key;
}

UapiRequest parse(const std::string& text) {
  UapiParser parser;
  CHECK(parser.feed(text) <= text.size());
  REQUIRE(parser.complete());
  return parser.take();
}

int error_of(const std::string& lines) {
  return parse("set=1\n" + lines + "\n").error;
}

UapiPeerChange peer_of(const std::string& lines) {
  UapiRequest request = parse("set=1\npublic_key=" + kKeyA + "\n" + lines + "\n");
  REQUIRE(request.error == 0);
  REQUIRE(request.change.peers.size() == 1);
  return request.change.peers[0];
}

}  // namespace

TEST_CASE("a request to read is two lines") {
  const UapiRequest request = parse("get=1\n\n");
  CHECK(request.operation == UapiOperation::get);
  CHECK(request.error == 0);
  CHECK_FALSE(request.broken);
  CHECK(parse("get_drops=1\n\n").operation == UapiOperation::get_drops);
  CHECK(parse("get=1\nfoo\n\n").error == EINVAL);
}

TEST_CASE("all keys of a capture are taken, and no others") {
  const UapiRequest all =
      parse("capture=1\ncontrol_only=true\ndropped=true\npeers=true\nsnap_length=96\npackets=4294967295\n\n");
  REQUIRE(all.error == 0);
  CHECK(all.operation == UapiOperation::capture);
  CHECK(all.capture.control_only);
  CHECK(all.capture.dropped);
  CHECK(all.capture.peers);
  CHECK(all.capture.snap_length == 96);
  CHECK(all.capture.packets_max == 4294967295);
  CHECK_FALSE(parse("capture=1\n\n").capture.dropped);
  for (const char* line : {"dropped=yes", "packets=-1", "packets=4294967296", "snap_length=", "listen_port=1",
                           "control-only=true", "public_key=00"}) {
    CHECK(parse(std::string("capture=1\n") + line + "\n\n").error == EINVAL);
  }
}

TEST_CASE("all keys of the interface and of a peer are taken") {
  UapiRequest request = parse("set=1\nprivate_key=" + kKeyB +
                              "\nlisten_port=65535\nfwmark=4294967295\nreplace_peers=true\npublic_key=" + kKeyA +
                              "\nupdate_only=true\nremove=true\nprotocol_version=1\npreshared_key=" + kKeyB +
                              "\nendpoint=192.0.2.1:51820\npersistent_keepalive_interval=25\n"
                              "replace_allowed_ips=true\nallowed_ip=10.1.2.3/8\nallowed_ip=-fd00::/8\n\n");
  REQUIRE(request.error == 0);
  const UapiChange& change = request.change;
  REQUIRE(change.private_key);
  CHECK(to_hex(change.private_key->bytes()) == kKeyB);
  CHECK(change.listen_port == 65535);
  CHECK(change.fwmark == 0xffffffffu);
  CHECK(change.replace_peers);
  REQUIRE(change.peers.size() == 1);
  const UapiPeerChange& peer = change.peers[0];
  CHECK(peer.public_key == public_key(kKeyA));
  CHECK(peer.update_only);
  CHECK(peer.remove);
  CHECK(peer.replace_allowed_ips);
  REQUIRE(peer.preshared_key);
  CHECK(to_hex(peer.preshared_key->bytes()) == kKeyB);
  CHECK(peer.endpoint == Endpoint::parse("192.0.2.1:51820"));
  CHECK(peer.persistent_keepalive_s == 25);
  const std::vector<UapiAllowedIp> allowed_ips = {{*Prefix::parse("10.0.0.0/8"), false},
                                                  {*Prefix::parse("fd00::/8"), true}};
  CHECK(peer.allowed_ips == allowed_ips);
}

TEST_CASE("what is not said stays unsaid") {
  UapiRequest request = parse("set=1\npublic_key=" + kKeyA + "\npublic_key=" + kKeyB + "\n\n");
  CHECK_FALSE(request.change.private_key);
  CHECK_FALSE(request.change.listen_port);
  CHECK_FALSE(request.change.fwmark);
  CHECK_FALSE(request.change.replace_peers);
  REQUIRE(request.change.peers.size() == 2);
  const UapiPeerChange& peer = request.change.peers[1];
  CHECK(peer.public_key == public_key(kKeyB));
  CHECK_FALSE((peer.update_only || peer.remove || peer.replace_allowed_ips));
  CHECK_FALSE((peer.preshared_key || peer.endpoint || peer.persistent_keepalive_s));
}

TEST_CASE("mistakes are named by an errno, and nothing of such a request is left to apply") {
  const std::string peer = "public_key=" + kKeyA + "\n";
  for (const std::string& lines : {std::string("replace_peers=false\n"),
                                   std::string("replace_peers=1\n"),
                                   std::string("replace_peers=\n"),
                                   std::string("listen_port=65536\n"),
                                   std::string("listen_port=-1\n"),
                                   std::string("listen_port=+1\n"),
                                   std::string("listen_port= 1\n"),
                                   std::string("listen_port=\n"),
                                   std::string("listen_port=0x10\n"),
                                   std::string("fwmark=4294967296\n"),
                                   std::string("fwmark=off\n"),
                                   std::string("colour=red\n"),
                                   std::string("=\n"),
                                   std::string("private_key=\n"),
                                   "private_key=" + kKeyA + "a\n",
                                   "private_key=" + kKeyA.substr(1) + "g\n",
                                   std::string("public_key=abc\n"),
                                   std::string("allowed_ip=::/0\n"),
                                   peer + "listen_port=1\n",
                                   peer + "replace_peers=true\n",
                                   peer + "update_only=false\n",
                                   peer + "remove=yes\n",
                                   peer + "replace_allowed_ips=0\n",
                                   peer + "protocol_version=2\n",
                                   peer + "protocol_version=\n",
                                   peer + "preshared_key=0\n",
                                   peer + "endpoint=192.0.2.1\n",
                                   peer + "endpoint=host.example:1\n",
                                   peer + "endpoint=::1:51820\n",
                                   peer + "endpoint=[::1]:65536\n",
                                   peer + "endpoint=\n",
                                   peer + "persistent_keepalive_interval=65536\n",
                                   peer + "persistent_keepalive_interval=off\n",
                                   peer + "allowed_ip=10.0.0.1\n",
                                   peer + "allowed_ip=10.0.0.0/33\n",
                                   peer + "allowed_ip=--10.0.0.0/8\n",
                                   peer + "allowed_ip=\n",
                                   peer + "allowed_ip=fe80::%lo/64\n",
                                   peer + "allowed_ip=::/129\n"}) {
    CAPTURE(lines);
    const UapiRequest request = parse("set=1\nlisten_port=7\n" + lines + "fwmark=8\n\n");
    CHECK(request.error == EINVAL);
    CHECK_FALSE(request.broken);
    CHECK_FALSE(request.reason.empty());
    CHECK_FALSE(request.change.listen_port);
    CHECK(request.change.peers.empty());
  }
  CHECK(error_of("nonsense\n") == EPROTO);
}

TEST_CASE("the reason of a refusal repeats no value and nothing that is not printable") {
  CHECK(parse("set=1\nprivate_key=secret\n\n").reason.find("secret") == std::string::npos);
  CHECK(parse("set=1\nprivate_key" + kKeyA + "\n\n").reason.find(kKeyA) == std::string::npos);
  CHECK(parse("set=1\n\x1b[2J\x7f=1\n\n").reason.substr(0, 6) == "?[2J?:");
  CHECK(parse("set=1\n" + std::string(1000, 'x') + "=1\n\n").reason.size() < 120);
}

TEST_CASE("something else than an operation ends the conversation") {
  for (const char* text : {"get=2\n\n", "\n", "set\n", "\x16\x03\x01\n", "GET / HTTP/1.1\r\n\r\n"}) {
    const UapiRequest request = parse(text);
    CHECK(request.broken);
    CHECK(request.error == EPROTO);
  }
}

TEST_CASE("the longest line passes, a longer one ends the conversation") {
  const std::string line = "endpoint=" + std::string(kUapiLineMax - 9, 'x');
  CHECK_FALSE(parse("set=1\npublic_key=" + kKeyA + "\n" + line + "\n\n").broken);
  UapiParser parser;
  parser.feed("set=1\n" + line + "x");
  REQUIRE(parser.complete());
  const UapiRequest request = parser.take();
  CHECK(request.broken);
  CHECK(request.error == EPROTO);
}

TEST_CASE("a request without end is broken off at its limit") {
  UapiParser parser;
  parser.feed("set=1\npublic_key=" + kKeyA + "\n");
  std::string lines;
  for (int i = 0; i < 1000; i++) lines += "protocol_version=1\n";
  std::size_t fed = 0;
  while (!parser.complete() && fed < 2 * kUapiRequestMax) fed += parser.feed(lines);
  REQUIRE(parser.complete());
  CHECK(fed <= kUapiRequestMax + kUapiLineMax);
  const UapiRequest request = parser.take();
  CHECK(request.broken);
  CHECK(request.error == E2BIG);
}

TEST_CASE("requests may come cut anywhere and several at once") {
  const std::string one = "set=1\nlisten_port=7\npublic_key=" + kKeyA + "\nallowed_ip=10.0.0.0/8\n\n";
  const std::string text = one + "get=1\n\n" + one;
  for (std::size_t cut = 0; cut <= text.size(); cut++) {
    UapiParser parser;
    std::vector<UapiOperation> operations;
    for (std::string part : {text.substr(0, cut), text.substr(cut)}) {
      while (!part.empty()) {
        part.erase(0, parser.feed(part));
        if (!parser.complete()) continue;
        const UapiRequest request = parser.take();
        CHECK(request.error == 0);
        operations.push_back(request.operation);
        if (request.operation == UapiOperation::set) {
          CHECK(request.change.listen_port == 7);
          REQUIRE(request.change.peers.size() == 1);
          CHECK(request.change.peers[0].allowed_ips.size() == 1);
        }
      }
    }
    CHECK(operations == std::vector{UapiOperation::set, UapiOperation::get, UapiOperation::set});
    CHECK_FALSE(parser.within_request());
  }
}

TEST_CASE("replace_allowed_ips takes back what the same request added before it") {
  const UapiPeerChange peer = peer_of("allowed_ip=10.0.0.0/8\nreplace_allowed_ips=true\nallowed_ip=10.2.0.0/16\n");
  REQUIRE(peer.allowed_ips.size() == 1);
  CHECK(peer.allowed_ips[0].prefix == *Prefix::parse("10.2.0.0/16"));
}

TEST_CASE("endpoints may carry a zone, and IPv4 inside IPv6 is IPv4") {
  std::string zone;
  const auto numbered = parse_uapi_endpoint("[fe80::1%7]:51820", zone);
  REQUIRE(numbered);
  CHECK(numbered->scope == 7);
  CHECK(zone.empty());
  CHECK(print_uapi_endpoint(*numbered) == "[fe80::1%7]:51820");
  const auto named = parse_uapi_endpoint("[fe80::1%eth0]:51820", zone);
  REQUIRE(named);
  CHECK(named->scope == 0);
  CHECK(zone == "eth0");
  CHECK(parse_uapi_endpoint("[::ffff:192.0.2.7]:1", zone) == Endpoint::parse("192.0.2.7:1"));
  CHECK(zone.empty());
  for (const char* text : {"[fe80::1%]:1", "[fe80::1%eth0:1", "192.0.2.1%eth0:1", "[fe80::1%abcdefghijklmnop]:1"})
    CHECK_FALSE(parse_uapi_endpoint(text, zone));
}

TEST_CASE("a device reads back as wg expects it, its key clamped and what is unset left out") {
  UapiDevice device;
  CHECK(print_device(device).empty());
  device.private_key = SecretKey(std::vector<std::uint8_t>(32, 0xff));
  device.listen_port = 51820;
  device.fwmark = 51;
  UapiPeer& peer = device.peers.emplace_back();
  peer.public_key = public_key(kKeyA);
  CHECK(print_device(device) == "private_key=f8" + std::string(60, 'f') +
                                    "7f\nlisten_port=51820\nfwmark=51\npublic_key=" + kKeyA +
                                    "\npreshared_key=" + std::string(64, '0') +
                                    "\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
                                    "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n");
  peer.endpoint = Endpoint::parse("[2001:db8::1]:51820");
  peer.last_handshake = WallTime(std::chrono::nanoseconds(1'600'000'000'000'000'007));
  peer.tx_bytes = 18446744073709551615u;
  peer.rx_bytes = 7;
  peer.persistent_keepalive_s = 65535;
  peer.preshared_key = SecretKey(public_key(kKeyB).bytes);
  peer.allowed_ips = {*Prefix::parse("::/0"), *Prefix::parse("10.0.0.0/8")};
  device.private_key.wipe();
  CHECK(print_device(device) == "listen_port=51820\nfwmark=51\npublic_key=" + kKeyA + "\npreshared_key=" + kKeyB +
                                    "\nprotocol_version=1\nendpoint=[2001:db8::1]:51820\n"
                                    "last_handshake_time_sec=1600000000\nlast_handshake_time_nsec=7\n"
                                    "tx_bytes=18446744073709551615\nrx_bytes=7\npersistent_keepalive_interval=65535\n"
                                    "allowed_ip=::/0\nallowed_ip=10.0.0.0/8\n");
}

TEST_CASE("drops are printed by name, those of no peer first, zeros left out") {
  UapiDrops drops;
  CHECK(print_drops(drops).empty());
  drops.without_peer[static_cast<std::size_t>(DropReason::bad_mac1)] = 3;
  drops.peers.emplace_back(public_key(kKeyA), DropCounters{});
  drops.peers.back().second[static_cast<std::size_t>(DropReason::replayed)] = 5;
  CHECK(print_drops(drops) == "bad_mac1=3\npublic_key=" + kKeyA + "\nreplayed=5\n");
}

TEST_CASE("the end of an answer carries the errno negated") {
  CHECK(print_end(0) == "errno=0\n\n");
  CHECK(print_end(EINVAL) == "errno=-22\n\n");
}
