// IP addresses, prefixes and UDP endpoints of both families, as small values.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace starling {

enum class Family : std::uint8_t { ipv4 = 4, ipv6 = 6 };

// 4 or 16 bytes in network order. Bytes behind an IPv4 address are zero, so comparison and hashing need no care.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress v4(const std::array<std::uint8_t, 4>& bytes) {
    IpAddress address;
    std::memcpy(address.bytes_.data(), bytes.data(), bytes.size());
    return address;
  }
  static IpAddress v6(const std::array<std::uint8_t, 16>& bytes) {
    IpAddress address;
    address.family_ = Family::ipv6;
    address.bytes_ = bytes;
    return address;
  }
  // From 4 or 16 raw bytes; std::invalid_argument for any other size.
  static IpAddress from_bytes(Bytes bytes);
  // "192.0.2.1" or "2001:db8::1", without zone or port.
  static std::optional<IpAddress> parse(std::string_view text);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::ipv4; }
  bool is_v6() const { return family_ == Family::ipv6; }
  int bits() const { return is_v4() ? 32 : 128; }
  Bytes bytes() const { return Bytes(bytes_.data(), is_v4() ? 4 : 16); }
  bool bit(int index) const { return (bytes_[static_cast<std::size_t>(index) / 8] >> (7 - index % 8) & 1) != 0; }
  bool is_unspecified() const { return bytes_ == std::array<std::uint8_t, 16>{}; }
  bool is_link_local() const;  // fe80::/10, 169.254.0.0/16
  bool is_multicast() const { return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff; }
  bool is_loopback() const;
  std::string to_string() const;

  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  Family family_ = Family::ipv4;
  std::array<std::uint8_t, 16> bytes_{};
};

// An address and a length; bits behind the length are zero (invariant). Ordered by family, address, length.
class Prefix {
 public:
  Prefix() = default;  // 0.0.0.0/0
  // Masks the host bits. `length` must be 0..address.bits(), else std::invalid_argument.
  Prefix(const IpAddress& address, int length);
  static Prefix host(const IpAddress& address) { return Prefix(address, address.bits()); }
  // "10.0.0.0/8". Nothing if malformed, without a length, or with host bits set.
  static std::optional<Prefix> parse(std::string_view text);

  const IpAddress& address() const { return address_; }
  int length() const { return length_; }
  Family family() const { return address_.family(); }
  bool is_default() const { return length_ == 0; }
  bool is_host() const { return length_ == address_.bits(); }
  bool contains(const IpAddress& address) const;
  bool contains(const Prefix& other) const;  // equal prefixes contain each other
  std::string to_string() const;

  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  IpAddress address_;
  std::uint8_t length_ = 0;
};

// An address with the length it has on an interface: "172.20.1.1/27" keeps its host bits.
struct InterfaceAddress {
  IpAddress address;
  int length = 32;

  static std::optional<InterfaceAddress> parse(std::string_view text);
  Prefix subnet() const { return Prefix(address, length); }
  std::string to_string() const;
  friend auto operator<=>(const InterfaceAddress&, const InterfaceAddress&) = default;
};

// Where a UDP datagram goes or came from. `scope` is the interface index of an IPv6 link-local address, else 0.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t scope = 0;

  // "192.0.2.1:51820" or "[2001:db8::1]:51820" (numeric only, no zone).
  static std::optional<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

}  // namespace starling

template <>
struct std::hash<starling::IpAddress> {
  std::size_t operator()(const starling::IpAddress& address) const noexcept;
};
template <>
struct std::hash<starling::Prefix> {
  std::size_t operator()(const starling::Prefix& prefix) const noexcept;
};
