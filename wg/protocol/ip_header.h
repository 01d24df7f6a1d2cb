// Where things are in the headers of IPv4, IPv6, TCP and UDP, in bytes, and their protocol numbers (RFC 791, RFC 8200,
// RFC 9293, RFC 768): what everything that reads or writes packets shares.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace starling::wg {

inline constexpr std::size_t kIpv4HeaderSize = 20;        // without options
inline constexpr std::size_t kIpv4TotalLengthOffset = 2;  // header included
inline constexpr std::size_t kIpv4IdentifierOffset = 4;
inline constexpr std::size_t kIpv4FragmentOffset = 6;  // flags and fragment offset
inline constexpr std::size_t kIpv4TimeToLiveOffset = 8;
inline constexpr std::size_t kIpv4ProtocolOffset = 9;
inline constexpr std::size_t kIpv4ChecksumOffset = 10;
inline constexpr std::size_t kIpv4AddressesOffset = 12;  // source, then destination
inline constexpr std::size_t kIpv4AddressSize = 4;
inline constexpr std::uint16_t kIpv4DontFragment = 0x4000;  // in the word at kIpv4FragmentOffset
inline constexpr std::uint16_t kIpv4MoreFragments = 0x2000;
inline constexpr std::uint16_t kIpv4FragmentMask = 0x1fff;  // the fragment's offset, in units of 8 bytes

inline constexpr std::size_t kIpv6HeaderSize = 40;          // without extension headers
inline constexpr std::size_t kIpv6PayloadLengthOffset = 4;  // without the header's own 40
inline constexpr std::size_t kIpv6NextHeaderOffset = 6;
inline constexpr std::size_t kIpv6HopLimitOffset = 7;
inline constexpr std::size_t kIpv6AddressesOffset = 8;  // source, then destination
inline constexpr std::size_t kIpv6AddressSize = 16;
inline constexpr std::size_t kIpv6MtuMin = 1280;  // every link can carry that (RFC 8200 §5)

inline constexpr std::size_t kUdpHeaderSize = 8;
inline constexpr std::size_t kUdpLengthOffset = 4;
inline constexpr std::size_t kUdpChecksumOffset = 6;
inline constexpr std::size_t kTcpHeaderSize = 20;  // without options
inline constexpr std::size_t kTcpSequenceOffset = 4;
inline constexpr std::size_t kTcpAcknowledgementOffset = 8;
inline constexpr std::size_t kTcpDataOffset = 12;  // in units of 4 bytes, the upper half of the byte
inline constexpr std::size_t kTcpFlagsOffset = 13;
inline constexpr std::size_t kTcpWindowOffset = 14;
inline constexpr std::size_t kTcpChecksumOffset = 16;
inline constexpr std::uint8_t kTcpFin = 0x01;
inline constexpr std::uint8_t kTcpPush = 0x08;
inline constexpr std::uint8_t kTcpAcknowledge = 0x10;
inline constexpr std::uint8_t kTcpCongestionWindowReduced = 0x80;

inline constexpr std::uint8_t kProtocolHopByHop = 0;  // IPv6's extension header for every router on the way
inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;

// Numbers in network order; the caller has looked that they are inside.
inline std::uint16_t load_u16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

inline std::uint32_t load_u32(Bytes bytes, std::size_t at) {
  return std::uint32_t{load_u16(bytes, at)} << 16 | load_u16(bytes, at + 2);
}

inline void store_u16(MutableBytes bytes, std::size_t at, std::uint16_t number) {
  bytes[at] = static_cast<std::uint8_t>(number >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(number & 0xff);
}

inline void store_u32(MutableBytes bytes, std::size_t at, std::uint32_t number) {
  store_u16(bytes, at, static_cast<std::uint16_t>(number >> 16));
  store_u16(bytes, at + 2, static_cast<std::uint16_t>(number));
}

// By the version field alone. Of a packet that was looked at before, IPv4 or IPv6.
inline bool says_ipv4(Bytes packet) {
  return packet[0] >> 4 == 4;
}

// Source and destination, one behind the other. Of a packet with a whole header.
inline Bytes addresses_of(Bytes packet) {
  return says_ipv4(packet) ? packet.subspan(kIpv4AddressesOffset, 2 * kIpv4AddressSize)
                           : packet.subspan(kIpv6AddressesOffset, 2 * kIpv6AddressSize);
}

}  // namespace starling::wg
