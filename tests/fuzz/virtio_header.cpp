// The header of a TUN with IFF_VNET_HDR and any packet behind it: only what the header names is changed, and then the
// sum, taken once more the slow way, is what it must be.
#include <cstddef>
#include <vector>

#include "tests/fuzz/check.h"
#include "tests/packets.h"
#include "wg/protocol/virtio_header.h"

using namespace starling;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  const auto header = wg::parse_virtio_header(input);
  FUZZ_CHECK(header.has_value() == (size >= wg::kVirtioHeaderSize));
  if (!header) return 0;
  std::vector<std::uint8_t> packet(input.begin() + wg::kVirtioHeaderSize, input.end());
  const std::vector<std::uint8_t> before = packet;
  const bool whole = wg::complete_packet(*header, packet);
  FUZZ_CHECK(packet.size() == before.size());
  const bool sums = (header->flags & 1) != 0;
  const std::size_t start = header->checksum_start, field = start + header->checksum_offset;
  FUZZ_CHECK(whole == (header->segmentation == 0 && (!sums || field + 2 <= before.size())));
  if (!whole || !sums) {
    FUZZ_CHECK(packet == before);
    return 0;
  }
  const std::uint32_t expected = ~test::slow_sum(Bytes(before).subspan(start)) & 0xffff;
  const std::uint32_t written = std::uint32_t{packet[field]} << 8 | packet[field + 1];
  FUZZ_CHECK(written == (expected == 0 ? 0xffff : expected));
  packet[field] = before[field];
  packet[field + 1] = before[field + 1];
  FUZZ_CHECK(packet == before);
  return 0;
}
