// RFC 6040: what the outer header says of congestion, and what the inner one learns of it.
#include "wg/protocol/ecn.h"

#include <vector>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/packets.h"

using namespace starling;
using namespace starling::wg;

namespace {

std::vector<std::uint8_t> make_ipv4(std::uint8_t traffic_class, std::uint8_t fill = 0x5a) {
  std::vector<std::uint8_t> packet(28, fill);
  packet[0] = 0x45;
  packet[1] = traffic_class;
  packet[2] = 0;
  packet[3] = 28;
  test::repair_header_checksum(packet);
  return packet;
}

std::vector<std::uint8_t> make_ipv6(std::uint8_t traffic_class) {
  std::vector<std::uint8_t> packet(48, 0x5a);
  packet[0] = static_cast<std::uint8_t>(0x60 | traffic_class >> 4);
  packet[1] = static_cast<std::uint8_t>(traffic_class << 4 | 0x0b);  // and a part of the flow label
  return packet;
}

std::uint8_t traffic_class_of(Bytes packet) {
  return packet[0] >> 4 == 4 ? packet[1] : static_cast<std::uint8_t>(packet[0] << 4 | packet[1] >> 4);
}

constexpr std::uint8_t kDrop = 0xff;
// RFC 6040 figure 4. Rows: the inner field, Not-ECT, ECT(1), ECT(0), CE; columns: the outer one in the same order.
constexpr std::uint8_t kFigure4[4][4] = {
    {kEcnNotCapable, kEcnNotCapable, kEcnNotCapable, kDrop},
    {kEcnCapable1, kEcnCapable1, kEcnCapable1, kEcnCongestion},
    {kEcnCapable0, kEcnCapable1, kEcnCapable0, kEcnCongestion},
    {kEcnCongestion, kEcnCongestion, kEcnCongestion, kEcnCongestion},
};

}  // namespace

TEST_CASE("the outer header has the inner packet's ECN field and nothing of its DSCP") {
  for (unsigned traffic_class = 0; traffic_class < 256; traffic_class++) {
    const auto value = static_cast<std::uint8_t>(traffic_class);
    CHECK(ecn_for_outer(make_ipv4(value)) == (value & 3));
    CHECK(ecn_for_outer(make_ipv6(value)) == (value & 3));
  }
}

TEST_CASE("a keepalive and what is no IP packet is not ECN-capable") {
  CHECK(ecn_for_outer({}) == kEcnNotCapable);
  CHECK(ecn_for_outer(std::vector<std::uint8_t>{0x60}) == kEcnNotCapable);
  CHECK(ecn_for_outer(std::vector<std::uint8_t>(19, 0x47)) == kEcnNotCapable);
  CHECK(ecn_for_outer(std::vector<std::uint8_t>(40, 0x53)) == kEcnNotCapable);
}

TEST_CASE("the inner packet comes out as figure 4 of RFC 6040 says, its DSCP and all else unchanged") {
  for (unsigned inner = 0; inner < 256; inner++) {
    for (unsigned outer = 0; outer < 256; outer++) {
      const std::uint8_t expected = kFigure4[inner & 3][outer & 3];
      for (const auto& before :
           {make_ipv4(static_cast<std::uint8_t>(inner)), make_ipv6(static_cast<std::uint8_t>(inner))}) {
        auto after = before;
        REQUIRE(ecn_decapsulate(after, static_cast<std::uint8_t>(outer)) == (expected != kDrop));
        if (expected == kDrop) {
          REQUIRE(after == before);
          continue;
        }
        const auto merged = static_cast<std::uint8_t>((inner & ~3u) | expected);
        const auto wanted = before[0] >> 4 == 4 ? make_ipv4(merged) : make_ipv6(merged);
        REQUIRE(traffic_class_of(after) == merged);
        REQUIRE(after == wanted);
      }
    }
  }
}

TEST_CASE("an IPv4 checksum stays right where it was right and wrong where it was wrong") {
  SeededRandom random(1);
  for (int i = 0; i < 20'000; i++) {
    auto packet = make_ipv4(static_cast<std::uint8_t>(random.below(256)), static_cast<std::uint8_t>(random.below(256)));
    const auto error = static_cast<std::uint8_t>(random.below(2));
    packet[11] ^= error;
    if (!ecn_decapsulate(packet, static_cast<std::uint8_t>(random.below(4)))) continue;
    REQUIRE((test::slow_sum(Bytes(packet).first(20)) == 0xffff) == (error == 0));
  }
}

TEST_CASE("what is no IP packet is never changed and never dropped for congestion") {
  SeededRandom random(2);
  for (std::size_t size = 0; size < 60; size++) {
    for (std::uint8_t version = 0; version < 16; version++) {
      if ((version == 4 && size >= 20) || (version == 6 && size >= 2)) continue;
      std::vector<std::uint8_t> bytes(size);
      random.fill(bytes);
      if (size > 0) bytes[0] = static_cast<std::uint8_t>(version << 4 | (bytes[0] & 15));
      const auto before = bytes;
      CHECK(ecn_decapsulate(bytes, kEcnCongestion));
      CHECK(bytes == before);
    }
  }
}
