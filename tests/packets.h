// IP packets to test with, made field by field, and their checksums summed the slow way, word by word as RFC 1071 §4.1
// has it: independent of what wg/protocol reads and writes packets with. For packets without IPv6 extension headers.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"

namespace starling::test {

inline constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58;  // protocol numbers

// 0..0xffff; all ones if a right checksum is inside.
inline std::uint32_t slow_sum(Bytes bytes, std::uint32_t before = 0) {
  std::uint32_t total = before;
  for (std::size_t i = 0; i < bytes.size(); i++) {
    total += static_cast<std::uint32_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    total = (total & 0xffff) + (total >> 16);
  }
  return total;
}

inline void put_u16(std::vector<std::uint8_t>& packet, std::size_t at, std::uint32_t number) {
  packet.at(at) = static_cast<std::uint8_t>(number >> 8 & 0xff);
  packet.at(at + 1) = static_cast<std::uint8_t>(number & 0xff);
}

inline std::uint32_t get_u16(Bytes packet, std::size_t at) {
  return static_cast<std::uint32_t>(packet[at] << 8 | packet[at + 1]);
}

inline bool is_ipv4(Bytes packet) {
  return packet[0] >> 4 == 4;
}

inline std::size_t header_size(Bytes packet) {
  return is_ipv4(packet) ? (packet[0] & 15u) * 4 : 40;
}

inline std::uint8_t protocol_of(Bytes packet) {
  return packet[is_ipv4(packet) ? 9 : 6];
}

// Over the pseudo header, where the protocol has one, and all behind the IP header.
inline std::uint32_t transport_sum(Bytes packet) {
  const Bytes segment = packet.subspan(header_size(packet));
  if (protocol_of(packet) == kIcmp) return slow_sum(segment);
  const auto length = static_cast<std::uint32_t>(segment.size());
  const Bytes addresses = is_ipv4(packet) ? packet.subspan(12, 8) : packet.subspan(8, 32);
  return slow_sum(segment, slow_sum(addresses, length + protocol_of(packet)));
}

inline bool checksums_are_right(Bytes packet) {
  if (is_ipv4(packet) && slow_sum(packet.first(header_size(packet))) != 0xffff) return false;
  return transport_sum(packet) == 0xffff;
}

// Writes the IPv4 header's checksum anew.
inline void repair_header_checksum(std::vector<std::uint8_t>& packet) {
  if (!is_ipv4(packet)) return;
  put_u16(packet, 10, 0);
  put_u16(packet, 10, ~slow_sum(Bytes(packet).first(header_size(packet))));
}

// What joining does not keep: the identifier of an IPv4 packet that is never fragmented (RFC 6864 §4.1).
inline std::vector<std::uint8_t> without_identifier(std::vector<std::uint8_t> packet) {
  if (!is_ipv4(packet)) return packet;
  const bool right = slow_sum(Bytes(packet).first(header_size(packet))) == 0xffff;
  put_u16(packet, 4, 0);
  if (right) repair_header_checksum(packet);
  return packet;
}

// And that of TCP, UDP or ICMP.
inline void repair_checksums(std::vector<std::uint8_t>& packet) {
  repair_header_checksum(packet);
  const std::uint8_t protocol = protocol_of(packet);
  const std::size_t field = header_size(packet) + (protocol == kTcp ? 16 : protocol == kUdp ? 6 : 2);
  put_u16(packet, field, 0);
  const std::uint32_t checksum = ~transport_sum(packet) & 0xffff;
  put_u16(packet, field, checksum == 0 && protocol == kUdp ? 0xffff : checksum);
}

struct IpFields {
  IpAddress source, destination;  // of one family, which is the packet's
  std::uint8_t protocol = kUdp;
  std::uint8_t traffic_class = 0;
  std::uint8_t time_to_live = 64;       // or hop limit
  std::uint16_t identifier = 0;         // IPv4 alone
  std::uint16_t fragment = 0x4000;      // IPv4 alone: flags (here: don't fragment) and offset
  std::uint32_t flow_label = 0;         // IPv6 alone
  std::vector<std::uint8_t> options{};  // IPv4 alone: a multiple of 4 bytes
};

inline IpFields between(std::string_view source, std::string_view destination) {
  IpFields fields;
  fields.source = IpAddress::parse(source).value();
  fields.destination = IpAddress::parse(destination).value();
  return fields;
}

// With a right header checksum; `payload` is everything behind the IP header.
inline std::vector<std::uint8_t> make_ip(const IpFields& fields, Bytes payload) {
  std::vector<std::uint8_t> packet;
  ByteWriter out(packet);
  if (fields.source.is_v4()) {
    const std::size_t size = 20 + fields.options.size();
    out.u8(static_cast<std::uint8_t>(0x40 | size / 4));
    out.u8(fields.traffic_class);
    out.u16(static_cast<std::uint16_t>(size + payload.size()));
    out.u16(fields.identifier);
    out.u16(fields.fragment);
    out.u8(fields.time_to_live);
    out.u8(fields.protocol);
    out.u16(0);
  } else {
    out.u32(6u << 28 | std::uint32_t{fields.traffic_class} << 20 | fields.flow_label);
    out.u16(static_cast<std::uint16_t>(payload.size()));
    out.u8(fields.protocol);
    out.u8(fields.time_to_live);
  }
  out.bytes(fields.source.bytes());
  out.bytes(fields.destination.bytes());
  out.bytes(fields.options);
  out.bytes(payload);
  repair_header_checksum(packet);
  return packet;
}

inline std::vector<std::uint8_t> make_udp(IpFields fields, std::uint16_t source_port, std::uint16_t destination_port,
                                          Bytes payload) {
  fields.protocol = kUdp;
  std::vector<std::uint8_t> datagram;
  ByteWriter out(datagram);
  out.u16(source_port);
  out.u16(destination_port);
  out.u16(static_cast<std::uint16_t>(8 + payload.size()));
  out.u16(0);
  out.bytes(payload);
  std::vector<std::uint8_t> packet = make_ip(fields, datagram);
  repair_checksums(packet);
  return packet;
}

struct TcpFields {
  std::uint16_t source_port = 40000, destination_port = 5201;
  std::uint32_t sequence = 0, acknowledgement = 1;
  std::uint8_t flags = 0x10;  // ACK
  std::uint16_t window = 512;
  std::vector<std::uint8_t> options{};  // a multiple of 4 bytes
};

inline std::vector<std::uint8_t> make_tcp(IpFields fields, const TcpFields& tcp, Bytes payload) {
  fields.protocol = kTcp;
  std::vector<std::uint8_t> segment;
  ByteWriter out(segment);
  out.u16(tcp.source_port);
  out.u16(tcp.destination_port);
  out.u32(tcp.sequence);
  out.u32(tcp.acknowledgement);
  out.u8(static_cast<std::uint8_t>((20 + tcp.options.size()) / 4 << 4));
  out.u8(tcp.flags);
  out.u16(tcp.window);
  out.u32(0);  // checksum, urgent pointer
  out.bytes(tcp.options);
  out.bytes(payload);
  std::vector<std::uint8_t> packet = make_ip(fields, segment);
  repair_checksums(packet);
  return packet;
}

}  // namespace starling::test
