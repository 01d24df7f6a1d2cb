// A packet that passes through, and the ICMP error that may come of it: any bytes, any MTU. What goes on differs in its
// TTL and checksum alone; an error is a right packet to the offender's source that quotes it, and is never answered.
#include <algorithm>
#include <cstddef>

#include "tests/fuzz/check.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/packets.h"
#include "wg/protocol/forwarding.h"
#include "wg/protocol/icmp_error.h"

using namespace starling;
using namespace starling::fuzz;
using namespace starling::test;

namespace {

using Packet = std::vector<std::uint8_t>;

constexpr wg::IcmpError kKinds[] = {wg::IcmpError::no_route, wg::IcmpError::address_unreachable,
                                    wg::IcmpError::packet_too_big, wg::IcmpError::time_exceeded};

const IpAddress kRouterV4 = IpAddress::parse("192.0.0.8").value();
const IpAddress kRouterV6 = IpAddress::parse("fd00::f").value();

// What it says its length is; zero if there is no whole header.
std::size_t length_of(Bytes packet) {
  if (packet.size() < 20) return 0;
  if (is_ipv4(packet)) return get_u16(packet, 2);
  return packet.size() < 40 ? 0 : 40 + get_u16(packet, 4);
}

void check_forward(const Packet& before, std::size_t mtu) {
  Packet after = before;
  const wg::ForwardVerdict verdict = wg::prepare_forward(after, mtu);
  if (verdict != wg::ForwardVerdict::forward) {
    FUZZ_CHECK(after == before);
  }
  if (verdict == wg::ForwardVerdict::punt) return;
  // Only what is whole is judged.
  const std::size_t length = length_of(before);
  FUZZ_CHECK(length >= 20 && length <= before.size());
  const bool v4 = is_ipv4(before);
  FUZZ_CHECK(before[0] == 0x45 || before[0] >> 4 == 6);
  if (v4) FUZZ_CHECK(slow_sum(Bytes(before).first(20)) == 0xffff);
  const std::size_t hops_at = v4 ? 8 : 7;
  FUZZ_CHECK((verdict == wg::ForwardVerdict::time_exceeded) == (before[hops_at] <= 1));
  if (verdict == wg::ForwardVerdict::time_exceeded) return;
  FUZZ_CHECK((verdict == wg::ForwardVerdict::too_big) == (length > mtu));
  if (verdict == wg::ForwardVerdict::too_big) {
    FUZZ_CHECK(!v4 || (before[6] & 0x40) != 0);
    return;
  }
  Packet expected = before;
  expected[hops_at]--;
  repair_header_checksum(expected);
  FUZZ_CHECK(after == expected);
}

void check_error(wg::IcmpError kind, const Packet& offender, std::uint32_t mtu, const IpAddress& source) {
  Packet out(wg::kIcmpErrorSizeMax);
  const auto size = wg::make_icmp_error(kind, offender, source, mtu, out);
  if (!size) {
    FUZZ_CHECK(out == Packet(wg::kIcmpErrorSizeMax));
    return;
  }
  const bool v4 = is_ipv4(offender);
  FUZZ_CHECK(source.is_v4() == v4);
  FUZZ_CHECK(*size <= (v4 ? wg::kIcmpErrorSizeMaxV4 : wg::kIcmpErrorSizeMaxV6));
  const Bytes packet = Bytes(out).first(*size);
  FUZZ_CHECK(length_of(packet) == *size && checksums_are_right(packet));
  const std::size_t addresses_at = v4 ? 12 : 8, address_size = v4 ? 4 : 16, quotation_at = v4 ? 28 : 48;
  FUZZ_CHECK(IpAddress::from_bytes(packet.subspan(addresses_at, address_size)) == source);
  const Bytes to = packet.subspan(addresses_at + address_size, address_size);
  FUZZ_CHECK(std::equal(to.begin(), to.end(), offender.begin() + static_cast<long>(addresses_at)));
  const Bytes quotation = packet.subspan(quotation_at);
  FUZZ_CHECK(quotation.size() <= length_of(offender));
  FUZZ_CHECK(std::equal(quotation.begin(), quotation.end(), offender.begin()));
  for (const wg::IcmpError second : kKinds) {
    Packet again(wg::kIcmpErrorSizeMax);
    FUZZ_CHECK(!wg::make_icmp_error(second, packet, source, mtu, again));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzInput input(Bytes(data, size));
  const wg::IcmpError kind = kKinds[input.below(4)];
  const std::uint16_t mtu = input.u16();
  const Bytes rest = input.rest();
  Packet packet(rest.begin(), rest.end());
  for (int round = 0; round < 2; round++) {
    check_forward(packet, mtu);
    check_error(kind, packet, mtu, kRouterV4);
    check_error(kind, packet, mtu, kRouterV6);
    // Once more with a right checksum, which nobody guesses.
    if (packet.size() < 20 || packet[0] != 0x45) break;
    repair_header_checksum(packet);
  }
  return 0;
}
