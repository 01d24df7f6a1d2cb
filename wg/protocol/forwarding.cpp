#include "wg/protocol/forwarding.h"

#include <algorithm>

#include "wg/protocol/checksum.h"
#include "wg/protocol/ip_header.h"

namespace starling::wg {

namespace {

constexpr std::uint8_t kIpv4WithoutOptions = 0x45;  // version 4, five words of header
constexpr std::uint8_t kIpv6Version = 6;
constexpr std::uint16_t kOneToLive = 0x0100;  // of the word of TTL and protocol

// An address that a packet may have and yet leave its link: not 0/8, 127/8, 169.254/16 (RFC 3927 §2.6.2), multicast or
// 240/4 with its broadcast.
bool passes_routers_v4(Bytes address) {
  return address[0] != 0 && address[0] != 127 && address[0] < 224 && (address[0] != 169 || address[1] != 254);
}

// Neither multicast nor fe80::/10, nor in ::/64, which has what is on no wire: unspecified, loopback, mapped IPv4.
bool passes_routers_v6(Bytes address) {
  if (address[0] == 0xff || (address[0] == 0xfe && (address[1] & 0xc0) == 0x80)) return false;
  return std::any_of(address.begin(), address.begin() + 8, [](std::uint8_t byte) { return byte != 0; });
}

ForwardVerdict prepare_v4(MutableBytes packet, std::size_t mtu) {
  if (packet.size() < kIpv4HeaderSize || packet[0] != kIpv4WithoutOptions) return ForwardVerdict::punt;
  const std::size_t total_length = load_u16(packet, kIpv4TotalLengthOffset);
  if (total_length < kIpv4HeaderSize || total_length > packet.size()) return ForwardVerdict::punt;
  InternetSum header;
  header.add(Bytes(packet).first<kIpv4HeaderSize>());
  if (header.value() != 0xffff) return ForwardVerdict::punt;
  const Bytes addresses = packet.subspan(kIpv4AddressesOffset, 2 * kIpv4AddressSize);
  if (!passes_routers_v4(addresses) || !passes_routers_v4(addresses.subspan(kIpv4AddressSize)))
    return ForwardVerdict::punt;
  if (packet[kIpv4TimeToLiveOffset] <= 1) return ForwardVerdict::time_exceeded;
  if (total_length > mtu) {
    const bool whole = (load_u16(packet, kIpv4FragmentOffset) & kIpv4DontFragment) != 0;
    return whole ? ForwardVerdict::too_big : ForwardVerdict::punt;
  }
  const std::uint16_t before = load_u16(packet, kIpv4TimeToLiveOffset);
  const auto after = static_cast<std::uint16_t>(before - kOneToLive);
  const std::uint16_t checksum = update_checksum(load_u16(packet, kIpv4ChecksumOffset), before, after);
  store_u16(packet, kIpv4TimeToLiveOffset, after);
  store_u16(packet, kIpv4ChecksumOffset, checksum);
  return ForwardVerdict::forward;
}

ForwardVerdict prepare_v6(MutableBytes packet, std::size_t mtu) {
  if (packet.size() < kIpv6HeaderSize) return ForwardVerdict::punt;
  const std::size_t total_length = kIpv6HeaderSize + load_u16(packet, kIpv6PayloadLengthOffset);
  if (total_length > packet.size()) return ForwardVerdict::punt;
  if (packet[kIpv6NextHeaderOffset] == kProtocolHopByHop) return ForwardVerdict::punt;
  const Bytes addresses = packet.subspan(kIpv6AddressesOffset, 2 * kIpv6AddressSize);
  if (!passes_routers_v6(addresses) || !passes_routers_v6(addresses.subspan(kIpv6AddressSize)))
    return ForwardVerdict::punt;
  if (packet[kIpv6HopLimitOffset] <= 1) return ForwardVerdict::time_exceeded;
  if (total_length > mtu) return ForwardVerdict::too_big;
  packet[kIpv6HopLimitOffset]--;
  return ForwardVerdict::forward;
}

}  // namespace

ForwardVerdict prepare_forward(MutableBytes packet, std::size_t mtu) {
  if (packet.empty()) return ForwardVerdict::punt;
  return packet[0] >> 4 == kIpv6Version ? prepare_v6(packet, mtu) : prepare_v4(packet, mtu);
}

}  // namespace starling::wg
