#include "wg/io/pcapng.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "base/key.h"

using namespace starling;
using namespace starling::wg;

namespace {

constexpr WallTime kAt{std::chrono::nanoseconds(0x1122334455667788)};

std::string hex_of(void (*write)(PcapngWriter&)) {
  std::vector<std::uint8_t> bytes;
  PcapngWriter writer(bytes);
  write(writer);
  return to_hex(bytes);
}

}  // namespace

// By hand from the draft's figures.
TEST_CASE("a section, an interface, a packet and its statistics are the bytes that the draft draws") {
  CHECK(hex_of([](PcapngWriter& writer) { writer.section("abc"); }) ==
        "0a0d0d0a"
        "28000000"
        "4d3c2b1a"
        "01000000"
        "ffffffffffffffff"
        "04000300"
        "61626300"
        "00000000"
        "28000000");
  CHECK(hex_of([](PcapngWriter& writer) {
          writer.interface({"mesh0", "", 96});
        }) ==
        "01000000"
        "2c000000"
        "65000000"
        "60000000"
        "02000500"
        "6d65736830000000"
        "09000100"
        "09000000"
        "00000000"
        "2c000000");
  CHECK(hex_of([](PcapngWriter& writer) {
          const std::array<std::uint8_t, 5> packet{1, 2, 3, 4, 5};
          writer.packet({7, kAt, PacketDirection::outbound, Bytes(packet), 1420, 0, {}});
        }) ==
        "06000000"
        "34000000"
        "07000000"
        "44332211"
        "88776655"
        "05000000"
        "8c050000"
        "0102030405000000"
        "02000400"
        "02000000"
        "00000000"
        "34000000");
  CHECK(hex_of([](PcapngWriter& writer) {
          writer.statistics({7, WallTime{}, kAt, 3, 2});
        }) ==
        "05000000"
        "4c000000"
        "07000000"
        "44332211"
        "88776655"
        "02000800"
        "0000000000000000"
        "03000800"
        "4433221188776655"
        "04000800"
        "0300000000000000"
        "05000800"
        "0200000000000000"
        "00000000"
        "4c000000");
}

TEST_CASE("a packet says how many were lost before it, and carries a comment") {
  CHECK(hex_of([](PcapngWriter& writer) {
          writer.packet({0, kAt, PacketDirection::inbound, {}, 0, 258, "why"});
        }) ==
        "06000000"
        "40000000"
        "00000000"
        "44332211"
        "88776655"
        "00000000"
        "00000000"
        "02000400"
        "01000000"
        "04000800"
        "0201000000000000"
        "01000300"
        "77687900"
        "00000000"
        "40000000");
}

TEST_CASE("no packet's block is longer than the overhead promises, whatever its size") {
  for (std::size_t size = 0; size < 9; ++size) {
    std::vector<std::uint8_t> bytes;
    const std::vector<std::uint8_t> packet(size, 0xee);
    PcapngWriter(bytes).packet({1, kAt, PacketDirection::inbound, packet, size, 1, "x"});
    CHECK(bytes.size() % 4 == 0);
    CHECK(bytes.size() <= kPcapngPacketOverhead + size + 1);
  }
}

TEST_CASE("a text that is too long for an option is cut") {
  std::vector<std::uint8_t> bytes;
  PcapngWriter(bytes).interface({"mesh0", std::string(70'000, 'x'), 0});
  CHECK(bytes.size() < 66'000);
  CHECK(bytes.size() % 4 == 0);
}
