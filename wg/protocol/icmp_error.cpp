#include "wg/protocol/icmp_error.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "wg/protocol/checksum.h"
#include "wg/protocol/ip_header.h"

namespace starling::wg {

namespace {

constexpr std::size_t kIcmpHeaderSize = 8;             // bytes: type, code, checksum, and four that the type defines
constexpr std::size_t kIcmpChecksumOffset = 2;         // bytes
constexpr std::size_t kIcmpMtuOffset = 4;              // bytes; 32 bits, of which IPv4 uses the lower 16
constexpr std::uint8_t kIcmpTimeToLive = 64;           // hops, of the error itself
constexpr std::uint8_t kIcmpTrafficClass = 0xc0;       // internetwork control (RFC 1812 §4.3.2.5)
constexpr std::uint8_t kIcmpv6Redirect = 137;          // RFC 4861 §4.5
constexpr std::uint8_t kIcmpv6InformationalMin = 128;  // below are errors (RFC 4443 §2.1)
constexpr int kExtensionHeadersMax = 8;                // that are followed; more than anyone sends
constexpr std::array<std::uint8_t, 5> kIcmpErrorTypes{3, 4, 5, 11, 12};  // RFC 1812 §4.3.2.7, and redirect

// What counts of the packet that cannot go on.
struct Offender {
  Bytes packet;  // without padding
  IpAddress source, destination;
  bool begins = true;      // no fragment but the first
  bool answerable = true;  // no ICMP error or redirect
};

// What is behind IPv6's extension headers, as far as they are in the packet.
struct UpperLayer {
  std::uint8_t protocol = 0;
  std::size_t at = 0;  // bytes from the packet's beginning; may be its end
  bool begins = true;
};

struct TypeAndCode {
  std::uint8_t type = 0;
  std::uint8_t code = 0;
};

constexpr TypeAndCode type_and_code_v4(IcmpError kind) {
  switch (kind) {
    case IcmpError::no_route: return {3, 0};
    case IcmpError::address_unreachable: return {3, 1};
    case IcmpError::packet_too_big: return {3, 4};
    case IcmpError::time_exceeded: break;
  }
  return {11, 0};
}

constexpr TypeAndCode type_and_code_v6(IcmpError kind) {
  switch (kind) {
    case IcmpError::no_route: return {1, 0};
    case IcmpError::address_unreachable: return {1, 3};
    case IcmpError::packet_too_big: return {2, 0};
    case IcmpError::time_exceeded: break;
  }
  return {3, 0};
}

std::optional<Offender> read_v4(Bytes bytes) {
  if (bytes.size() < kIpv4HeaderSize) return std::nullopt;
  const std::size_t header_size = (bytes[0] & 15u) * 4;
  const std::size_t total_length = load_u16(bytes, kIpv4TotalLengthOffset);
  if (header_size < kIpv4HeaderSize || total_length < header_size || total_length > bytes.size()) return std::nullopt;
  InternetSum sum;
  sum.add(bytes.first(header_size));
  if (sum.value() != 0xffff) return std::nullopt;  // nothing in it is certain (RFC 1812 §5.2.2)
  Offender offender;
  offender.packet = bytes.first(total_length);
  offender.source = IpAddress::from_bytes(bytes.subspan(kIpv4AddressesOffset, kIpv4AddressSize));
  offender.destination =
      IpAddress::from_bytes(bytes.subspan(kIpv4AddressesOffset + kIpv4AddressSize, kIpv4AddressSize));
  offender.begins = (load_u16(bytes, kIpv4FragmentOffset) & kIpv4FragmentMask) == 0;
  if (!offender.begins || bytes[kIpv4ProtocolOffset] != kProtocolIcmp) return offender;
  if (total_length == header_size) return std::nullopt;  // nobody knows which type it was
  offender.answerable =
      std::find(kIcmpErrorTypes.begin(), kIcmpErrorTypes.end(), bytes[header_size]) == kIcmpErrorTypes.end();
  return offender;
}

// The size of an extension header of which two bytes are there, by its protocol number (RFC 8200 §4, RFC 4302 §2.2);
// zero: it is none.
std::size_t extension_size(std::uint8_t protocol, std::uint8_t length) {
  switch (protocol) {
    case 0:    // hop-by-hop options
    case 43:   // routing
    case 60:   // destination options
    case 135:  // mobility
    case 139:  // host identity
    case 140:  // shim6
      return (std::size_t{length} + 1) * 8;
    case 44: return 8;                              // fragment
    case 51: return (std::size_t{length} + 2) * 4;  // authentication
    default: return 0;
  }
}

std::optional<UpperLayer> skip_extension_headers(Bytes packet) {
  UpperLayer upper{packet[kIpv6NextHeaderOffset], kIpv6HeaderSize, true};
  for (int i = 0; i <= kExtensionHeadersMax; i++) {
    if (extension_size(upper.protocol, 0) == 0) return upper;
    if (upper.at + 8 > packet.size()) return std::nullopt;
    const bool is_fragment = upper.protocol == 44;
    if (is_fragment && load_u16(packet, upper.at + 2) >> 3 != 0) upper.begins = false;
    if (!upper.begins) return upper;
    const std::size_t size = extension_size(upper.protocol, packet[upper.at + 1]);
    upper.protocol = packet[upper.at];
    upper.at += size;
    if (upper.at > packet.size()) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Offender> read_v6(Bytes bytes) {
  if (bytes.size() < kIpv6HeaderSize) return std::nullopt;
  const std::size_t total_length = kIpv6HeaderSize + load_u16(bytes, kIpv6PayloadLengthOffset);
  if (total_length > bytes.size()) return std::nullopt;
  Offender offender;
  offender.packet = bytes.first(total_length);
  offender.source = IpAddress::from_bytes(bytes.subspan(kIpv6AddressesOffset, kIpv6AddressSize));
  offender.destination =
      IpAddress::from_bytes(bytes.subspan(kIpv6AddressesOffset + kIpv6AddressSize, kIpv6AddressSize));
  const auto upper = skip_extension_headers(offender.packet);
  if (!upper) return std::nullopt;
  offender.begins = upper->begins;
  if (!upper->begins || upper->protocol != kProtocolIcmpv6) return offender;
  if (upper->at == total_length) return std::nullopt;
  const std::uint8_t type = bytes[upper->at];
  offender.answerable = type >= kIcmpv6InformationalMin && type != kIcmpv6Redirect;
  return offender;
}

std::optional<Offender> read_offender(Bytes bytes) {
  if (bytes.empty()) return std::nullopt;
  switch (bytes[0] >> 4) {
    case 4: return read_v4(bytes);
    case 6: return read_v6(bytes);
    default: return std::nullopt;
  }
}

// Neither several nodes nor none: what an error can come from and go to. 0/8 and 240/4 are no addresses of nodes
// (RFC 1812 §5.3.7).
bool names_one_node(const IpAddress& address) {
  if (address.is_unspecified() || address.is_multicast() || address.is_loopback()) return false;
  return address.is_v6() || (address.bytes()[0] != 0 && address.bytes()[0] < 240);
}

bool is_broadcast(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 4> kLimitedBroadcast{255, 255, 255, 255};
  return address == IpAddress::v4(kLimitedBroadcast);
}

bool may_answer(IcmpError kind, const Offender& offender) {
  if (!offender.begins || !offender.answerable || !names_one_node(offender.source)) return false;
  if (offender.destination.is_v4()) return !offender.destination.is_multicast() && !is_broadcast(offender.destination);
  return !offender.destination.is_multicast() || kind == IcmpError::packet_too_big;
}

void copy_to(MutableBytes out, std::size_t at, Bytes bytes) {
  std::memcpy(out.data() + at, bytes.data(), bytes.size());
}

// Type, code and MTU into a message of zeros, and the quotation behind them. The checksum is the caller's.
void write_icmp(MutableBytes message, TypeAndCode what, std::uint32_t mtu, Bytes quotation) {
  message[0] = what.type;
  message[1] = what.code;
  store_u16(message, kIcmpMtuOffset, static_cast<std::uint16_t>(mtu >> 16));
  store_u16(message, kIcmpMtuOffset + 2, static_cast<std::uint16_t>(mtu & 0xffff));
  copy_to(message, kIcmpHeaderSize, quotation);
}

// Neither identification nor fragments: what is never fragmented needs none (RFC 6864 §4.1).
void write_v4(TypeAndCode what, const Offender& offender, Bytes quotation, const IpAddress& source, std::uint32_t mtu,
              MutableBytes out) {
  out[0] = 0x45;
  out[1] = kIcmpTrafficClass;
  store_u16(out, kIpv4TotalLengthOffset, static_cast<std::uint16_t>(out.size()));
  store_u16(out, kIpv4FragmentOffset, kIpv4DontFragment);
  out[kIpv4TimeToLiveOffset] = kIcmpTimeToLive;
  out[kIpv4ProtocolOffset] = kProtocolIcmp;
  copy_to(out, kIpv4AddressesOffset, source.bytes());
  copy_to(out, kIpv4AddressesOffset + kIpv4AddressSize, offender.source.bytes());
  InternetSum header;
  header.add(Bytes(out).first<kIpv4HeaderSize>());
  store_u16(out, kIpv4ChecksumOffset, header.checksum());
  const MutableBytes message = out.subspan(kIpv4HeaderSize);
  write_icmp(message, what, std::min<std::uint32_t>(mtu, 0xffff), quotation);
  InternetSum sum;
  sum.add(Bytes(message));
  store_u16(message, kIcmpChecksumOffset, sum.checksum());
}

void write_v6(TypeAndCode what, const Offender& offender, Bytes quotation, const IpAddress& source, std::uint32_t mtu,
              MutableBytes out) {
  const MutableBytes message = out.subspan(kIpv6HeaderSize);
  const auto payload_length = static_cast<std::uint16_t>(message.size());
  out[0] = 0x60 | kIcmpTrafficClass >> 4;
  out[1] = static_cast<std::uint8_t>(kIcmpTrafficClass << 4);
  store_u16(out, kIpv6PayloadLengthOffset, payload_length);
  out[kIpv6NextHeaderOffset] = kProtocolIcmpv6;
  out[kIpv6HopLimitOffset] = kIcmpTimeToLive;
  copy_to(out, kIpv6AddressesOffset, source.bytes());
  copy_to(out, kIpv6AddressesOffset + kIpv6AddressSize, offender.source.bytes());
  write_icmp(message, what, mtu, quotation);
  const Bytes addresses = Bytes(out).subspan(kIpv6AddressesOffset, 2 * kIpv6AddressSize);
  InternetSum sum = pseudo_header_sum(addresses, kProtocolIcmpv6, payload_length);
  sum.add(Bytes(message));
  store_u16(message, kIcmpChecksumOffset, sum.checksum());
}

}  // namespace

std::optional<std::size_t> make_icmp_error(IcmpError kind, Bytes offending, const IpAddress& source, std::uint32_t mtu,
                                           MutableBytes out) {
  const auto offender = read_offender(offending);
  if (!offender || !may_answer(kind, *offender)) return std::nullopt;
  if (source.family() != offender->source.family() || !names_one_node(source)) return std::nullopt;
  const bool ipv4 = source.is_v4();
  const std::size_t headers_size = (ipv4 ? kIpv4HeaderSize : kIpv6HeaderSize) + kIcmpHeaderSize;
  const std::size_t size_max = ipv4 ? kIcmpErrorSizeMaxV4 : kIcmpErrorSizeMaxV6;
  const Bytes quotation = offender->packet.first(std::min(offender->packet.size(), size_max - headers_size));
  const std::size_t size = headers_size + quotation.size();
  if (size > out.size()) return std::nullopt;
  out = out.first(size);
  std::fill_n(out.begin(), headers_size, std::uint8_t{0});
  if (kind != IcmpError::packet_too_big) mtu = 0;
  if (ipv4) {
    write_v4(type_and_code_v4(kind), *offender, quotation, source, mtu, out);
  } else {
    write_v6(type_and_code_v6(kind), *offender, quotation, source, mtu, out);
  }
  return size;
}

}  // namespace starling::wg
