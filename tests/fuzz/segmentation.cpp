// A virtio header and any packet behind it: what it is cut into has the payload in order, the headers as they were but
// for what counts up, and checksums that are right when summed the slow way. Each packet is overwritten as soon as it
// is looked at, as the engine does by sealing it.
#include <algorithm>
#include <cstddef>

#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/packets.h"
#include "wg/protocol/segmentation.h"

using namespace starling;
using namespace starling::fuzz;
using namespace starling::test;

namespace {

using Packet = std::vector<std::uint8_t>;

constexpr std::uint8_t kFin = 0x01, kPsh = 0x08, kCwr = 0x80;

struct Place {
  std::size_t index = 0;
  std::size_t count = 0;
  std::size_t transport = 0;     // where TCP or UDP begins
  std::size_t header_size = 0;   // of all headers
  std::size_t payload_size = 0;  // of each packet but the last
  bool is_tcp = false;
};

// What the original's headers are in this packet, but for the checksums, which are taken from it.
Packet expected_headers(Bytes original, Bytes segment, const Place& place) {
  Packet headers(original.begin(), original.begin() + static_cast<long>(place.header_size));
  const bool v4 = is_ipv4(original);
  put_u16(headers, v4 ? 2 : 4, static_cast<std::uint32_t>(segment.size() - (v4 ? 0 : 40)));
  if (v4) {
    put_u16(headers, 4, static_cast<std::uint32_t>(get_u16(original, 4) + place.index));
    put_u16(headers, 10, get_u16(segment, 10));
  }
  const std::size_t transport = place.transport;
  if (!place.is_tcp) {
    put_u16(headers, transport + 4, static_cast<std::uint32_t>(segment.size() - transport));
    put_u16(headers, transport + 6, get_u16(segment, transport + 6));
    return headers;
  }
  const std::uint32_t first = get_u16(original, transport + 4) << 16 | get_u16(original, transport + 6);
  const std::uint32_t sequence = first + static_cast<std::uint32_t>(place.index * place.payload_size);
  put_u16(headers, transport + 4, sequence >> 16);
  put_u16(headers, transport + 6, sequence);
  if (place.index > 0) headers[transport + 13] &= static_cast<std::uint8_t>(~kCwr);
  if (place.index + 1 < place.count) headers[transport + 13] &= static_cast<std::uint8_t>(~(kFin | kPsh));
  put_u16(headers, transport + 16, get_u16(segment, transport + 16));
  return headers;
}

// The transport's protocol is told by how it is cut, for IPv6 may have other headers before it.
bool is_summed_right(Bytes segment, const Place& place) {
  const bool v4 = is_ipv4(segment);
  if (v4 && slow_sum(segment.first(place.transport)) != 0xffff) return false;
  const Bytes addresses = v4 ? segment.subspan(12, 8) : segment.subspan(8, 32);
  const auto length = static_cast<std::uint32_t>(segment.size() - place.transport);
  const std::uint32_t pseudo = slow_sum(addresses, length + (place.is_tcp ? kTcp : kUdp));
  return slow_sum(segment.subspan(place.transport), pseudo) == 0xffff;
}

Place place_of(const wg::VirtioHeader& header, Bytes original, std::size_t count) {
  Place place;
  place.count = count;
  place.is_tcp = header.segmentation != 5;
  place.transport = header.checksum_start;
  place.payload_size = header.segment_size;
  place.header_size = place.transport + (place.is_tcp ? (original[place.transport + 12] >> 4) * 4u : 8u);
  return place;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes input(data, size);
  const auto header = wg::parse_virtio_header(input);
  if (!header) return 0;
  Packet packet(input.begin() + wg::kVirtioHeaderSize, input.end());
  const Packet original = packet;
  auto plan = wg::Segmentation::plan(*header, packet);
  if (!plan) {
    FUZZ_CHECK(packet == original);
    return 0;
  }
  if (header->segmentation == 0) {
    FUZZ_CHECK(plan->count() == 1);
    const MutableBytes whole = plan->next();
    FUZZ_CHECK(whole.data() == packet.data() && whole.size() == packet.size());
    return 0;
  }
  FUZZ_CHECK(original.size() >= 20 && header->segment_size > 0);
  Place place = place_of(*header, original, plan->count());
  std::size_t at = place.header_size;  // of the payload that comes next
  for (; place.index < place.count; place.index++) {
    FUZZ_CHECK(at < original.size());
    const MutableBytes segment = plan->next();
    const std::size_t share = std::min(place.payload_size, original.size() - at);
    FUZZ_CHECK(segment.size() == place.header_size + share);
    FUZZ_CHECK(segment.size() == (place.index + 1 < place.count ? plan->size() : plan->last_size()));
    FUZZ_CHECK(is_summed_right(segment, place));
    const Packet headers = expected_headers(original, segment, place);
    FUZZ_CHECK(std::equal(headers.begin(), headers.end(), segment.begin()));
    const auto payload = segment.begin() + static_cast<long>(place.header_size);
    FUZZ_CHECK(std::equal(payload, segment.end(), original.begin() + static_cast<long>(at)));
    at += share;
    std::fill(segment.begin(), segment.end(), std::uint8_t{0xee});
  }
  FUZZ_CHECK(at == original.size());
  return 0;
}
