#include "wg/protocol/ecn.h"

#include "wg/protocol/checksum.h"
#include "wg/protocol/ip_header.h"

namespace starling::wg {

namespace {

bool is_ipv4(Bytes packet) {
  return packet.size() >= kIpv4HeaderSize && packet[0] >> 4 == 4;
}

bool is_ipv6(Bytes packet) {
  return packet.size() >= 2 && packet[0] >> 4 == 6;
}

// The word that changes holds version, header length and TOS.
void set_ipv4_ecn(MutableBytes packet, std::uint8_t ecn) {
  const std::uint16_t before = load_u16(packet, 0);
  const auto after = static_cast<std::uint16_t>((before & ~unsigned{kEcnMask}) | ecn);
  store_u16(packet, 0, after);
  store_u16(packet, kIpv4ChecksumOffset, update_checksum(load_u16(packet, kIpv4ChecksumOffset), before, after));
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
