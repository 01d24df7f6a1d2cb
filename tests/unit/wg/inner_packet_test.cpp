#include "wg/protocol/inner_packet.h"

#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/unit/wg/vectors.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

// 172.20.0.1:1000 → 172.20.0.2:53, UDP, 4 bytes of payload.
std::vector<std::uint8_t> ipv4_udp() {
  return from_hex("45b80020 00004000 4011 0000 ac140001 ac140002 03e8 0035 000c 0000 01020304");
}
// fd00::1 → fd00::2, TCP ports 1000 and 80 (only the first bytes of the header matter).
std::vector<std::uint8_t> ipv6_tcp() {
  return from_hex(
      "6b812345 0014 06 40 fd000000000000000000000000000001 fd000000000000000000000000000002"
      "03e8 0050 00000000 00000000 50000000 00000000");
}

std::uint32_t flow_of(const std::vector<std::uint8_t>& packet, std::uint32_t seed = 0) {
  return parse_inner_packet(packet, seed).value().flow_hash;
}

}  // namespace

TEST_CASE("an IPv4 packet is read from its header") {
  const auto packet = parse_inner_packet(ipv4_udp());
  REQUIRE(packet);
  CHECK(packet->source.to_string() == "172.20.0.1");
  CHECK(packet->destination.to_string() == "172.20.0.2");
  CHECK(packet->total_length == 32);
  CHECK(packet->protocol == 17);
  CHECK(packet->traffic_class == 0xb8);
}

TEST_CASE("an IPv6 packet is read from its header") {
  const auto packet = parse_inner_packet(ipv6_tcp());
  REQUIRE(packet);
  CHECK(packet->source.to_string() == "fd00::1");
  CHECK(packet->destination.to_string() == "fd00::2");
  CHECK(packet->total_length == 60);
  CHECK(packet->protocol == 6);
  CHECK(packet->traffic_class == 0xb8);
}

TEST_CASE("padding behind a packet is allowed and does not change the flow, a missing byte is not allowed") {
  for (auto packet : {ipv4_udp(), ipv6_tcp()}) {
    const auto whole = parse_inner_packet(packet).value();
    for (std::size_t size = 0; size < packet.size(); size++) CHECK_FALSE(parse_inner_packet(Bytes(packet).first(size)));
    packet.resize(packet.size() + 15, 0xaa);
    const auto padded = parse_inner_packet(packet);
    REQUIRE(padded);
    CHECK(padded->total_length == whole.total_length);
    CHECK(padded->flow_hash == whole.flow_hash);
  }
}

TEST_CASE("lengths that contradict each other are refused") {
  auto packet = ipv4_udp();
  packet[0] = 0x44;  // a header of 16 bytes
  CHECK_FALSE(parse_inner_packet(packet));
  packet = ipv4_udp();
  packet[0] = 0x49;  // a header of 36 bytes in a packet of 32
  CHECK_FALSE(parse_inner_packet(packet));
  packet = ipv4_udp();
  packet[3] = 19;  // a packet shorter than its header
  CHECK_FALSE(parse_inner_packet(packet));
  packet = ipv4_udp();
  packet[0] = 0x55;  // no such version
  CHECK_FALSE(parse_inner_packet(packet));
  CHECK_FALSE(parse_inner_packet({}));
}

TEST_CASE("each part of the five-tuple changes the flow hash, other fields and payload do not") {
  for (const auto& base : {ipv4_udp(), ipv6_tcp()}) {
    const bool v4 = base.size() == 32;
    const std::size_t addresses = v4 ? 12 : 8, ports = v4 ? 20 : 40;
    const auto changed = [&](std::size_t at) {
      auto packet = base;
      packet[at] ^= 1;
      return flow_of(packet) != flow_of(base);
    };
    for (std::size_t i = addresses; i < ports; i++) CHECK(changed(i));
    for (std::size_t i = ports; i < ports + 4; i++) CHECK(changed(i));
    CHECK(changed(v4 ? 9 : 6));
    CHECK_FALSE(changed(1));
    CHECK_FALSE(changed(v4 ? 8 : 7));  // time to live
    CHECK_FALSE(changed(base.size() - 1));
    CHECK(flow_of(base, 1) != flow_of(base, 2));
  }
}

TEST_CASE("all fragments of a packet belong to one flow") {
  auto first = ipv4_udp(), second = ipv4_udp();
  first[6] = 0x20;   // more fragments
  second[7] = 0xb9;  // an offset
  second[20] = 0x77;
  CHECK(flow_of(first) == flow_of(second));
}

TEST_CASE("no bytes make the reader pass the end") {
  SeededRandom random(1);
  for (int i = 0; i < 20000; i++) {
    std::vector<std::uint8_t> bytes(random.below(80));
    random.fill(bytes);
    if (!bytes.empty()) bytes[0] = static_cast<std::uint8_t>((random.below(2) == 0 ? 0x45 : 0x60) ^ (i % 5));
    const auto packet = parse_inner_packet(bytes);
    if (packet) CHECK(packet->total_length <= bytes.size());
  }
}
