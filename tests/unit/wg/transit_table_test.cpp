#include "wg/protocol/transit_table.h"

#include <algorithm>

#include "doctest/doctest.h"
#include "tests/unit/wg/random_prefixes.h"
#include "wg/protocol/egress_table.h"
#include "wg/protocol/inner_packet.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}
Prefix prefix(std::string_view text) {
  return Prefix::parse(text).value();
}

}  // namespace

TEST_CASE("a destination is the engine's only where the mesh's prefix is longer than everything of the kernel's") {
  const auto egress = EgressTable::compile(
      {{{{1}, kNoPeer}}, {{prefix("10.0.0.0/8"), 0}, {prefix("10.1.0.0/16"), 0}, {prefix("fd00::/8"), 0}}});
  TransitDescription description;
  description.fast_path = true;
  description.punts = {prefix("0.0.0.0/0"), prefix("10.1.0.0/16"), prefix("10.2.3.0/24"), prefix("fd00::1/128")};
  const auto transit = TransitTable::compile(description);
  const auto takes = [&](std::string_view text) {
    const EgressTable::Match match = egress->match(address(text), 0);
    return match.peer != kNoPeer && transit->takes(address(text), match.length);
  };
  CHECK(takes("10.9.9.9"));        // the kernel has a default route alone
  CHECK_FALSE(takes("10.1.2.3"));  // as long: the kernel's
  CHECK_FALSE(takes("10.2.3.4"));  // a longer one of the kernel's
  CHECK(takes("10.2.4.4"));
  CHECK_FALSE(takes("192.0.2.1"));  // not the mesh's at all
  CHECK(takes("fd00::2"));
  CHECK_FALSE(takes("fd00::1"));  // an address of this host
  CHECK(transit->describe() == description);
}

TEST_CASE("against a slow search, for random prefixes") {
  SeededRandom random(4);
  for (int round = 0; round < 200; round++) {
    EgressDescription description{{{{1}, kNoPeer}}, {}};
    TransitDescription transit_description;
    for (int i = 0; i < 12; i++) {
      const Prefix mesh = random_prefix(random);
      const bool known = std::any_of(description.entries.begin(), description.entries.end(),
                                     [&](const EgressEntry& entry) { return entry.prefix == mesh; });
      if (!known) description.entries.push_back({mesh, 0});
      transit_description.punts.push_back(random_prefix(random));
    }
    const auto egress = EgressTable::compile(description);
    const auto transit = TransitTable::compile(transit_description);
    for (int i = 0; i < 50; i++) {
      const IpAddress destination = random_address(random);
      int mesh = -1;
      int punt = -1;
      for (const EgressEntry& entry : description.entries) {
        if (entry.prefix.contains(destination)) mesh = std::max<int>(mesh, entry.prefix.length());
      }
      for (const Prefix& other : transit_description.punts) {
        if (other.contains(destination)) punt = std::max<int>(punt, other.length());
      }
      const EgressTable::Match match = egress->match(destination, 0);
      REQUIRE(match.length == mesh);
      REQUIRE(transit->takes(destination, match.length) == (mesh > punt || punt < 0));
    }
  }
}

TEST_CASE("ICMP errors come from the node's address, in IPv4 else from the dummy address, in IPv6 else not at all") {
  TransitDescription description;
  CHECK(TransitTable::compile(description)->error_source(Family::ipv4) == kDummyAddress);
  CHECK_FALSE(TransitTable::compile(description)->error_source(Family::ipv6));
  description.source_v4 = address("10.0.0.1");
  description.source_v6 = address("fd00::1");
  CHECK(TransitTable::compile(description)->error_source(Family::ipv4) == address("10.0.0.1"));
  CHECK(TransitTable::compile(description)->error_source(Family::ipv6) == address("fd00::1"));
  CHECK_FALSE(TransitTable::compile(description)->fast_path());
}
