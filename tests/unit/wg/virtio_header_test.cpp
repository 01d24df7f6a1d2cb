// The header of a TUN with IFF_VNET_HDR, and the checksum that the kernel leaves to others.
#include "wg/protocol/virtio_header.h"

#include <cstring>
#include <vector>

#include "doctest/doctest.h"
#include "tests/packets.h"

using namespace starling;
using namespace starling::wg;
using starling::test::slow_sum;

namespace {

constexpr std::size_t kUdpOffset = 20;         // bytes, behind an IPv4 header
constexpr std::size_t kChecksumOffset = 6;     // bytes, in a UDP header
constexpr std::size_t kPseudoHeaderSize = 12;  // bytes

std::vector<std::uint8_t> pseudo_header(Bytes packet) {
  std::vector<std::uint8_t> header(packet.begin() + 12, packet.begin() + 20);
  header.push_back(0);
  header.push_back(17);
  header.push_back(static_cast<std::uint8_t>((packet.size() - kUdpOffset) >> 8));
  header.push_back(static_cast<std::uint8_t>((packet.size() - kUdpOffset) & 0xff));
  REQUIRE(header.size() == kPseudoHeaderSize);
  return header;
}

// A UDP packet whose checksum field holds the sum of the pseudo header, as the kernel hands it out.
std::vector<std::uint8_t> half_summed(std::size_t payload_size, std::uint8_t fill) {
  std::vector<std::uint8_t> packet(kUdpOffset + 8 + payload_size, fill);
  packet[0] = 0x45;
  packet[kUdpOffset + kChecksumOffset] = packet[kUdpOffset + kChecksumOffset + 1] = 0;
  const std::uint32_t partial = slow_sum(pseudo_header(packet));
  packet[kUdpOffset + kChecksumOffset] = static_cast<std::uint8_t>(partial >> 8);
  packet[kUdpOffset + kChecksumOffset + 1] = static_cast<std::uint8_t>(partial & 0xff);
  return packet;
}

VirtioHeader needs_checksum(std::uint16_t start, std::uint16_t offset) {
  VirtioHeader header;
  header.flags = VirtioHeader::kNeedsChecksum;
  header.checksum_start = start;
  header.checksum_offset = offset;
  return header;
}

}  // namespace

TEST_CASE("the ten bytes are read in the host's byte order, and fewer are none") {
  std::vector<std::uint8_t> bytes{1, 3};
  for (const std::uint16_t number : std::vector<std::uint16_t>{54, 1400, 34, 16}) {
    bytes.resize(bytes.size() + 2);
    std::memcpy(bytes.data() + bytes.size() - 2, &number, 2);
  }
  const auto header = parse_virtio_header(bytes);
  REQUIRE(header);
  CHECK(header->flags == 1);
  CHECK(header->segmentation == 3);
  CHECK(header->header_size == 54);
  CHECK(header->segment_size == 1400);
  CHECK(header->checksum_start == 34);
  CHECK(header->checksum_offset == 16);
  for (std::size_t size = 0; size < kVirtioHeaderSize; size++)
    CHECK_FALSE(parse_virtio_header(Bytes(bytes).first(size)));
}

TEST_CASE("a header of zeros leaves the packet as it is") {
  std::vector<std::uint8_t> packet = half_summed(33, 0x5a);
  const std::vector<std::uint8_t> before = packet;
  CHECK(complete_packet({}, packet));
  CHECK(packet == before);
}

TEST_CASE("a checksum begun is completed, so that the packet sums to all ones with its pseudo header") {
  for (const std::size_t payload_size : std::vector<std::size_t>{0, 1, 2, 33, 1372}) {
    for (const int fill : {0x00, 0x5a, 0xff}) {
      CAPTURE(payload_size);
      CAPTURE(fill);
      std::vector<std::uint8_t> packet = half_summed(payload_size, static_cast<std::uint8_t>(fill));
      REQUIRE(complete_packet(needs_checksum(kUdpOffset, kChecksumOffset), packet));
      CHECK(slow_sum(Bytes(packet).subspan(kUdpOffset), slow_sum(pseudo_header(packet))) == 0xffff);
    }
  }
}

TEST_CASE("a checksum that comes out as zero is written as all ones, for zero means none in UDP") {
  std::vector<std::uint8_t> packet(4, 0);
  packet[0] = packet[1] = 0xff;
  REQUIRE(complete_packet(needs_checksum(0, 2), packet));
  CHECK(packet == std::vector<std::uint8_t>{0xff, 0xff, 0xff, 0xff});
}

TEST_CASE("a packet still to be cut up, or a checksum outside it, is refused and unchanged") {
  std::vector<std::uint8_t> packet = half_summed(8, 0x11);
  const std::vector<std::uint8_t> before = packet;
  VirtioHeader segmented;
  segmented.segmentation = 1;
  CHECK_FALSE(complete_packet(segmented, packet));
  const auto size = static_cast<std::uint16_t>(packet.size());
  CHECK_FALSE(complete_packet(needs_checksum(size, 0), packet));
  CHECK_FALSE(complete_packet(needs_checksum(0, static_cast<std::uint16_t>(size - 1)), packet));
  CHECK_FALSE(complete_packet(needs_checksum(0xffff, 0xffff), packet));
  CHECK(packet == before);
  CHECK(complete_packet(needs_checksum(0, static_cast<std::uint16_t>(size - 2)), packet));
}
