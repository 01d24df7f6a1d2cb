#include "wg/io/uapi_message.h"

#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>

namespace starling::wg {
namespace {

constexpr std::size_t kZoneMax = 15;      // bytes of an interface's name
constexpr std::size_t kKeyShownMax = 40;  // bytes of an unknown key

// Decimal digits and nothing else, as Go's ParseUint.
template <typename Number>
std::optional<Number> parse_decimal(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool parse_secret(std::string_view hex, std::optional<SecretKey>& out) {
  SecretKey key;
  if (!parse_hex(hex, key.mutable_bytes())) return false;
  out = std::move(key);
  return true;
}

// Straight into the text, so that no other copy of a key is made.
void append_key(std::string& out, std::string_view name, Bytes key) {
  constexpr char kDigits[] = "0123456789abcdef";
  out += name;
  for (const std::uint8_t byte : key) {
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  out += '\n';
}

template <typename... Arguments>
void append(std::string& out, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Arguments>(arguments)...);
}

// X25519 uses a key so (RFC 7748 §5), and so every WireGuard shows it.
SecretKey clamped(SecretKey key) {
  const MutableBytes bytes = key.mutable_bytes();
  bytes[0] &= 248;
  bytes[kKeySize - 1] = static_cast<std::uint8_t>((bytes[kKeySize - 1] & 127) | 64);
  return key;
}

constexpr std::size_t kPeerTextMax = 512;      // bytes of a peer's lines but for its allowed IPs
constexpr std::size_t kAllowedIpTextMax = 64;  // bytes
constexpr std::size_t kDeviceTextMax = 256;    // bytes of the device's own lines

// No text with keys in it is left behind by a growing string.
std::size_t text_size_max(const UapiDevice& device) {
  std::size_t size = kDeviceTextMax;
  for (const UapiPeer& peer : device.peers) size += kPeerTextMax + peer.allowed_ips.size() * kAllowedIpTextMax;
  return size;
}

void append_peer(std::string& out, const UapiPeer& peer) {
  append_key(out, "public_key=", peer.public_key.bytes);
  append_key(out, "preshared_key=", peer.preshared_key.bytes());
  out += "protocol_version=1\n";
  if (peer.endpoint) append(out, "endpoint={}\n", print_uapi_endpoint(*peer.endpoint));
  const Duration handshake = peer.last_handshake ? peer.last_handshake->time_since_epoch() : Duration{};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(handshake);
  append(out, "last_handshake_time_sec={}\nlast_handshake_time_nsec={}\n", seconds.count(),
         Duration(handshake - seconds).count());
  append(out, "tx_bytes={}\nrx_bytes={}\npersistent_keepalive_interval={}\n", peer.tx_bytes, peer.rx_bytes,
         peer.persistent_keepalive_s);
  for (const Prefix& prefix : peer.allowed_ips) append(out, "allowed_ip={}\n", prefix.to_string());
}

void append_counters(std::string& out, const DropCounters& counters) {
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    if (counters[i] != 0) append(out, "{}={}\n", to_string(static_cast<DropReason>(i)), counters[i]);
  }
}

// ::ffff:0:0/96 (RFC 4291 §2.5.5.2).
IpAddress without_mapping(const IpAddress& address) {
  static const Prefix kMapped = *Prefix::parse("::ffff:0:0/96");
  return kMapped.contains(address) ? IpAddress::from_bytes(address.bytes().subspan(12)) : address;
}

}  // namespace

UapiParser::~UapiParser() {
  wipe_line();
}

void UapiParser::wipe_line() {
  ::explicit_bzero(line_.data(), line_.size());
  line_.clear();
}

std::size_t UapiParser::feed(std::string_view bytes) {
  std::size_t taken = 0;
  line_.reserve(kUapiLineMax + 1);  // it never grows, so it leaves no copy of a key behind
  while (!complete_ && taken < bytes.size()) {
    const std::string_view rest = bytes.substr(taken);
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (line_.size() + end > kUapiLineMax) {
      break_off(EPROTO, fmt::format("a line of more than {} bytes", kUapiLineMax));
      break;
    }
    const bool ended = end < rest.size();
    const std::size_t step = end + (ended ? 1 : 0);
    taken += step;
    size_ += step;
    if (line_.empty() && ended) {
      on_line(rest.substr(0, end));
    } else {
      line_ += rest.substr(0, end);
      if (ended) {
        on_line(line_);
        wipe_line();
      }
    }
    if (size_ > kUapiRequestMax) break_off(E2BIG, fmt::format("more than {} bytes", kUapiRequestMax));
  }
  return taken;
}

UapiRequest UapiParser::take() {
  UapiRequest request = std::move(request_);
  request_ = {};
  size_ = 0;
  begun_ = false;
  complete_ = false;
  wipe_line();
  return request;
}

// The first mistake counts; the rest of the request is read and left.
void UapiParser::fail(int error, std::string reason) {
  if (request_.error != 0) return;
  request_.error = error;
  request_.reason = std::move(reason);
  request_.change = {};
}

void UapiParser::break_off(int error, std::string reason) {
  fail(error, std::move(reason));
  request_.broken = true;
  complete_ = true;
}

void UapiParser::fail_value(std::string_view key) {
  fail(EINVAL, fmt::format("{}: not a value that it can have", key));
}

// An unknown key, or a switch that is neither there nor `true`.
void UapiParser::fail_key(std::string_view owner, std::string_view key) {
  std::string shown(key.substr(0, kKeyShownMax));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  fail(EINVAL, fmt::format("{}: {} has no such key, or not this value", shown, owner));
}

void UapiParser::on_line(std::string_view line) {
  if (!begun_) return on_operation(line);
  if (line.empty()) {
    complete_ = true;
    return;
  }
  if (request_.error != 0) return;
  const bool has_lines = request_.operation == UapiOperation::set || request_.operation == UapiOperation::capture;
  if (!has_lines) return fail(EINVAL, "a get has no further lines");
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos) return fail(EPROTO, "a line without '='");
  const std::string_view key = line.substr(0, equals);
  const std::string_view value = line.substr(equals + 1);
  if (request_.operation == UapiOperation::capture) return on_capture_key(key, value);
  if (key == "public_key") return begin_peer(value);
  if (request_.change.peers.empty()) return on_device_key(key, value);
  on_peer_key(request_.change.peers.back(), key, value);
}

void UapiParser::on_operation(std::string_view line) {
  begun_ = true;
  if (line == "get=1") {
    request_.operation = UapiOperation::get;
  } else if (line == "set=1") {
    request_.operation = UapiOperation::set;
  } else if (line == "get_drops=1") {
    request_.operation = UapiOperation::get_drops;
  } else if (line == "capture=1") {
    request_.operation = UapiOperation::capture;
  } else {
    break_off(EPROTO, "no operation; there are get=1, set=1, get_drops=1 and capture=1");
  }
}

void UapiParser::on_capture_key(std::string_view key, std::string_view value) {
  CaptureOptions& options = request_.capture;
  if (key == "control_only" && value == "true") {
    options.control_only = true;
  } else if (key == "dropped" && value == "true") {
    options.dropped = true;
  } else if (key == "peers" && value == "true") {
    options.peers = true;
  } else if (key == "snap_length" || key == "packets") {
    const std::optional<std::uint32_t> number = parse_decimal<std::uint32_t>(value);
    if (!number) return fail_value(key);
    (key == "packets" ? options.packets_max : options.snap_length) = *number;
  } else {
    fail_key("a capture", key);
  }
}

void UapiParser::on_device_key(std::string_view key, std::string_view value) {
  UapiChange& change = request_.change;
  if (key == "private_key") {
    if (!parse_secret(value, change.private_key)) fail_value(key);
  } else if (key == "listen_port") {
    change.listen_port = parse_decimal<std::uint16_t>(value);
    if (!change.listen_port) fail_value(key);
  } else if (key == "fwmark") {
    change.fwmark = parse_decimal<std::uint32_t>(value);
    if (!change.fwmark) fail_value(key);
  } else if (key == "replace_peers" && value == "true") {
    change.replace_peers = true;
  } else {
    fail_key("the interface", key);
  }
}

void UapiParser::begin_peer(std::string_view value) {
  if (request_.change.peers.size() == kUapiPeersMax)
    return fail(EINVAL, fmt::format("more than {} peers", kUapiPeersMax));
  UapiPeerChange& peer = request_.change.peers.emplace_back();
  if (!parse_hex(value, peer.public_key.bytes)) fail_value("public_key");
}

void UapiParser::on_peer_key(UapiPeerChange& peer, std::string_view key, std::string_view value) {
  if (key == "allowed_ip") {
    on_allowed_ip(peer, value);
  } else if (key == "preshared_key") {
    if (!parse_secret(value, peer.preshared_key)) fail_value(key);
  } else if (key == "endpoint") {
    peer.endpoint = parse_uapi_endpoint(value, peer.endpoint_zone);
    if (!peer.endpoint) fail_value(key);
  } else if (key == "persistent_keepalive_interval") {
    peer.persistent_keepalive_s = parse_decimal<std::uint16_t>(value);
    if (!peer.persistent_keepalive_s) fail_value(key);
  } else if (key == "replace_allowed_ips" && value == "true") {
    peer.replace_allowed_ips = true;
    peer.allowed_ips.clear();  // lines apply in their order
  } else if (key == "update_only" && value == "true") {
    peer.update_only = true;
  } else if (key == "remove" && value == "true") {
    peer.remove = true;
  } else if (key != "protocol_version" || value != "1") {
    fail_key("a peer", key);
  }
}

void UapiParser::on_allowed_ip(UapiPeerChange& peer, std::string_view value) {
  const bool remove = value.starts_with('-');
  if (remove) value.remove_prefix(1);
  const std::optional<InterfaceAddress> address = InterfaceAddress::parse(value);
  if (!address) return fail_value("allowed_ip");
  peer.allowed_ips.push_back({address->subnet(), remove});
}

std::optional<Endpoint> parse_uapi_endpoint(std::string_view text, std::string& zone) {
  zone.clear();
  const std::size_t percent = text.find('%');
  std::uint32_t scope = 0;
  std::string bare(text);
  if (percent != std::string_view::npos) {
    const std::size_t end = text.find(']', percent);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view name = text.substr(percent + 1, end - percent - 1);
    if (name.empty() || name.size() > kZoneMax) return std::nullopt;
    bare = std::string(text.substr(0, percent)) + std::string(text.substr(end));
    const std::optional<std::uint32_t> number = parse_decimal<std::uint32_t>(name);
    scope = number.value_or(0);
    if (!number) zone = name;
  }
  std::optional<Endpoint> endpoint = Endpoint::parse(bare);
  if (!endpoint) return std::nullopt;
  endpoint->address = without_mapping(endpoint->address);
  if (endpoint->address.is_v4()) zone.clear();
  endpoint->scope = endpoint->address.is_v4() ? 0 : scope;
  return endpoint;
}

std::string print_uapi_endpoint(const Endpoint& endpoint) {
  if (endpoint.scope == 0) return endpoint.to_string();
  return fmt::format("[{}%{}]:{}", endpoint.address.to_string(), endpoint.scope, endpoint.port);
}

std::string print_device(const UapiDevice& device) {
  std::string out;
  out.reserve(text_size_max(device));
  if (!device.private_key.is_zero()) append_key(out, "private_key=", clamped(device.private_key).bytes());
  if (device.listen_port != 0) append(out, "listen_port={}\n", device.listen_port);
  if (device.fwmark != 0) append(out, "fwmark={}\n", device.fwmark);
  for (const UapiPeer& peer : device.peers) append_peer(out, peer);
  return out;
}

std::string print_drops(const UapiDrops& drops) {
  std::string out;
  append_counters(out, drops.without_peer);
  for (const auto& [key, counters] : drops.peers) {
    append_key(out, "public_key=", key.bytes);
    append_counters(out, counters);
  }
  return out;
}

std::string print_end(int error) {
  return fmt::format("errno={}\n\n", -error);
}

}  // namespace starling::wg
