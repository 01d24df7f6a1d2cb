#include "wg/protocol/control_packet.h"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "wg/protocol/checksum.h"
#include "wg/protocol/ip_header.h"

namespace starling::wg {

namespace {

constexpr std::size_t kChecksumOffset = kIpv6HeaderSize + kUdpChecksumOffset;

// Over pseudo header, UDP header and payload.
InternetSum udp_sum(Bytes packet) {
  const Bytes udp = packet.subspan(kIpv6HeaderSize);
  InternetSum sum = pseudo_header_sum(packet.subspan(kIpv6AddressesOffset, 2 * kIpv6AddressSize), kProtocolUdp,
                                      static_cast<std::uint32_t>(udp.size()));
  sum.add(udp);
  return sum;
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

void write_control_packet(const ControlChannel& channel, Bytes payload, std::vector<std::uint8_t>& packet) {
  const std::size_t udp_size = kUdpHeaderSize + payload.size();
  if (udp_size > std::numeric_limits<std::uint16_t>::max())
    throw std::invalid_argument("a control packet's payload does not fit UDP");
  packet.clear();
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
  out.patch_u16(kChecksumOffset, udp_sum(packet).udp_checksum());
}

std::vector<std::uint8_t> make_control_packet(const ControlChannel& channel, Bytes payload) {
  std::vector<std::uint8_t> packet;
  write_control_packet(channel, payload, packet);
  return packet;
}

ParsedControlPacket parse_control_packet(const ControlChannel& channel, Bytes packet) {
  if (!is_for_control_port(channel.port, packet)) return {};
  const ParsedControlPacket invalid{ControlVerdict::invalid, {}, {}};
  const std::size_t udp_size = load_u16(packet, kIpv6PayloadLengthOffset);
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
  if (udp_sum(packet).value() != 0xffff) return invalid;
  return {ControlVerdict::control, packet, packet.subspan(kControlEnvelopeSize)};
}

}  // namespace starling::wg
