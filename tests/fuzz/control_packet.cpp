// The routing protocol's envelope inside a tunnel: any bytes, and real envelopes of any payload, changed, padded, and
// with the checksum put right again. What is taken as control is what the peer's own encoder makes of that payload.
#include <cstddef>

#include "tests/fuzz/check.h"
#include "tests/fuzz/tamper.h"
#include "wg/protocol/control_packet.h"

using namespace starling;
using namespace starling::fuzz;

namespace {

const wg::ControlChannel& ours() {
  static const wg::ControlChannel channel{IpAddress::parse("fe80::1").value(), IpAddress::parse("fe80::2").value(),
                                          7827};
  return channel;
}

// Makes whatever is at the checksum's place right for the rest, so that the fuzzer gets past it.
void fix_checksum(std::vector<std::uint8_t>& packet) {
  if (packet.size() < wg::kControlEnvelopeSize) return;
  const std::size_t end = 40 + (std::size_t{packet[4]} << 8 | packet[5]);
  if (end > packet.size()) return;
  packet[46] = packet[47] = 0;
  std::uint32_t sum = static_cast<std::uint32_t>(end - 40) + 17;
  for (std::size_t i = 8; i < end; i++) sum += i % 2 == 0 ? std::uint32_t{packet[i]} << 8 : packet[i];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  const std::uint32_t checksum = sum == 0xffff ? 0xffff : ~sum & 0xffff;  // zero would mean "none"
  packet[46] = static_cast<std::uint8_t>(checksum >> 8);
  packet[47] = static_cast<std::uint8_t>(checksum);
}

void check_verdict(Bytes packet) {
  const wg::ParsedControlPacket parsed = wg::parse_control_packet(ours(), packet);
  if (parsed.verdict != wg::ControlVerdict::control) {
    FUZZ_CHECK(parsed.payload.empty());
    return;
  }
  const auto canonical = wg::make_control_packet({ours().remote, ours().local, ours().port}, parsed.payload);
  FUZZ_CHECK(canonical.size() <= packet.size());
  // Traffic class and flow label may be rewritten on no path that we know of, and are not looked at.
  FUZZ_CHECK(std::equal(canonical.begin() + 4, canonical.end(), packet.begin() + 4));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(Bytes(data, size));
  if (input.below(2) == 0) {
    check_verdict(input.rest());
    return 0;
  }
  const bool fix = input.flag();
  FuzzInput changes(input.take(16));
  std::vector<std::uint8_t> packet = wg::make_control_packet({ours().remote, ours().local, ours().port}, input.rest());
  const bool changed = tamper(changes, packet);
  if (fix) fix_checksum(packet);
  check_verdict(packet);
  if (!changed) FUZZ_CHECK(wg::parse_control_packet(ours(), packet).verdict == wg::ControlVerdict::control);
  return 0;
}
