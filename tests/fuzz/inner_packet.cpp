// IP headers inside a data message: what parse_inner_packet makes of any bytes, read again from the bytes themselves.
#include <cstddef>

#include "base/ip.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "wg/protocol/inner_packet.h"

using namespace starling;
using namespace starling::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  const auto packet = wg::parse_inner_packet(bytes, 5);
  if (!packet) return 0;
  const bool is_v4 = bytes[0] >> 4 == 4;
  FUZZ_CHECK(is_v4 || bytes[0] >> 4 == 6);
  FUZZ_CHECK(packet->total_length <= size && packet->total_length >= (is_v4 ? 20u : 40u));
  const std::size_t source_at = is_v4 ? 12 : 8, address_size = is_v4 ? 4 : 16;
  FUZZ_CHECK(packet->source == IpAddress::from_bytes(bytes.subspan(source_at, address_size)));
  FUZZ_CHECK(packet->destination == IpAddress::from_bytes(bytes.subspan(source_at + address_size, address_size)));

  // What is behind the length is padding: nothing changes without it, and nothing is found with less.
  const auto same = [&](const std::optional<wg::InnerPacket>& other) {
    return other && other->source == packet->source && other->destination == packet->destination &&
           other->total_length == packet->total_length && other->protocol == packet->protocol &&
           other->traffic_class == packet->traffic_class && other->flow_hash == packet->flow_hash;
  };
  FUZZ_CHECK(same(wg::parse_inner_packet(bytes.first(packet->total_length), 5)));
  FUZZ_CHECK(!wg::parse_inner_packet(bytes.first(packet->total_length - 1), 5));
  return 0;
}
