// Congestion marks through a tunnel: any inner packet and outer traffic class, against RFC 6040's figure 4 written down
// once more, with the IPv4 header checksum summed up anew.
#include <cstddef>

#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/packets.h"
#include "wg/protocol/ecn.h"

using namespace starling;
using namespace starling::fuzz;

namespace {

constexpr std::uint8_t kDrop = 0xff;

// Rows: inner Not-ECT, ECT(1), ECT(0), CE by their values; columns: the same of the outer header.
constexpr std::uint8_t kFigure4[4][4] = {
    {0, 0, 0, kDrop},
    {1, 1, 1, 3},
    {2, 1, 2, 3},
    {3, 3, 3, 3},
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(Bytes(data, size));
  const std::uint8_t outer_class = input.u8();
  const Bytes rest = input.rest();
  std::vector<std::uint8_t> packet(rest.begin(), rest.end());
  const std::vector<std::uint8_t> before = packet;
  const std::uint8_t inner = wg::ecn_for_outer(packet);
  FUZZ_CHECK(inner <= 3);
  const bool keep = wg::ecn_decapsulate(packet, outer_class);
  FUZZ_CHECK(packet.size() == before.size());
  const int version = packet.empty() ? 0 : packet[0] >> 4;
  const bool is_v4 = version == 4 && packet.size() >= 20, is_v6 = version == 6 && packet.size() >= 2;
  if (!is_v4 && !is_v6) {
    FUZZ_CHECK(keep && inner == 0 && packet == before);
    return 0;
  }
  const std::uint8_t expected = kFigure4[inner][outer_class & 3];
  FUZZ_CHECK(keep == (expected != kDrop));
  if (!keep) {
    FUZZ_CHECK(packet == before);
    return 0;
  }
  FUZZ_CHECK(wg::ecn_for_outer(packet) == expected);
  // Nothing else has changed, but for the checksum, which is as right as it was.
  if (is_v4)
    FUZZ_CHECK((test::slow_sum(Bytes(packet).first(20)) == 0xffff) ==
               (test::slow_sum(Bytes(before).first(20)) == 0xffff));
  std::vector<std::uint8_t> restored = packet;
  const std::uint8_t mask = is_v4 ? 0x03 : 0x30;
  restored[1] = static_cast<std::uint8_t>((restored[1] & ~mask) | (before[1] & mask));
  if (is_v4) std::copy_n(before.begin() + 10, 2, restored.begin() + 10);
  FUZZ_CHECK(restored == before);
  return 0;
}
