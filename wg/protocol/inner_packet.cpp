#include "wg/protocol/inner_packet.h"

#include "wg/protocol/ip_header.h"

namespace starling::wg {

namespace {

// Mixes all bits of a word into all others (the finaliser of splitmix64).
std::uint64_t mix(std::uint64_t word) {
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
  word = (word ^ word >> 27) * 0x94d049bb133111ebu;
  return word ^ word >> 31;
}

std::uint32_t hash_flow(Bytes addresses, std::uint8_t protocol, std::uint32_t ports, std::uint32_t seed) {
  std::uint64_t hash = mix(std::uint64_t{seed} << 32 | ports) ^ protocol;
  for (std::size_t i = 0; i < addresses.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, addresses.data() + i, sizeof word);
    hash = mix(hash ^ word);
  }
  return static_cast<std::uint32_t>(hash >> 32);
}

// Both ports of a whole TCP or UDP packet, else zero.
std::uint32_t read_ports(Bytes packet, std::size_t at, std::uint8_t protocol) {
  if ((protocol != kProtocolTcp && protocol != kProtocolUdp) || packet.size() < at + 4) return 0;
  return load_u32(packet, at);
}

std::optional<InnerPacket> parse_ipv4(Bytes bytes, std::uint32_t seed) {
  if (bytes.size() < kIpv4HeaderSize) return std::nullopt;
  const std::size_t header_size = (bytes[0] & 15u) * 4;
  const std::size_t total_length = load_u16(bytes, kIpv4TotalLengthOffset);
  if (header_size < kIpv4HeaderSize || total_length < header_size || total_length > bytes.size()) return std::nullopt;
  InnerPacket packet;
  packet.source = IpAddress::from_bytes(bytes.subspan(12, 4));
  packet.destination = IpAddress::from_bytes(bytes.subspan(16, 4));
  packet.total_length = total_length;
  packet.protocol = bytes[9];
  packet.traffic_class = bytes[1];
  const bool is_fragment = (load_u16(bytes, kIpv4FragmentOffset) & (kIpv4MoreFragments | kIpv4FragmentMask)) != 0;
  const std::uint32_t ports = is_fragment ? 0 : read_ports(bytes.first(total_length), header_size, packet.protocol);
  packet.flow_hash = hash_flow(bytes.subspan(12, 8), packet.protocol, ports, seed);
  return packet;
}

std::optional<InnerPacket> parse_ipv6(Bytes bytes, std::uint32_t seed) {
  if (bytes.size() < kIpv6HeaderSize) return std::nullopt;
  const std::size_t total_length = kIpv6HeaderSize + load_u16(bytes, kIpv6PayloadLengthOffset);
  if (total_length > bytes.size()) return std::nullopt;
  InnerPacket packet;
  packet.source = IpAddress::from_bytes(bytes.subspan(8, 16));
  packet.destination = IpAddress::from_bytes(bytes.subspan(24, 16));
  packet.total_length = total_length;
  packet.protocol = bytes[6];
  packet.traffic_class = static_cast<std::uint8_t>(bytes[0] << 4 | bytes[1] >> 4);
  const std::uint32_t ports = read_ports(bytes.first(total_length), kIpv6HeaderSize, packet.protocol);
  packet.flow_hash = hash_flow(bytes.subspan(8, 32), packet.protocol, ports, seed);
  return packet;
}

}  // namespace

std::optional<InnerPacket> parse_inner_packet(Bytes bytes, std::uint32_t hash_seed) {
  if (bytes.empty()) return std::nullopt;
  switch (bytes[0] >> 4) {
    case 4: return parse_ipv4(bytes, hash_seed);
    case 6: return parse_ipv6(bytes, hash_seed);
    default: return std::nullopt;
  }
}

}  // namespace starling::wg
