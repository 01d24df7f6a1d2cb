// The trie against a deliberately naive twin: a list, searched from end to end.
#include "wg/protocol/prefix_trie.h"

#include <map>

#include "doctest/doctest.h"
#include "tests/unit/wg/random_prefixes.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

using Entries = std::vector<std::pair<Prefix, std::uint32_t>>;

std::optional<std::uint32_t> naive_lookup(const Entries& entries, const IpAddress& address) {
  std::optional<std::uint32_t> best;
  int best_length = -1;
  for (const auto& [prefix, value] : entries) {
    if (!prefix.contains(address) || prefix.length() < best_length) continue;
    best = value;
    best_length = prefix.length();
  }
  return best;
}

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}
Prefix prefix(std::string_view text) {
  return Prefix::parse(text).value();
}

}  // namespace

TEST_CASE("an empty trie finds nothing") {
  const PrefixTrie trie({});
  CHECK_FALSE(trie.lookup(address("10.0.0.1")));
  CHECK_FALSE(trie.lookup(address("::")));
  CHECK(trie.entries().empty());
}

TEST_CASE("the longest prefix wins, and the families do not mix") {
  const PrefixTrie trie({{prefix("0.0.0.0/0"), 1},
                         {prefix("10.0.0.0/8"), 2},
                         {prefix("10.1.0.0/16"), 3},
                         {prefix("10.1.2.3/32"), 4},
                         {prefix("fd00::/8"), 5},
                         {prefix("a00::/8"), 6}});
  CHECK(trie.lookup(address("192.0.2.1")) == 1);
  CHECK(trie.lookup(address("10.2.0.1")) == 2);
  CHECK(trie.lookup(address("10.1.0.1")) == 3);
  CHECK(trie.lookup(address("10.1.2.3")) == 4);
  CHECK(trie.lookup(address("fd12::1")) == 5);
  CHECK(trie.lookup(address("a00::1")) == 6);
  CHECK_FALSE(trie.lookup(address("2001:db8::1")));
}

TEST_CASE("of equal prefixes the last one counts") {
  const PrefixTrie trie({{prefix("10.0.0.0/8"), 1}, {prefix("10.0.0.0/8"), 2}});
  CHECK(trie.lookup(address("10.0.0.1")) == 2);
  CHECK(trie.entries() == Entries{{prefix("10.0.0.0/8"), 2}});
}

TEST_CASE("the trie finds what its naive twin finds, and lists what was put in") {
  for (std::uint64_t seed = 1; seed <= 40; seed++) {
    SeededRandom random(seed);
    Entries entries;
    std::vector<Prefix> prefixes;
    const std::uint64_t count = random.below(150);
    for (std::uint32_t i = 0; i < count; i++) {
      prefixes.push_back(random_prefix(random));
      entries.emplace_back(prefixes.back(), i);
    }
    const PrefixTrie trie(entries);
    for (int i = 0; i < 500; i++) {
      const IpAddress where = random_address_near(random, prefixes);
      CAPTURE(where.to_string());
      REQUIRE(trie.lookup(where) == naive_lookup(entries, where));
    }
    std::map<Prefix, std::uint32_t> sorted;
    for (const auto& [each, value] : entries) sorted[each] = value;
    CHECK(trie.entries() == Entries(sorted.begin(), sorted.end()));
  }
}
