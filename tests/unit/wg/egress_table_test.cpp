#include "wg/protocol/egress_table.h"

#include <map>
#include <stdexcept>

#include "doctest/doctest.h"
#include "tests/unit/wg/random_prefixes.h"

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

EgressDescription one_group(NextHopGroup group) {
  return {{std::move(group)}, {{prefix("10.0.0.0/8"), 0}}};
}

// Which group a packet belongs to, found the slow way.
const NextHopGroup* naive_group(const EgressDescription& description, const IpAddress& destination) {
  const EgressEntry* best = nullptr;
  for (const EgressEntry& entry : description.entries) {
    if (entry.prefix.contains(destination) && (!best || entry.prefix.length() > best->prefix.length())) best = &entry;
  }
  return best ? &description.groups[best->group] : nullptr;
}

EgressDescription random_description(SeededRandom& random) {
  EgressDescription description;
  for (int i = 0; i < 10; i++) {
    NextHopGroup group;
    const std::uint64_t members = random.below(4);
    for (std::uint32_t peer = 0; peer < members; peer++)
      group.members.push_back(peer * 7 + static_cast<PeerId>(random.below(7)));
    if (random.below(2) == 0) group.backup = 99;
    description.groups.push_back(group);
  }
  std::map<Prefix, std::uint32_t> entries;
  for (int i = 0; i < 150; i++) entries[random_prefix(random)] = static_cast<std::uint32_t>(random.below(10));
  for (const auto& [each, group] : entries) description.entries.push_back({each, group});
  return description;
}

}  // namespace

TEST_CASE("a destination that no prefix covers, or whose group is empty, has no peer") {
  const auto table = EgressTable::compile(one_group({}));
  CHECK(table->lookup(address("10.0.0.1"), 1) == kNoPeer);
  CHECK(table->lookup(address("11.0.0.1"), 1) == kNoPeer);
  CHECK(table->lookup(address("fd00::1"), 1) == kNoPeer);
}

TEST_CASE("the backup carries when no member is left, and only then") {
  const auto table = EgressTable::compile(one_group({{3}, 8}));
  CHECK(table->lookup(address("10.0.0.1"), 1) == 3);
  CHECK(table->with_groups({{{}, 8}})->lookup(address("10.0.0.1"), 1) == 8);
}

TEST_CASE("the table picks a member of the group that its naive twin finds") {
  for (std::uint64_t seed = 1; seed <= 20; seed++) {
    SeededRandom random(seed);
    const EgressDescription description = random_description(random);
    const auto table = EgressTable::compile(description);
    CHECK(table->describe() == description);
    std::vector<Prefix> prefixes;
    for (const EgressEntry& entry : description.entries) prefixes.push_back(entry.prefix);
    for (int i = 0; i < 500; i++) {
      const IpAddress where = random_address_near(random, prefixes);
      const PeerId peer = table->lookup(where, random.u32());
      const NextHopGroup* group = naive_group(description, where);
      if (!group) {
        REQUIRE(peer == kNoPeer);
      } else if (group->members.empty()) {
        REQUIRE(peer == group->backup);
      } else {
        REQUIRE(std::count(group->members.begin(), group->members.end(), peer) > 0);
      }
    }
  }
}

TEST_CASE("a flow keeps its member, also when others go or when the order is another") {
  const auto all = EgressTable::compile(one_group({{1, 2, 3, 4, 5}, kNoPeer}));
  const auto reversed = all->with_groups({{{5, 4, 3, 2, 1}, kNoPeer}});
  const auto without_3 = all->with_groups({{{1, 2, 4, 5}, kNoPeer}});
  SeededRandom random(1);
  for (int i = 0; i < 5000; i++) {
    const std::uint32_t flow = random.u32();
    const PeerId peer = all->lookup(address("10.9.9.9"), flow);
    REQUIRE(all->lookup(address("10.9.9.9"), flow) == peer);
    REQUIRE(reversed->lookup(address("10.9.9.9"), flow) == peer);
    if (peer != 3) REQUIRE(without_3->lookup(address("10.9.9.9"), flow) == peer);
  }
}

TEST_CASE("flows spread evenly over the members, and those of a lost member over the others") {
  const auto all = EgressTable::compile(one_group({{0, 1, 2, 3}, kNoPeer}));
  const auto without_0 = all->with_groups({{{1, 2, 3}, kNoPeer}});
  std::map<PeerId, int> flows, moved;
  for (std::uint32_t flow = 0; flow < 40000; flow++) {
    const PeerId peer = all->lookup(address("10.0.0.1"), flow);
    flows[peer]++;
    if (peer == 0) moved[without_0->lookup(address("10.0.0.1"), flow)]++;
  }
  for (PeerId peer = 0; peer < 4; peer++) {
    CHECK(flows[peer] > 9500);
    CHECK(flows[peer] < 10500);
    if (peer != 0) CHECK(moved[peer] > flows[0] / 3 - 300);
  }
}

TEST_CASE("a reroute changes groups, keeps prefixes and leaves the old snapshot as it was") {
  const auto before = EgressTable::compile({{{{1}, kNoPeer}, {{2}, kNoPeer}}, {{prefix("10.0.0.0/8"), 1}}});
  const auto after = before->with_groups({{{1}, kNoPeer}, {{3}, kNoPeer}});
  CHECK(before->lookup(address("10.0.0.1"), 0) == 2);
  CHECK(after->lookup(address("10.0.0.1"), 0) == 3);
  CHECK(after->describe().entries == before->describe().entries);
  CHECK_THROWS_AS(before->with_groups({{{1}, kNoPeer}}), std::invalid_argument);
}

TEST_CASE("a description whose entry names no group is refused") {
  CHECK_THROWS_AS(EgressTable::compile({{}, {{prefix("10.0.0.0/8"), 0}}}), std::invalid_argument);
}
