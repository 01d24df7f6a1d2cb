#include "daemon/config/config.h"

#include <algorithm>
#include <charconv>

namespace starling::daemon {

namespace {

constexpr std::size_t kHostNameSizeMax = 253;  // RFC 1035, without the final dot
constexpr std::size_t kHostLabelSizeMax = 63;

bool is_label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

// Letters, digits, - and _ between dots. What looks like an IPv4 address must have been parsed as one: a last label of
// digits only is no name (RFC 1123 section 2.1), so that 10.0.0.999 is an error and no query.
bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > kHostNameSizeMax) return false;
  std::size_t label_size = 0;
  bool digits_only = true;
  for (const char c : host) {
    if (c == '.') {
      if (label_size == 0) return false;
      label_size = 0;
      digits_only = true;
      continue;
    }
    if (!is_label_character(c) || ++label_size > kHostLabelSizeMax) return false;
    digits_only = digits_only && c >= '0' && c <= '9';
  }
  return label_size > 0 && !digits_only;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0 || text[0] == '0') return std::nullopt;
  return port;
}

}  // namespace

std::optional<IpAddress> Config::first_address(Family family) const {
  for (const InterfaceAddress& address : addresses)
    if (address.address.family() == family) return address.address;
  return std::nullopt;
}

std::vector<Prefix> Config::announced() const {
  std::vector<Prefix> prefixes = announce;
  for (const InterfaceAddress& address : addresses) prefixes.push_back(Prefix::host(address.address));
  for (const PeerEntry& peer : peers) prefixes.insert(prefixes.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

std::optional<HostPort> HostPort::parse(std::string_view text) {
  if (const auto endpoint = Endpoint::parse(text)) return HostPort{endpoint->address.to_string(), endpoint->port};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  const auto port = parse_port(text.substr(colon + 1));
  if (!port || !is_host_name(host)) return std::nullopt;
  return HostPort{std::string(host), *port};
}

std::optional<Endpoint> HostPort::numeric() const {
  const auto address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  return Endpoint{*address, port, 0};
}

std::string HostPort::to_string() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

}  // namespace starling::daemon
