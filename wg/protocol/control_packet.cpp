#include "wg/protocol/control_packet.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace starling::wg {

namespace {

constexpr std::size_t kIpv6HeaderSize = 40;  // bytes
constexpr std::size_t kUdpHeaderSize = 8;    // bytes
constexpr std::size_t kChecksumOffset = kIpv6HeaderSize + 6;
constexpr std::uint8_t kProtocolUdp = 17;

std::uint32_t sum_words(Bytes bytes, std::uint32_t sum) {
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  if (bytes.size() % 2 == 1) sum += static_cast<std::uint32_t>(bytes.back() << 8);
  return sum;
}

// The ones' complement sum over pseudo header, UDP header and payload (RFC 8200 §8.1): 0xffff if a checksum inside is
// right. 64 KiB of words cannot overflow 32 bits.
std::uint16_t checksum_sum(Bytes packet) {
  const Bytes addresses = packet.subspan(8, 32);
  const Bytes udp = packet.subspan(kIpv6HeaderSize);
  std::uint32_t sum = sum_words(udp, sum_words(addresses, static_cast<std::uint32_t>(udp.size()) + kProtocolUdp));
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

bool equal_bytes(Bytes a, Bytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

// fe80::/10, or a multicast group that ends at the link (RFC 4291 §2.7).
bool is_link_scope(Bytes address) {
  return (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) || (address[0] == 0xff && (address[1] & 0x0f) == 2);
}

bool is_for_control_port(std::uint16_t port, Bytes packet) {
  if (packet.size() < kControlEnvelopeSize || packet[0] >> 4 != 6 || packet[6] != kProtocolUdp) return false;
  if (ByteReader(packet.subspan(kIpv6HeaderSize + 2)).u16() != port) return false;
  return is_link_scope(packet.subspan(8, 16)) || is_link_scope(packet.subspan(24, 16));
}

}  // namespace

std::vector<std::uint8_t> make_control_packet(const ControlChannel& channel, Bytes payload) {
  const std::size_t udp_size = kUdpHeaderSize + payload.size();
  if (udp_size > std::numeric_limits<std::uint16_t>::max())
    throw std::invalid_argument("a control packet's payload does not fit UDP");
  std::vector<std::uint8_t> packet;
  packet.reserve(kIpv6HeaderSize + udp_size);
  ByteWriter out(packet);
  out.u32(6u << 28 | std::uint32_t{kControlTrafficClass} << 20);  // flow label 0
  out.u16(static_cast<std::uint16_t>(udp_size));
  out.u8(kProtocolUdp);
  out.u8(kControlHopLimit);
  out.bytes(channel.local.bytes());
  out.bytes(channel.remote.bytes());
  out.u16(channel.port);
  out.u16(channel.port);
  out.u16(static_cast<std::uint16_t>(udp_size));
  out.u16(0);
  out.bytes(payload);
  const auto checksum = static_cast<std::uint16_t>(~checksum_sum(packet));
  out.patch_u16(kChecksumOffset, checksum == 0 ? 0xffff : checksum);  // zero would mean "none"
  return packet;
}

ParsedControlPacket parse_control_packet(const ControlChannel& channel, Bytes packet) {
  if (!is_for_control_port(channel.port, packet)) return {};
  const ParsedControlPacket invalid{ControlVerdict::invalid, {}};
  const std::size_t udp_size = ByteReader(packet.subspan(4)).u16();
  if (udp_size < kUdpHeaderSize || kIpv6HeaderSize + udp_size > packet.size()) return invalid;
  packet = packet.first(kIpv6HeaderSize + udp_size);
  if (packet[7] != kControlHopLimit) return invalid;
  if (!equal_bytes(packet.subspan(8, 16), channel.remote.bytes())) return invalid;
  if (!equal_bytes(packet.subspan(24, 16), channel.local.bytes())) return invalid;
  ByteReader udp(packet.subspan(kIpv6HeaderSize));
  const std::uint16_t source_port = udp.u16();
  udp.u16();
  const std::uint16_t length = udp.u16();
  const std::uint16_t checksum = udp.u16();
  if (source_port != channel.port || length != udp_size || checksum == 0) return invalid;
  if (checksum_sum(packet) != 0xffff) return invalid;
  return {ControlVerdict::control, packet.subspan(kControlEnvelopeSize)};
}

}  // namespace starling::wg
