// Large packets, cut: against the same packets made one by one, with every checksum summed the slow way.
#include "wg/protocol/segmentation.h"

#include <string>
#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/packets.h"
#include "tests/unit/wg/super_packet.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;
using namespace starling::test;

namespace {

// All packets, each overwritten as soon as it is copied: the engine seals it where it lies.
std::vector<Packet> cut(SuperPacket super) {
  auto plan = Segmentation::plan(super.header, super.packet);
  REQUIRE(plan);
  std::vector<Packet> packets;
  const std::size_t count = plan->count();
  for (std::size_t i = 0; i < count; i++) {
    const MutableBytes segment = plan->next();
    REQUIRE(segment.size() == (i + 1 < count ? plan->size() : plan->last_size()));
    packets.emplace_back(segment.begin(), segment.end());
    std::fill(segment.begin(), segment.end(), std::uint8_t{0xee});
  }
  return packets;
}

bool refuses(const VirtioHeader& header, Packet packet) {
  return !Segmentation::plan(header, packet);
}

// An IPv6 packet with an extension header of eight bytes (destination options, padding) before its transport header.
// The checksum does not change: it covers neither the extension nor where it names the protocol.
Packet with_extension_header(Packet packet) {
  const std::vector<std::uint8_t> extension{packet[6], 0, 1, 4, 0, 0, 0, 0};
  packet[6] = 60;
  put_u16(packet, 4, get_u16(packet, 4) + 8);
  packet.insert(packet.begin() + 40, extension.begin(), extension.end());
  return packet;
}

}  // namespace

TEST_CASE("TCP is cut into the packets that the sender would have made, one by one, of either family") {
  TcpFields tcp;
  tcp.sequence = 1'000;
  for (const IpFields& ip : {kV4, kV6}) {
    for (const std::size_t size : std::vector<std::size_t>{1, 1399, 1400, 1401, 2800, 5000, 64'000}) {
      CAPTURE(size);
      const Packet payload = payload_of(size);
      const auto packets = cut(super_tcp(ip, tcp, payload, 1400));
      REQUIRE(packets == cut_tcp(ip, tcp, payload, 1400));
      for (const Packet& packet : packets) REQUIRE(checksums_are_right(packet));
    }
  }
}

TEST_CASE("UDP is cut into datagrams with lengths and checksums of their own, of either family") {
  for (const IpFields& ip : {kV4, kV6}) {
    for (const std::size_t size : std::vector<std::size_t>{1, 1200, 1201, 12'000, 64'000}) {
      CAPTURE(size);
      const Packet payload = payload_of(size);
      const auto packets = cut(super_udp(ip, 4000, 53, payload, 1200));
      REQUIRE(packets == cut_udp(ip, 4000, 53, payload, 1200));
      for (const Packet& packet : packets) REQUIRE(checksums_are_right(packet));
    }
  }
}

TEST_CASE("FIN and PSH are said by the last packet only, CWR by the first only, everything else by all") {
  const Packet payload = payload_of(3'000);
  for (int flags = 0; flags < 256; flags++) {
    TcpFields tcp;
    tcp.flags = static_cast<std::uint8_t>(flags);
    const auto packets = cut(super_tcp(kV4, tcp, payload, 1000));
    REQUIRE(packets.size() == 3);
    CAPTURE(flags);
    REQUIRE(packets[0][33] == (flags & ~(kFin | kPsh)));
    REQUIRE(packets[1][33] == (flags & ~(kFin | kPsh | kCwr)));
    REQUIRE(packets[2][33] == (flags & ~kCwr));
  }
}

TEST_CASE("a single packet keeps all of its flags") {
  TcpFields tcp;
  tcp.flags = kAck | kFin | kPsh | kCwr | kEce;
  const auto packets = cut(super_tcp(kV6, tcp, payload_of(10), 1000));
  REQUIRE(packets.size() == 1);
  CHECK(packets[0][53] == tcp.flags);
}

TEST_CASE("IPv4 identifiers count up, around the end, and so do sequence numbers") {
  IpFields ip = kV4;
  ip.identifier = 0xfffe;
  TcpFields tcp;
  tcp.sequence = 0xffff'fff0;
  const auto packets = cut(super_tcp(ip, tcp, payload_of(4'000), 1000));
  REQUIRE(packets.size() == 4);
  CHECK(get_u16(packets[1], 4) == 0xffff);
  CHECK(get_u16(packets[2], 4) == 0);
  CHECK(get_u16(packets[3], 4) == 1);
  CHECK(get_u16(packets[1], 24) == 0);
  CHECK(get_u16(packets[1], 26) == 0x3d8);
}

TEST_CASE("options of IPv4 and TCP, traffic class and flow label are in every packet") {
  SeededRandom random(2);
  for (int i = 0; i < 300; i++) {
    IpFields ip = i % 2 == 0 ? kV4 : kV6;
    ip.traffic_class = static_cast<std::uint8_t>(random.below(256));
    ip.time_to_live = static_cast<std::uint8_t>(random.below(256));
    ip.identifier = static_cast<std::uint16_t>(random.below(65536));
    ip.flow_label = random.u32() & 0xfffff;
    if (i % 2 == 0) ip.options.assign(4 * random.below(11), 1);
    TcpFields tcp;
    tcp.sequence = random.u32();
    tcp.acknowledgement = random.u32();
    tcp.window = static_cast<std::uint16_t>(random.below(65536));
    tcp.options = payload_of(4 * random.below(11), random.u64());
    const Packet payload = payload_of(1 + random.below(20'000), random.u64());
    const std::size_t segment_size = 200 + random.below(2'000);
    REQUIRE(cut(super_tcp(ip, tcp, payload, segment_size)) == cut_tcp(ip, tcp, payload, segment_size));
  }
}

TEST_CASE("segments may be shorter than their headers, though nothing but the headers is then copied") {
  TcpFields tcp;
  tcp.options = payload_of(40, 3);
  const Packet payload = payload_of(500);
  for (std::size_t segment_size = 1; segment_size < 130; segment_size += 7) {
    CAPTURE(segment_size);
    REQUIRE(cut(super_tcp(kV6, tcp, payload, segment_size)) == cut_tcp(kV6, tcp, payload, segment_size));
    REQUIRE(cut(super_udp(kV4, 1, 2, payload, segment_size)) == cut_udp(kV4, 1, 2, payload, segment_size));
  }
}

TEST_CASE("the virtio header's own header size is not believed, for forwarded packets have it wrong") {
  const Packet payload = payload_of(4'000);
  TcpFields tcp;
  tcp.options.assign(12, 1);
  for (const std::uint16_t size : std::vector<std::uint16_t>{0, 1, 20, 39, 40, 60, 2'000, 0xffff}) {
    CAPTURE(size);
    SuperPacket super = super_tcp(kV4, tcp, payload, 1000);
    super.header.header_size = size;
    CHECK(cut(super) == cut_tcp(kV4, tcp, payload, 1000));
    SuperPacket datagrams = super_udp(kV6, 1, 2, payload, 1000);
    datagrams.header.header_size = size;
    CHECK(cut(datagrams) == cut_udp(kV6, 1, 2, payload, 1000));
  }
}

TEST_CASE("what the kernel left in the checksum fields does not matter") {
  const Packet payload = payload_of(3'000);
  for (const std::uint32_t left : {0u, 1u, 0xffffu}) {
    SuperPacket super = super_tcp(kV4, {}, payload, 1000);
    put_u16(super.packet, 10, left);
    put_u16(super.packet, 36, left);
    CHECK(cut(super) == cut_tcp(kV4, {}, payload, 1000));
  }
}

TEST_CASE("IPv6 extension headers are in every packet") {
  const Packet payload = payload_of(3'000);
  SuperPacket super = super_tcp(kV6, {}, payload, 1000);
  super.packet = with_extension_header(super.packet);
  super.header.checksum_start = 48;
  std::vector<Packet> expected = cut_tcp(kV6, {}, payload, 1000);
  for (Packet& packet : expected) packet = with_extension_header(packet);
  CHECK(cut(super) == expected);
}

TEST_CASE("a UDP checksum that comes out as zero is written as all ones") {
  // The last two bytes of each datagram are what makes its sum nothing.
  Packet payload(2'000, 0);
  for (std::size_t end = 1'000; end <= payload.size(); end += 1'000) {
    const Packet lone = make_udp(kV4, 1, 2, Bytes(payload).subspan(end - 1'000, 1'000));
    put_u16(payload, end - 2, get_u16(lone, 26));
  }
  const auto packets = cut(super_udp(kV4, 1, 2, payload, 1'000));
  REQUIRE(packets.size() == 2);
  for (const Packet& packet : packets) {
    CHECK(get_u16(packet, 26) == 0xffff);
    CHECK(checksums_are_right(packet));
  }
}

TEST_CASE("a packet that stands by itself is one segment, as it is") {
  const Packet packet = make_tcp(kV4, {}, payload_of(100));
  CHECK(cut({VirtioHeader{}, packet}) == std::vector<Packet>{packet});
}

TEST_CASE("a packet that wants its checksum only is one segment, with it") {
  for (const IpFields& ip : {kV4, kV6}) {
    SuperPacket tcp = super_tcp(ip, {}, payload_of(100), 0), udp = super_udp(ip, 1, 2, payload_of(101), 0);
    tcp.header.segmentation = udp.header.segmentation = VirtioHeader::kNotSegmented;
    CHECK(cut(tcp) == std::vector<Packet>{make_tcp(ip, {}, payload_of(100))});
    CHECK(cut(udp) == std::vector<Packet>{make_udp(ip, 1, 2, payload_of(101))});
  }
}

TEST_CASE("a header that makes no sense of its packet is refused") {
  const SuperPacket tcp = super_tcp(kV4, {}, payload_of(3'000), 1000);
  const SuperPacket udp = super_udp(kV6, 1, 2, payload_of(3'000), 1000);
  REQUIRE_FALSE(refuses(tcp.header, tcp.packet));
  REQUIRE_FALSE(refuses(udp.header, udp.packet));

  for (int kind = 0; kind < 256; kind++) {  // what we never ask for (UFO, ECN) and what does not exist
    VirtioHeader header = tcp.header;
    header.segmentation = static_cast<std::uint8_t>(kind);
    CAPTURE(kind);
    if (kind != VirtioHeader::kTcpIpv4 && kind != VirtioHeader::kNotSegmented) CHECK(refuses(header, tcp.packet));
    header = udp.header;
    header.segmentation = static_cast<std::uint8_t>(kind);
    // Between IPv6's header and its transport's may be others, so a TCP header is looked for there.
    if (kind != VirtioHeader::kUdp && kind != VirtioHeader::kNotSegmented && kind != VirtioHeader::kTcpIpv6)
      CHECK(refuses(header, udp.packet));
  }

  VirtioHeader header = tcp.header;
  header.segment_size = 0;
  CHECK(refuses(header, tcp.packet));
  for (const std::uint16_t start : std::vector<std::uint16_t>{0, 14, 19, 21, 24, 40, 3'040, 0xffff}) {
    header = tcp.header;
    header.checksum_start = start;
    CAPTURE(start);
    CHECK(refuses(header, tcp.packet));
  }
  for (const std::uint16_t start : std::vector<std::uint16_t>{0, 20, 39, 3'048, 0xffff}) {
    header = udp.header;
    header.checksum_start = start;
    CAPTURE(start);
    CHECK(refuses(header, udp.packet));
  }
}

TEST_CASE("a packet without room for its headers and a byte of payload is refused") {
  for (const SuperPacket& super :
       {super_tcp(kV4, {}, payload_of(100), 50), super_tcp(kV6, {}, payload_of(100), 50),
        super_udp(kV4, 1, 2, payload_of(100), 50), super_udp(kV6, 1, 2, payload_of(100), 50)}) {
    for (std::size_t size = 0; size <= super.header.header_size; size++) {
      CAPTURE(size);
      REQUIRE(refuses(super.header, Packet(super.packet.begin(), super.packet.begin() + static_cast<long>(size))));
    }
  }
}

TEST_CASE("a TCP header shorter than it can be, or longer than the packet, is refused") {
  for (int words = 0; words < 16; words++) {
    SuperPacket super = super_tcp(kV4, {}, payload_of(30), 10);
    super.packet[32] = static_cast<std::uint8_t>(words << 4);
    CAPTURE(words);
    CHECK(refuses(super.header, super.packet) == (words < 5 || 20 + 4 * words >= 70));
  }
}

TEST_CASE("fragments and other protocols are refused") {
  for (const std::uint16_t fragment : std::vector<std::uint16_t>{0x2000, 0x0001, 0x1fff, 0x6000}) {
    IpFields ip = kV4;
    ip.fragment = fragment;
    CAPTURE(fragment);
    const SuperPacket super = super_tcp(ip, {}, payload_of(3'000), 1000);
    CHECK(refuses(super.header, super.packet));
  }
  SuperPacket super = super_tcp(kV4, {}, payload_of(3'000), 1000);
  super.packet[9] = 99;
  CHECK(refuses(super.header, super.packet));
}

TEST_CASE("headers of more than anyone makes are refused, not copied") {
  SuperPacket super = super_udp(kV6, 1, 2, payload_of(3'000), 1000);
  super.header.checksum_start = Segmentation::kHeaderSizeMax - 8;
  CHECK_FALSE(refuses(super.header, super.packet));
  super.header.checksum_start = Segmentation::kHeaderSizeMax - 7;
  CHECK(refuses(super.header, super.packet));
}
