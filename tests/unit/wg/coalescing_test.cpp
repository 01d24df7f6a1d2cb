// Small packets, joined: what may be and what must not, and that cutting gives back what came.
#include "wg/protocol/coalescing.h"

#include <functional>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/packets.h"
#include "tests/unit/wg/super_packet.h"
#include "wg/protocol/segmentation.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;
using namespace starling::test;

namespace {

// Keeps the packets where they are while they are joined.
struct Joining {
  Coalescer coalescer{true, true};
  std::list<Packet> buffers;

  void add(const Packet& packet, std::uint32_t owner = 0) { coalescer.add(buffers.emplace_back(packet), owner); }

  std::span<JoinedPacket> join(const std::vector<Packet>& packets) {
    for (const Packet& packet : packets) add(packet);
    return coalescer.finish();
  }
};

Packet bytes_of(const JoinedPacket& joined) {
  Packet bytes;
  for (const Bytes piece : joined.pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

std::vector<Packet> cut(const JoinedPacket& joined) {
  Packet packet = bytes_of(joined);
  auto plan = Segmentation::plan(joined.virtio, packet);
  REQUIRE(plan);
  std::vector<Packet> packets;
  for (std::size_t i = plan->count(); i > 0; i--) {
    const MutableBytes segment = plan->next();
    packets.emplace_back(segment.begin(), segment.end());
  }
  return packets;
}

// How many packets each of what comes out was joined from.
std::vector<std::size_t> shape(const std::vector<Packet>& packets) {
  Joining joining;
  std::vector<std::size_t> counts;
  for (const JoinedPacket& joined : joining.join(packets)) counts.push_back(joined.pieces.size());
  return counts;
}

using Shape = std::vector<std::size_t>;

std::vector<Packet> tcp_run(const IpFields& ip, std::size_t count, std::size_t size = 1000,
                            std::uint32_t sequence = 7) {
  TcpFields tcp;
  tcp.sequence = sequence;
  tcp.options.assign(12, 1);
  return cut_tcp(ip, tcp, payload_of(count * size), size);
}

std::vector<Packet> udp_run(const IpFields& ip, std::size_t count, std::size_t size = 1000) {
  return cut_udp(ip, 4000, 4001, payload_of(count * size), size);
}

}  // namespace

TEST_CASE("what was cut comes back as the very same large packet") {
  SeededRandom random(1);
  for (int i = 0; i < 400; i++) {
    IpFields ip = i % 2 == 0 ? kV4 : kV6;
    ip.traffic_class = static_cast<std::uint8_t>(random.below(256));
    ip.identifier = static_cast<std::uint16_t>(random.below(65536));
    ip.flow_label = random.u32() & 0xfffff;
    TcpFields tcp;
    tcp.sequence = random.u32();
    tcp.flags = random.below(2) == 0 ? kAck : kAck | kPsh;
    tcp.options = payload_of(4 * random.below(11), random.u64());
    const std::size_t segment_size = 500 + random.below(2'000);
    const bool is_tcp = i % 4 < 2;
    const std::size_t count_max = is_tcp ? Coalescer::kPiecesMax : Coalescer::kUdpPiecesMax;
    const std::size_t size_max = std::min<std::size_t>(65'535 - 100, segment_size * count_max);
    const Packet payload = payload_of(segment_size + 1 + random.below(size_max - segment_size), random.u64());
    const SuperPacket super =
        is_tcp ? super_tcp(ip, tcp, payload, segment_size) : super_udp(ip, 4000, 53, payload, segment_size);
    const auto packets =
        is_tcp ? cut_tcp(ip, tcp, payload, segment_size) : cut_udp(ip, 4000, 53, payload, segment_size);
    Joining joining;
    const auto joined = joining.join(packets);
    REQUIRE(joined.size() == 1);
    REQUIRE(joined[0].pieces.size() == packets.size());
    REQUIRE(bytes_of(joined[0]) == super.packet);
    REQUIRE(joined[0].size == super.packet.size());
    const VirtioHeader& header = joined[0].virtio;
    REQUIRE(header.flags == super.header.flags);
    REQUIRE(header.segmentation == super.header.segmentation);
    REQUIRE(header.header_size == super.header.header_size);
    REQUIRE(header.segment_size == segment_size);
    REQUIRE(header.checksum_start == super.header.checksum_start);
    REQUIRE(header.checksum_offset == super.header.checksum_offset);
    REQUIRE(cut(joined[0]) == packets);
  }
}

TEST_CASE("a packet that is joined with none is handed on as it came") {
  for (const Packet& packet : {make_tcp(kV4, {}, payload_of(100)), make_udp(kV6, 1, 2, payload_of(100))}) {
    Joining joining;
    const auto joined = joining.join({packet});
    REQUIRE(joined.size() == 1);
    CHECK(bytes_of(joined[0]) == packet);
    CHECK(joined[0].virtio.flags == 0);
    CHECK(joined[0].virtio.segmentation == VirtioHeader::kNotSegmented);
  }
}

TEST_CASE("a joined packet can be taken apart into what came, where the kernel refuses it") {
  for (const auto& packets : {tcp_run(kV4, 5), tcp_run(kV6, 5), udp_run(kV4, 5), udp_run(kV6, 5)}) {
    Joining joining;
    const auto joined = joining.join(packets);
    REQUIRE(joined.size() == 1);
    for (std::size_t i = 0; i < packets.size(); i++) {
      const Bytes original = joined[0].original(i);
      REQUIRE(Packet(original.begin(), original.end()) == packets[i]);
    }
  }
}

TEST_CASE("flows that come by turns are joined each for itself, in order") {
  const auto one = tcp_run(kV4, 4), two = tcp_run(kV6, 4), three = udp_run(kV4, 4);
  std::vector<Packet> packets;
  for (std::size_t i = 0; i < 4; i++) packets.insert(packets.end(), {one[i], two[i], three[i]});
  Joining joining;
  const auto joined = joining.join(packets);
  REQUIRE(joined.size() == 3);
  CHECK(cut(joined[0]) == one);
  CHECK(cut(joined[1]) == two);
  CHECK(cut(joined[2]) == three);
}

TEST_CASE("PSH ends a run, which says it") {
  auto packets = tcp_run(kV4, 5, 1000);
  packets[2][33] |= kPsh;
  repair_checksums(packets[2]);
  Joining joining;
  const auto joined = joining.join(packets);
  REQUIRE(joined.size() == 2);
  CHECK(joined[0].pieces.size() == 3);
  CHECK(joined[1].pieces.size() == 2);
  CHECK(bytes_of(joined[0])[33] == (kAck | kPsh));
  CHECK(bytes_of(joined[1])[33] == kAck);
  packets[0][33] |= kPsh;
  repair_checksums(packets[0]);
  CHECK(shape(packets) == Shape{1, 2, 2});
}

TEST_CASE("a shorter packet ends a run, and a longer one begins another") {
  TcpFields tcp;
  const Packet payload = payload_of(5'000);
  const auto at = [&](std::size_t from, std::size_t size) {
    TcpFields fields = tcp;
    fields.sequence = static_cast<std::uint32_t>(from);
    return make_tcp(kV4, fields, Bytes(payload).subspan(from, size));
  };
  CHECK(shape({at(0, 1000), at(1000, 1000), at(2000, 999), at(2999, 999)}) == Shape{3, 1});
  CHECK(shape({at(0, 1000), at(1000, 1001), at(2001, 1001)}) == Shape{1, 2});
  const auto datagram = [&](std::size_t size) { return make_udp(kV6, 1, 2, Bytes(payload).first(size)); };
  CHECK(shape({datagram(1000), datagram(1000), datagram(10), datagram(10)}) == Shape{3, 1});
  CHECK(shape({datagram(1000), datagram(1001), datagram(1001)}) == Shape{1, 2});
}

TEST_CASE("a run ends at as many packets or bytes as the kernel takes") {
  CHECK(shape(tcp_run(kV4, 130, 100)) == Shape{Coalescer::kPiecesMax, 2});
  CHECK(shape(udp_run(kV6, 66, 100)) == Shape{Coalescer::kUdpPiecesMax, 2});
  // Ten of 6,000 bytes and headers fit 64 KiB, eleven do not.
  auto packets = tcp_run(kV4, 10, 6'000);
  auto more = tcp_run(kV4, 10, 6'000, 7 + 60'000);
  packets.insert(packets.end(), more.begin(), more.end());
  CHECK(shape(packets) == Shape{10, 10});
  for (const IpFields& ip : {kV4, kV6}) {
    const std::size_t headers = ip.source.is_v4() ? 20 + 32 : 40 + 32;
    const std::size_t last = 65'535 - headers - 60'000;
    const auto to_the_limit = [&](std::size_t size) {
      auto run = tcp_run(ip, 10, 6'000);
      const auto end = tcp_run(ip, 1, size, 7 + 60'000);
      run.push_back(end[0]);
      return shape(run);
    };
    CHECK(to_the_limit(last) == Shape{11});
    CHECK(to_the_limit(last + 1) == Shape{10, 1});
  }
}

namespace {

// Something about the second of two packets that follow each other, or about both, for which they are not joined.
struct Difference {
  const char* what;
  std::function<void(Packet& first, Packet& second)> make;
};

const std::vector<Difference> kTcpV4Differences{
    {"type of service", [](Packet&, Packet& b) { b[1] ^= 4; }},
    {"congestion mark", [](Packet&, Packet& b) { b[1] ^= 3; }},
    {"don't fragment", [](Packet&, Packet& b) { b[6] ^= 0x40; }},
    {"reserved flag", [](Packet&, Packet& b) { b[6] ^= 0x80; }},
    {"time to live", [](Packet&, Packet& b) { b[8] ^= 1; }},
    {"first is a fragment", [](Packet& a, Packet&) { a[6] |= 0x20; }},
    {"second is a fragment", [](Packet&, Packet& b) { b[6] |= 0x20; }},
    {"both are later fragments", [](Packet& a, Packet& b) { a[7] = b[7] = 5; }},
    {"source", [](Packet&, Packet& b) { b[15] ^= 1; }},
    {"destination", [](Packet&, Packet& b) { b[19] ^= 1; }},
    {"source port", [](Packet&, Packet& b) { b[21] ^= 1; }},
    {"destination port", [](Packet&, Packet& b) { b[23] ^= 1; }},
    {"a gap", [](Packet&, Packet& b) { b[27] ^= 1; }},
    {"far away", [](Packet&, Packet& b) { b[24] ^= 0x80; }},
    {"acknowledgement", [](Packet&, Packet& b) { b[31] ^= 1; }},
    {"reserved bits", [](Packet&, Packet& b) { b[32] ^= 1; }},
    {"no ACK", [](Packet& a, Packet& b) { a[33] = b[33] = 0; }},
    {"PSH in the first", [](Packet& a, Packet&) { a[33] |= kPsh; }},
    {"FIN", [](Packet&, Packet& b) { b[33] |= kFin; }},
    {"SYN", [](Packet&, Packet& b) { b[33] |= kSyn; }},
    {"RST", [](Packet&, Packet& b) { b[33] |= kRst; }},
    {"URG", [](Packet& a, Packet& b) { a[33] |= kUrg, b[33] |= kUrg; }},
    {"ECE", [](Packet& a, Packet& b) { a[33] |= kEce, b[33] |= kEce; }},
    {"CWR in the first", [](Packet& a, Packet&) { a[33] |= kCwr; }},
    {"CWR in the second", [](Packet&, Packet& b) { b[33] |= kCwr; }},
    {"window", [](Packet&, Packet& b) { b[35] ^= 1; }},
    {"urgent pointer", [](Packet&, Packet& b) { b[39] ^= 1; }},
    {"TCP options", [](Packet&, Packet& b) { b[51] ^= 1; }},
    {"length of TCP options", [](Packet&, Packet& b) { b[32] = 0x70; }},
};

const std::vector<Difference> kTcpV6Differences{
    {"traffic class", [](Packet&, Packet& b) { b[1] ^= 0x10; }}, {"flow label", [](Packet&, Packet& b) { b[3] ^= 1; }},
    {"hop limit", [](Packet&, Packet& b) { b[7] ^= 1; }},        {"source", [](Packet&, Packet& b) { b[23] ^= 1; }},
    {"destination", [](Packet&, Packet& b) { b[39] ^= 1; }},     {"a gap", [](Packet&, Packet& b) { b[47] ^= 1; }},
    {"acknowledgement", [](Packet&, Packet& b) { b[51] ^= 1; }}, {"FIN", [](Packet&, Packet& b) { b[53] |= kFin; }},
    {"TCP options", [](Packet&, Packet& b) { b[71] ^= 1; }},
};

const std::vector<Difference> kUdpV4Differences{
    {"type of service", [](Packet&, Packet& b) { b[1] ^= 4; }},
    {"don't fragment", [](Packet&, Packet& b) { b[6] ^= 0x40; }},
    {"time to live", [](Packet&, Packet& b) { b[8] ^= 1; }},
    {"first is a fragment", [](Packet& a, Packet&) { a[6] |= 0x20; }},
    {"source port", [](Packet&, Packet& b) { b[21] ^= 1; }},
    {"destination port", [](Packet&, Packet& b) { b[23] ^= 1; }},
    {"destination", [](Packet&, Packet& b) { b[19] ^= 1; }},
};

std::vector<Packet> pair_with(std::vector<Packet> pair, const Difference& difference) {
  REQUIRE(shape(pair) == Shape{2});
  difference.make(pair[0], pair[1]);
  for (Packet& packet : pair) repair_checksums(packet);
  return pair;
}

}  // namespace

TEST_CASE("packets that differ in more than what counts up are not joined") {
  const auto check = [](const std::vector<Packet>& pair, const std::vector<Difference>& differences) {
    for (const Difference& difference : differences) {
      CAPTURE(difference.what);
      const auto packets = pair_with(pair, difference);
      Joining joining;
      const auto joined = joining.join(packets);
      REQUIRE(joined.size() == 2);
      CHECK(bytes_of(joined[0]) == packets[0]);
      CHECK(bytes_of(joined[1]) == packets[1]);
    }
  };
  check(tcp_run(kV4, 2), kTcpV4Differences);
  check(tcp_run(kV6, 2), kTcpV6Differences);
  check(udp_run(kV4, 2), kUdpV4Differences);
}

TEST_CASE("IPv4 options and IPv6 extension headers are left alone") {
  IpFields ip = kV4;
  ip.options = {1, 1, 1, 1};
  CHECK(shape(tcp_run(ip, 3)) == Shape{1, 1, 1});
  CHECK(shape(udp_run(ip, 3)) == Shape{1, 1, 1});
  IpFields extended = kV6;
  extended.protocol = 60;
  const auto plain = udp_run(kV6, 2);
  std::vector<Packet> packets;
  for (const Packet& packet : plain) {
    Packet payload{kUdp, 0, 1, 4, 0, 0, 0, 0};
    payload.insert(payload.end(), packet.begin() + 40, packet.end());
    packets.push_back(make_ip(extended, payload));
  }
  CHECK(shape(packets) == Shape{1, 1});
}

TEST_CASE("other protocols, ICMP among them, are left alone") {
  for (const int protocol : {1, 47, 50, 132}) {
    IpFields ip = kV4;
    ip.protocol = static_cast<std::uint8_t>(protocol);
    const Packet packet = make_ip(ip, payload_of(100));
    CAPTURE(protocol);
    CHECK(shape({packet, packet}) == Shape{1, 1});
  }
}

TEST_CASE("a packet with a wrong checksum is never joined, first or later, and stays as wrong as it was") {
  for (const auto& right : {tcp_run(kV4, 3), tcp_run(kV6, 3), udp_run(kV4, 3), udp_run(kV6, 3)}) {
    for (std::size_t bad = 0; bad < 3; bad++) {
      // Somewhere in the payload, the transport checksum, and the IPv4 header's checksum.
      const bool v4 = is_ipv4(right[0]);
      const std::size_t field = header_size(right[0]) + (protocol_of(right[0]) == kTcp ? 16 : 6);
      for (const std::size_t at : {right[bad].size() - 1, field, v4 ? std::size_t{10} : field + 1}) {
        auto packets = right;
        packets[bad][at] ^= 0x40;
        CAPTURE(bad);
        CAPTURE(at);
        Joining joining;
        const auto joined = joining.join(packets);
        std::vector<Packet> out;
        for (const JoinedPacket& one : joined) {
          const auto parts = one.pieces.size() > 1 ? cut(one) : std::vector<Packet>{bytes_of(one)};
          out.insert(out.end(), parts.begin(), parts.end());
          if (bytes_of(one) == packets[bad]) CHECK(one.pieces.size() == 1);
        }
        REQUIRE(out.size() == 3);
        REQUIRE(out[bad] == packets[bad]);
        for (std::size_t i = 0; i < 3; i++) REQUIRE(without_identifier(out[i]) == without_identifier(packets[i]));
      }
    }
  }
}

TEST_CASE("UDP without a checksum is never joined") {
  auto packets = udp_run(kV4, 3);
  for (Packet& packet : packets) put_u16(packet, 26, 0);
  CHECK(shape(packets) == Shape{1, 1, 1});
  auto one = udp_run(kV4, 3);
  put_u16(one[1], 26, 0);
  CHECK(shape(one) == Shape{1, 1, 1});
}

TEST_CASE("UDP without a checksum is not joined even if its bytes sum up as if it had one") {
  auto packets = udp_run(kV4, 2);
  for (Packet& packet : packets) {
    put_u16(packet, 28, 0);
    repair_checksums(packet);
    put_u16(packet, 28, get_u16(packet, 26));
    put_u16(packet, 26, 0);
    REQUIRE(checksums_are_right(packet));
  }
  CHECK(shape(packets) == Shape{1, 1});
}

TEST_CASE("UDP whose own length is not the packet's is never joined") {
  for (const int change : {-1, 1}) {
    auto packets = udp_run(kV4, 2);
    put_u16(packets[1], 24, static_cast<std::uint32_t>(1008 + change));
    repair_checksums(packets[1]);
    CHECK(shape(packets) == Shape{1, 1});
  }
}

TEST_CASE("a TCP header shorter than it can be, or longer than the packet, is left alone") {
  for (int words = 0; words < 16; words++) {
    if (words >= 5 && words <= 11) continue;  // what may be
    auto packets = tcp_run(kV4, 2, 16);
    for (Packet& packet : packets) {
      packet[32] = static_cast<std::uint8_t>(words << 4);
    }
    // Without a gap, by the payload that this leaves.
    put_u16(packets[1], 26, static_cast<std::uint32_t>(7 + packets[0].size() - 20 - words * 4u));
    for (Packet& packet : packets) repair_checksums(packet);
    CAPTURE(words);
    CHECK(shape(packets) == Shape{1, 1});
  }
}

TEST_CASE("a flow that was not among the newest packets begins anew, in order") {
  for (std::uint16_t others = 14; others < 18; others++) {
    const auto run = udp_run(kV4, 2);
    std::vector<Packet> packets{run[0]};
    for (std::uint16_t port = 1; port <= others; port++) packets.push_back(make_udp(kV6, port, 9, payload_of(100)));
    packets.push_back(run[1]);
    Shape expected(others + 1u, 1);
    expected.front() = others < Coalescer::kFlowsMax ? 2 : 1;
    if (others >= Coalescer::kFlowsMax) expected.push_back(1);
    CAPTURE(others);
    CHECK(shape(packets) == expected);
  }
}

TEST_CASE("pure acknowledgements are not joined, and nothing overtakes them") {
  TcpFields tcp;
  const Packet acknowledgement = make_tcp(kV4, tcp, {});
  CHECK(shape({acknowledgement, acknowledgement}) == Shape{1, 1});
  auto packets = tcp_run(kV4, 4);
  packets.insert(packets.begin() + 2, make_tcp(kV4, tcp, {}));
  CHECK(shape(packets) == Shape{2, 1, 2});
}

TEST_CASE("a fragment is not overtaken by a later packet of its addresses") {
  auto packets = udp_run(kV4, 4);
  IpFields fields = kV4;
  fields.fragment = 0x2000 | 5;
  packets.insert(packets.begin() + 2, make_ip(fields, payload_of(100)));
  CHECK(shape(packets) == Shape{2, 1, 2});
}

TEST_CASE("packets of different owners are not joined, nor around one another") {
  const auto packets = tcp_run(kV4, 4);
  Joining joining;
  for (std::size_t i = 0; i < 4; i++) joining.add(packets[i], i == 2 ? 1 : 0);
  const auto joined = joining.coalescer.finish();
  REQUIRE(joined.size() == 3);
  CHECK(joined[0].pieces.size() == 2);
  CHECK(joined[0].owner == 0);
  CHECK(joined[1].owner == 1);
  CHECK(joined[2].owner == 0);
}

TEST_CASE("each kind is joined only where it is switched on") {
  const auto tcp = tcp_run(kV4, 2), udp = udp_run(kV6, 2);
  const std::vector<Packet> packets{tcp[0], tcp[1], udp[0], udp[1]};
  for (int on = 0; on < 4; on++) {
    Joining joining;
    joining.coalescer.set((on & 1) != 0, (on & 2) != 0);
    std::size_t tcp_out = 0, udp_out = 0;
    for (const JoinedPacket& joined : joining.join(packets)) (protocol_of(joined.first) == kTcp ? tcp_out : udp_out)++;
    CHECK(tcp_out == ((on & 1) != 0 ? 1 : 2));
    CHECK(udp_out == ((on & 2) != 0 ? 1 : 2));
  }
}

TEST_CASE("what was cleared is forgotten") {
  const auto packets = tcp_run(kV4, 4);
  Joining joining;
  CHECK(joining.coalescer.empty());
  CHECK(joining.join({packets[0], packets[1]}).size() == 1);
  CHECK_FALSE(joining.coalescer.empty());
  joining.coalescer.clear();
  CHECK(joining.coalescer.empty());
  CHECK(joining.coalescer.finish().empty());
  const auto joined = joining.join({packets[2], packets[3]});
  REQUIRE(joined.size() == 1);
  CHECK(joined[0].pieces.size() == 2);
  CHECK(cut(joined[0])[1] == packets[3]);
}

namespace {

// A few flows with everything that keeps packets apart, now and then.
class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : random_(seed) {}

  Packet next() {
    const std::size_t flow = random_.below(6);
    IpFields ip = flow % 2 == 0 ? kV4 : kV6;
    if (flow >= 4) ip = between("10.1.0.1", "10.2.0.2");
    ip.identifier = identifier_++;
    if (rarely()) ip.traffic_class = 1;
    if (rarely()) ip.time_to_live = 63;
    if (rarely()) ip.fragment = static_cast<std::uint16_t>(random_.below(65536));
    const std::size_t size = rarely() ? random_.below(1300) : 1200;
    const Packet payload = payload_of(size, random_.u64());
    Packet packet = flow < 3 ? tcp(ip, flow, payload) : make_udp(ip, static_cast<std::uint16_t>(flow), 9, payload);
    if (rarely()) packet[random_.below(packet.size() - 1) + 1] ^= static_cast<std::uint8_t>(1 + random_.below(255));
    return packet;
  }

 private:
  bool rarely() { return random_.below(12) == 0; }

  Packet tcp(const IpFields& ip, std::size_t flow, const Packet& payload) {
    TcpFields fields;
    fields.source_port = static_cast<std::uint16_t>(flow);
    if (rarely()) sequences_[flow] += static_cast<std::uint32_t>(random_.below(3));
    fields.sequence = sequences_[flow];
    sequences_[flow] += static_cast<std::uint32_t>(payload.size());
    if (rarely()) fields.flags |= kPsh;
    if (rarely()) fields.flags = static_cast<std::uint8_t>(random_.below(256));
    return make_tcp(ip, fields, payload);
  }

  SeededRandom random_;
  std::uint16_t identifier_ = 0xff00;
  std::uint32_t sequences_[3] = {0, 0xffff'0000, 5};
};

std::string flow_of(const Packet& packet) {
  const std::size_t transport = header_size(packet);
  const bool v4 = is_ipv4(packet);
  std::string key(packet.begin() + (v4 ? 12 : 8), packet.begin() + (v4 ? 20 : 40));
  key.push_back(static_cast<char>(protocol_of(packet)));
  // Without ports where there are none in the packet.
  const bool has_ports = packet.size() >= transport + 4 && (!v4 || (get_u16(packet, 6) & 0x1fff) == 0);
  if (has_ports)
    key.append(packet.begin() + static_cast<long>(transport), packet.begin() + static_cast<long>(transport) + 4);
  return key;
}

using Flows = std::map<std::string, std::vector<Packet>>;

// Whether an engine would have handed it on: whole, and an IP packet.
bool is_whole(const Packet& packet) {
  if (packet[0] >> 4 == 4) {
    const std::size_t header = (packet[0] & 15u) * 4;
    return header >= 20 && header <= packet.size() && get_u16(packet, 2) == packet.size();
  }
  return packet[0] >> 4 == 6 && 40 + get_u16(packet, 4) == packet.size();
}

}  // namespace

TEST_CASE("any traffic, joined and cut again, is the same traffic in each flow's order") {
  for (std::uint64_t seed = 1; seed <= 60; seed++) {
    Traffic traffic(seed);
    Joining joining;
    Flows sent, received;
    std::size_t count = 0;
    while (count < 200) {
      const Packet packet = traffic.next();
      if (!is_whole(packet)) continue;
      sent[flow_of(packet)].push_back(without_identifier(packet));
      joining.add(packet);
      count++;
    }
    const auto joined = joining.coalescer.finish();
    REQUIRE(joined.size() < count * 9 / 10);  // it is worth it
    for (const JoinedPacket& one : joined) {
      const auto parts = one.pieces.size() > 1 ? cut(one) : std::vector<Packet>{bytes_of(one)};
      REQUIRE(parts.size() == one.pieces.size());
      for (const Packet& part : parts) received[flow_of(part)].push_back(without_identifier(part));
    }
    CAPTURE(seed);
    REQUIRE(received == sent);
  }
}
