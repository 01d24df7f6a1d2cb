// What a router does to a packet that passes through, and what it leaves to the kernel.
#include "wg/protocol/forwarding.h"

#include <string>
#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/packets.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::test;

namespace {

constexpr std::size_t kMtu = 1420;  // bytes

const IpFields kV4 = between("10.1.0.1", "10.2.0.1");
const IpFields kV6 = between("fd00:1::1", "fd00:2::1");

std::vector<std::uint8_t> udp(const IpFields& fields, std::size_t total_size = 100) {
  const std::size_t headers = (fields.source.is_v4() ? 20 : 40) + fields.options.size() + 8;
  return make_udp(fields, 1, 2, std::vector<std::uint8_t>(total_size - headers, 0x5a));
}

// The verdict, with the certainty that nothing but `forward` changes a packet.
ForwardVerdict judge(std::vector<std::uint8_t> packet, std::size_t mtu = kMtu) {
  const std::vector<std::uint8_t> before = packet;
  const ForwardVerdict verdict = prepare_forward(packet, mtu);
  if (verdict != ForwardVerdict::forward) REQUIRE(packet == before);
  return verdict;
}

IpFields with_time_to_live(IpFields fields, std::uint8_t time_to_live) {
  fields.time_to_live = time_to_live;
  return fields;
}

}  // namespace

TEST_CASE("a packet that goes on has one less to live, right checksums, and nothing else changed") {
  for (const IpFields& fields : {kV4, kV6}) {
    for (int time_to_live = 2; time_to_live < 256; time_to_live++) {
      auto packet = udp(with_time_to_live(fields, static_cast<std::uint8_t>(time_to_live)));
      CAPTURE(time_to_live);
      REQUIRE(prepare_forward(packet, kMtu) == ForwardVerdict::forward);
      REQUIRE(packet == udp(with_time_to_live(fields, static_cast<std::uint8_t>(time_to_live - 1))));
    }
  }
}

TEST_CASE("the checksum stays right whatever else is in the header") {
  SeededRandom random(1);
  for (int i = 0; i < 20'000; i++) {
    IpFields fields = kV4;
    fields.traffic_class = static_cast<std::uint8_t>(random.below(256));
    fields.identifier = static_cast<std::uint16_t>(random.below(65536));
    fields.time_to_live = static_cast<std::uint8_t>(2 + random.below(254));
    fields.protocol = static_cast<std::uint8_t>(random.below(256));
    fields.fragment = static_cast<std::uint16_t>(random.below(65536));
    auto packet = make_ip(fields, std::vector<std::uint8_t>(random.below(1000)));
    REQUIRE(prepare_forward(packet, kMtu) == ForwardVerdict::forward);
    fields.time_to_live--;
    REQUIRE(packet == make_ip(fields, Bytes(packet).subspan(20)));
  }
}

TEST_CASE("a packet with one hop left, or none, ends here") {
  for (const IpFields& fields : {kV4, kV6}) {
    CHECK(judge(udp(with_time_to_live(fields, 1))) == ForwardVerdict::time_exceeded);
    CHECK(judge(udp(with_time_to_live(fields, 0))) == ForwardVerdict::time_exceeded);
    // Before its size is looked at, as every hop further on would answer so, too.
    CHECK(judge(udp(with_time_to_live(fields, 1), kMtu + 1)) == ForwardVerdict::time_exceeded);
  }
}

TEST_CASE("exactly the MTU passes and one byte more does not") {
  for (const IpFields& fields : {kV4, kV6}) {
    CHECK(judge(udp(fields, kMtu)) == ForwardVerdict::forward);
    CHECK(judge(udp(fields, kMtu + 1)) == ForwardVerdict::too_big);
    CHECK(judge(udp(fields, 9000), 9000) == ForwardVerdict::forward);
  }
}

TEST_CASE("what is too large and may be fragmented is the kernel's to fragment") {
  IpFields fields = kV4;
  fields.fragment = 0;
  CHECK(judge(udp(fields, kMtu + 1)) == ForwardVerdict::punt);
  CHECK(judge(udp(fields, kMtu)) == ForwardVerdict::forward);
  fields.fragment = 0x2000 | 185;  // a fragment, to be cut further
  CHECK(judge(udp(fields, kMtu + 1)) == ForwardVerdict::punt);
}

TEST_CASE("padding behind the packet is neither its size nor looked at") {
  for (const IpFields& fields : {kV4, kV6}) {
    auto packet = udp(fields, kMtu);
    packet.resize(kMtu + 12, 0xee);
    CHECK(judge(packet) == ForwardVerdict::forward);
  }
}

TEST_CASE("options and hop-by-hop options are the kernel's to obey") {
  IpFields fields = kV4;
  fields.options = {0x94, 0x04, 0, 0};  // router alert
  CHECK(judge(udp(fields)) == ForwardVerdict::punt);
  IpFields hop_by_hop = kV6;
  hop_by_hop.protocol = 0;
  CHECK(judge(make_ip(hop_by_hop, std::vector<std::uint8_t>{17, 0, 5, 2, 0, 0, 1, 0})) == ForwardVerdict::punt);
  IpFields for_the_end = kV6;
  for_the_end.protocol = 60;
  CHECK(judge(make_ip(for_the_end, std::vector<std::uint8_t>{17, 0, 1, 4, 0, 0, 0, 0})) == ForwardVerdict::forward);
}

TEST_CASE("addresses that do not leave their link, or name no single node, are the kernel's") {
  for (const char* address : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "169.254.1.1", "224.0.0.1",
                              "239.255.255.250", "240.0.0.1", "255.255.255.255"}) {
    CAPTURE(address);
    CHECK(judge(udp(between(address, "10.2.0.1"))) == ForwardVerdict::punt);
    CHECK(judge(udp(between("10.1.0.1", address))) == ForwardVerdict::punt);
  }
  for (const char* address : {"::", "::1", "::ffff:10.0.0.1", "::10.0.0.1", "fe80::1", "febf:ffff::1", "ff02::1",
                              "ff0e::1", "ff3e:30:2001:db8::1"}) {
    CAPTURE(address);
    CHECK(judge(udp(between(address, "fd00:2::1"))) == ForwardVerdict::punt);
    CHECK(judge(udp(between("fd00:1::1", address))) == ForwardVerdict::punt);
  }
}

TEST_CASE("addresses at the edges of those are ordinary") {
  for (const char* address : {"1.0.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.0",
                              "223.255.255.255", "192.0.0.8", "10.0.0.0", "10.255.255.255"}) {
    CAPTURE(address);
    CHECK(judge(udp(between(address, "10.2.0.1"))) == ForwardVerdict::forward);
    CHECK(judge(udp(between("10.1.0.1", address))) == ForwardVerdict::forward);
  }
  for (const char* address : {"64:ff9b::10.0.0.1", "2001:db8::", "fe7f:ffff::1", "fec0::1", "fdff::", "0:0:0:1::"}) {
    CAPTURE(address);
    CHECK(judge(udp(between(address, "fd00:2::1"))) == ForwardVerdict::forward);
    CHECK(judge(udp(between("fd00:1::1", address))) == ForwardVerdict::forward);
  }
}

TEST_CASE("a wrong header checksum is the kernel's to count, whatever else would have become of it") {
  for (const std::uint8_t time_to_live : {std::uint8_t{64}, std::uint8_t{1}}) {
    IpFields fields = with_time_to_live(kV4, time_to_live);
    fields.identifier = 0xffff;  // read as IPv6 it is longer than it is, too
    const auto right = udp(fields, kMtu);
    for (std::size_t bit = 0; bit < 160; bit++) {
      auto packet = right;
      packet[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      CAPTURE(bit);
      REQUIRE(judge(packet) == ForwardVerdict::punt);
      REQUIRE(judge(packet, 1000) == ForwardVerdict::punt);
    }
  }
}

TEST_CASE("a packet shorter than it says, or than a header, is the kernel's to count") {
  for (const IpFields& fields : {kV4, kV6}) {
    const auto packet = udp(fields);
    for (std::size_t size = 0; size < packet.size(); size++) {
      CAPTURE(size);
      REQUIRE(judge(std::vector<std::uint8_t>(packet.begin(), packet.begin() + static_cast<long>(size))) ==
              ForwardVerdict::punt);
    }
  }
  auto shorter_than_header = udp(kV4);
  put_u16(shorter_than_header, 2, 19);
  repair_header_checksum(shorter_than_header);
  CHECK(judge(shorter_than_header) == ForwardVerdict::punt);
}

TEST_CASE("what is no IP packet is the kernel's") {
  for (int version = 0; version < 16; version++) {
    if (version == 4 || version == 6) continue;
    auto packet = udp(kV4);
    packet[0] = static_cast<std::uint8_t>(version << 4 | 5);
    repair_header_checksum(packet);
    CAPTURE(version);
    CHECK(judge(packet) == ForwardVerdict::punt);
  }
  auto short_header = udp(kV4);
  short_header[0] = 0x44;
  put_u16(short_header, 10, 0);
  put_u16(short_header, 10, ~slow_sum(Bytes(short_header).first(20)));
  CHECK(judge(short_header) == ForwardVerdict::punt);
}
