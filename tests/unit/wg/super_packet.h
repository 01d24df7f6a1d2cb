// The large packets of TSO and USO as the kernel hands them out: a virtio header, and a packet whose checksum field
// holds the sum of the pseudo header alone. And what they must be cut into, made packet by packet from the fields.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/random.h"
#include "tests/packets.h"
#include "wg/protocol/virtio_header.h"

namespace starling::wg::test {

using Packet = std::vector<std::uint8_t>;

inline constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kAck = 0x10, kUrg = 0x20, kEce = 0x40,
                              kCwr = 0x80;

inline const starling::test::IpFields kV4 = starling::test::between("10.1.0.1", "10.2.0.1");
inline const starling::test::IpFields kV6 = starling::test::between("fd00:1::1", "fd00:2::1");

inline Packet payload_of(std::size_t size, std::uint64_t seed = 1) {
  SeededRandom random(seed);
  Packet payload(size);
  random.fill(payload);
  return payload;
}

struct SuperPacket {
  VirtioHeader header;
  Packet packet;
};

// Replaces the checksum by the sum of the pseudo header, which is what is left when all else sums to nothing.
inline void leave_checksum_to_others(SuperPacket& super) {
  using namespace starling::test;
  const std::size_t transport = header_size(super.packet);
  const auto length = static_cast<std::uint32_t>(super.packet.size() - transport);
  const Bytes addresses =
      is_ipv4(super.packet) ? Bytes(super.packet).subspan(12, 8) : Bytes(super.packet).subspan(8, 32);
  const std::uint8_t protocol = protocol_of(super.packet);
  const std::uint32_t sum = slow_sum(addresses, (length & 0xffff) + protocol);
  put_u16(super.packet, transport + (protocol == kTcp ? 16 : 6), sum);
  super.header.flags = VirtioHeader::kNeedsChecksum;
  super.header.checksum_start = static_cast<std::uint16_t>(transport);
  super.header.checksum_offset = protocol == kTcp ? 16 : 6;
}

inline SuperPacket super_tcp(const starling::test::IpFields& ip, const starling::test::TcpFields& tcp, Bytes payload,
                             std::size_t segment_size) {
  SuperPacket super;
  super.packet = starling::test::make_tcp(ip, tcp, payload);
  leave_checksum_to_others(super);
  super.header.segmentation = ip.source.is_v4() ? VirtioHeader::kTcpIpv4 : VirtioHeader::kTcpIpv6;
  super.header.header_size = static_cast<std::uint16_t>(super.packet.size() - payload.size());
  super.header.segment_size = static_cast<std::uint16_t>(segment_size);
  return super;
}

inline SuperPacket super_udp(const starling::test::IpFields& ip, std::uint16_t source_port,
                             std::uint16_t destination_port, Bytes payload, std::size_t segment_size) {
  SuperPacket super;
  super.packet = starling::test::make_udp(ip, source_port, destination_port, payload);
  leave_checksum_to_others(super);
  super.header.segmentation = VirtioHeader::kUdp;
  super.header.header_size = static_cast<std::uint16_t>(super.packet.size() - payload.size());
  super.header.segment_size = static_cast<std::uint16_t>(segment_size);
  return super;
}

// What it is cut into: sequence and identifier count up, FIN and PSH are the last one's, CWR is the first one's.
inline std::vector<Packet> cut_tcp(starling::test::IpFields ip, starling::test::TcpFields tcp, Bytes payload,
                                   std::size_t segment_size) {
  std::vector<Packet> packets;
  const std::uint8_t flags = tcp.flags;
  for (std::size_t at = 0; at < payload.size(); at += segment_size) {
    const Bytes part = payload.subspan(at, std::min(segment_size, payload.size() - at));
    const bool first = at == 0, last = at + part.size() == payload.size();
    tcp.flags = flags;
    if (!first) tcp.flags &= static_cast<std::uint8_t>(~kCwr);
    if (!last) tcp.flags &= static_cast<std::uint8_t>(~(kFin | kPsh));
    packets.push_back(starling::test::make_tcp(ip, tcp, part));
    tcp.sequence += static_cast<std::uint32_t>(part.size());
    ip.identifier++;
  }
  return packets;
}

inline std::vector<Packet> cut_udp(starling::test::IpFields ip, std::uint16_t source_port,
                                   std::uint16_t destination_port, Bytes payload, std::size_t segment_size) {
  std::vector<Packet> packets;
  for (std::size_t at = 0; at < payload.size(); at += segment_size) {
    const Bytes part = payload.subspan(at, std::min(segment_size, payload.size() - at));
    packets.push_back(starling::test::make_udp(ip, source_port, destination_port, part));
    ip.identifier++;
  }
  return packets;
}

}  // namespace starling::wg::test
