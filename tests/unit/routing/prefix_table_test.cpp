// Who announces which prefixes, against a map of sets.
#include "routing/prefix_table.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "base/random.h"

using namespace starling;
using namespace starling::routing;

namespace {

Prefix prefix_of(std::uint32_t number) {
  return Prefix(IpAddress::v4({10, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number), 0}), 24);
}

std::vector<NodeIndex> origins(const PrefixTable& table, const Prefix& prefix) {
  const PrefixTable::Entry* entry = table.find(prefix);
  if (entry == nullptr) return {};
  const auto list = table.origins(entry->origins);
  return {list.begin(), list.end()};
}

}  // namespace

TEST_CASE("the table holds exactly what was added and not removed, and lists what was touched") {
  const ImportPolicy accept;
  for (std::uint64_t seed = 1; seed <= 10; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    PrefixTable table(accept, seed);
    std::map<std::uint32_t, std::set<NodeIndex>> expected;
    for (int step = 0; step < 200; step++) {
      const auto before = expected;
      for (int i = 0; i < 4; i++) {
        const auto number = static_cast<std::uint32_t>(random.below(40));
        const auto node = static_cast<NodeIndex>(1 + random.below(4));
        if (random.below(2) == 0) {
          table.add(node, prefix_of(number));
          expected[number].insert(node);
        } else {
          table.remove(node, prefix_of(number));
          expected[number].erase(node);
        }
      }
      std::map<OriginSet, std::uint32_t> uses;
      std::size_t announced = 0;
      for (std::uint32_t number = 0; number < 40; number++) {
        const std::vector<NodeIndex> wanted(expected[number].begin(), expected[number].end());
        REQUIRE(origins(table, prefix_of(number)) == wanted);
        const PrefixTable::Entry* entry = table.find(prefix_of(number));
        REQUIRE((entry != nullptr) == !wanted.empty());
        if (entry != nullptr) uses[entry->origins]++;
        announced += entry != nullptr ? 1 : 0;
        const auto was = before.find(number);
        if (was == before.end() || was->second == expected[number]) continue;
        const auto& touched = table.touched();
        CHECK(std::any_of(touched.begin(), touched.end(),
                          [&](PrefixIndex index) { return table.entry(index).prefix == prefix_of(number); }));
      }
      CHECK(table.announced() == announced);
      for (const auto& [set, count] : uses) CHECK(table.uses(set) == count);
      table.settle();
      CHECK(table.touched().empty());
    }
  }
}

TEST_CASE("indices are used again, so a table does not grow with what came and went") {
  const ImportPolicy accept;
  PrefixTable table(accept);
  for (std::uint32_t round = 0; round < 100; round++) {
    for (std::uint32_t i = 0; i < 10; i++) {
      for (NodeIndex node = 1; node <= 2; node++) table.add(node + (round % 7), prefix_of(round * 10 + i));
    }
    table.settle();
    for (std::uint32_t i = 0; i < 10; i++) {
      for (NodeIndex node = 1; node <= 2; node++) table.remove(node + (round % 7), prefix_of(round * 10 + i));
    }
    table.settle();
  }
  CHECK(table.announced() == 0);
  CHECK(table.size() <= 10);
  CHECK(table.multiple_count() <= 2);
}

TEST_CASE("only accepted prefixes use a set of origins, and verdicts follow what is ours") {
  const ImportPolicy accept;
  PrefixTable table(accept);
  table.add(1, prefix_of(1));
  table.add(1, Prefix::parse("8.8.8.0/24").value());
  CHECK(table.uses(1) == 1);
  table.settle();
  table.set_local({prefix_of(1)}, {});
  CHECK(table.uses(1) == 0);
  CHECK(table.find(prefix_of(1))->verdict == ImportVerdict::own_prefix);
  CHECK(origins(table, prefix_of(1)) == std::vector<NodeIndex>{kRoot, 1});
  CHECK(table.is_newly_judged(table.touched().front()));
  table.settle();
  table.set_local({}, {Prefix::parse("10.0.0.0/8").value()});  // now it lies inside the underlay
  CHECK(table.find(prefix_of(1))->verdict == ImportVerdict::inside_connected);
  table.set_local({}, {});
  CHECK(table.uses(1) == 1);
}
