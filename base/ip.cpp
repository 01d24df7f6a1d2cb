#include "base/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace starling {

namespace {

// A whole decimal number without sign or leading zeros, at most `max`.
std::optional<int> parse_number(std::string_view text, int max) {
  if (text.empty() || (text.size() > 1 && text[0] == '0') || text[0] == '-') return std::nullopt;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

struct AddressAndLength {
  IpAddress address;
  int length;
};

std::optional<AddressAndLength> parse_address_and_length(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const auto length = parse_number(text.substr(slash + 1), address->bits());
  if (!length) return std::nullopt;
  return AddressAndLength{*address, *length};
}

std::size_t hash_bytes(Bytes bytes, std::size_t seed) {
  std::uint64_t hash = 0xcbf29ce484222325u ^ seed;  // FNV-1a
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3u;
  return static_cast<std::size_t>(hash ^ hash >> 32);
}

}  // namespace

IpAddress IpAddress::from_bytes(Bytes bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) throw std::invalid_argument("an IP address has 4 or 16 bytes");
  IpAddress address;
  address.family_ = bytes.size() == 4 ? Family::ipv4 : Family::ipv6;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(text.begin(), text.end(), buffer);
  buffer[text.size()] = '\0';
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, buffer, bytes.data()) == 1) return from_bytes(Bytes(bytes.data(), 4));
  if (inet_pton(AF_INET6, buffer, bytes.data()) == 1) return from_bytes(bytes);
  return std::nullopt;
}

bool IpAddress::is_link_local() const {
  return is_v4() ? bytes_[0] == 169 && bytes_[1] == 254 : bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return bytes_[15] == 1 && std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::to_string() const {
  char buffer[INET6_ADDRSTRLEN];
  return inet_ntop(is_v4() ? AF_INET : AF_INET6, bytes_.data(), buffer, sizeof buffer);
}

Prefix::Prefix(const IpAddress& address, int length) {
  if (length < 0 || length > address.bits()) throw std::invalid_argument("prefix length out of range");
  std::array<std::uint8_t, 16> bytes{};
  const Bytes from = address.bytes();
  for (std::size_t i = 0; i < from.size(); i++) {
    const int kept = std::clamp(length - static_cast<int>(i) * 8, 0, 8);
    bytes[i] = static_cast<std::uint8_t>(from[i] & (0xff00 >> kept));
  }
  address_ = IpAddress::from_bytes(Bytes(bytes.data(), from.size()));
  length_ = static_cast<std::uint8_t>(length);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto parsed = parse_address_and_length(text);
  if (!parsed) return std::nullopt;
  const Prefix prefix(parsed->address, parsed->length);
  if (prefix.address() != parsed->address) return std::nullopt;
  return prefix;
}

bool Prefix::contains(const IpAddress& address) const {
  return address.family() == family() && Prefix(address, length_).address_ == address_;
}

bool Prefix::contains(const Prefix& other) const {
  return other.length_ >= length_ && contains(other.address_);
}

std::string Prefix::to_string() const {
  return address_.to_string() + "/" + std::to_string(length_);
}

std::optional<InterfaceAddress> InterfaceAddress::parse(std::string_view text) {
  const auto parsed = parse_address_and_length(text);
  if (!parsed) return std::nullopt;
  return InterfaceAddress{parsed->address, parsed->length};
}

std::string InterfaceAddress::to_string() const {
  return address.to_string() + "/" + std::to_string(length);
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  const auto port = parse_number(text.substr(colon + 1), 65535);
  if (!address || !port || *port == 0 || address->is_v6() != bracketed) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port), 0};
}

std::string Endpoint::to_string() const {
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return host + ":" + std::to_string(port);
}

}  // namespace starling

std::size_t std::hash<starling::IpAddress>::operator()(const starling::IpAddress& address) const noexcept {
  return starling::hash_bytes(address.bytes(), 0);
}

std::size_t std::hash<starling::Prefix>::operator()(const starling::Prefix& prefix) const noexcept {
  return starling::hash_bytes(prefix.address().bytes(), static_cast<std::size_t>(prefix.length()) + 1);
}
