#include "wg/protocol/ecn.h"

namespace starling::wg {

namespace {

constexpr std::size_t kIpv4HeaderSize = 20;      // bytes, without options
constexpr std::size_t kIpv4ChecksumOffset = 10;  // bytes

bool is_ipv4(Bytes packet) {
  return packet.size() >= kIpv4HeaderSize && packet[0] >> 4 == 4;
}

bool is_ipv6(Bytes packet) {
  return packet.size() >= 2 && packet[0] >> 4 == 6;
}

// RFC 1624, equation 3: HC' = ~(~HC + ~m + m'), where the word m holds version, header length and TOS.
void set_ipv4_ecn(MutableBytes packet, std::uint8_t ecn) {
  const auto before = static_cast<std::uint8_t>(packet[1]);
  const auto after = static_cast<std::uint8_t>((before & ~kEcnMask) | ecn);
  const auto checksum = static_cast<std::uint16_t>(packet[kIpv4ChecksumOffset] << 8 | packet[kIpv4ChecksumOffset + 1]);
  std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
  sum += static_cast<std::uint16_t>(~static_cast<unsigned>(packet[0] << 8 | before));
  sum += static_cast<std::uint16_t>(packet[0] << 8 | after);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  const auto adjusted = static_cast<std::uint16_t>(~sum);
  packet[1] = after;
  packet[kIpv4ChecksumOffset] = static_cast<std::uint8_t>(adjusted >> 8);
  packet[kIpv4ChecksumOffset + 1] = static_cast<std::uint8_t>(adjusted & 0xff);
}

// The traffic class lies across two bytes, its ECN field in bits 5 and 4 of the second.
void set_ipv6_ecn(MutableBytes packet, std::uint8_t ecn) {
  packet[1] = static_cast<std::uint8_t>((packet[1] & ~(kEcnMask << 4)) | ecn << 4);
}

// RFC 6040 figure 4 for an inner packet that is ECN-capable.
std::uint8_t merge(std::uint8_t inner, std::uint8_t outer) {
  if (inner == kEcnCongestion || outer == kEcnCongestion) return kEcnCongestion;
  return outer == kEcnCapable1 ? kEcnCapable1 : inner;
}

}  // namespace

std::uint8_t ecn_for_outer(Bytes inner_packet) {
  if (is_ipv4(inner_packet)) return inner_packet[1] & kEcnMask;
  if (is_ipv6(inner_packet)) return inner_packet[1] >> 4 & kEcnMask;
  return kEcnNotCapable;
}

bool ecn_decapsulate(MutableBytes inner_packet, std::uint8_t outer_traffic_class) {
  const std::uint8_t outer = outer_traffic_class & kEcnMask;
  const bool ipv4 = is_ipv4(inner_packet);
  if (!ipv4 && !is_ipv6(inner_packet)) return true;
  const std::uint8_t inner = ecn_for_outer(inner_packet);
  if (inner == kEcnNotCapable) return outer != kEcnCongestion;
  const std::uint8_t merged = merge(inner, outer);
  if (merged == inner) return true;
  ipv4 ? set_ipv4_ecn(inner_packet, merged) : set_ipv6_ecn(inner_packet, merged);
  return true;
}

}  // namespace starling::wg
