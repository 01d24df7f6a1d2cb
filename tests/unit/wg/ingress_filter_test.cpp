#include "wg/protocol/ingress_filter.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "doctest/doctest.h"
#include "tests/unit/wg/random_prefixes.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

IngressVerdict naive_check(const IngressDescription& description, const IpAddress& source, PeerId peer) {
  const IngressEntry* best = nullptr;
  for (const IngressEntry& entry : description.entries) {
    if (entry.prefix.contains(source) && (!best || entry.prefix.length() > best->prefix.length())) best = &entry;
  }
  if (!best) return IngressVerdict::unknown;
  const auto& set = description.sets[best->set];
  return std::count(set.begin(), set.end(), peer) > 0 ? IngressVerdict::pass : IngressVerdict::not_allowed;
}

}  // namespace

TEST_CASE("a source passes only from the peers of its longest prefix") {
  const auto filter = IngressFilter::compile({{{1, 2}, {3}, {}},
                                              {{Prefix::parse("10.0.0.0/8").value(), 0},
                                               {Prefix::parse("10.1.0.0/16").value(), 1},
                                               {Prefix::parse("10.2.0.0/16").value(), 2}}});
  const auto check = [&](std::string_view source, PeerId peer) {
    return filter->check(IpAddress::parse(source).value(), peer);
  };
  CHECK(check("10.0.0.1", 1) == IngressVerdict::pass);
  CHECK(check("10.0.0.1", 3) == IngressVerdict::not_allowed);
  CHECK(check("10.1.0.1", 3) == IngressVerdict::pass);
  CHECK(check("10.1.0.1", 1) == IngressVerdict::not_allowed);
  CHECK(check("10.2.0.1", 1) == IngressVerdict::not_allowed);
  CHECK(check("11.0.0.1", 1) == IngressVerdict::unknown);
  CHECK(check("fd00::1", 1) == IngressVerdict::unknown);
}

TEST_CASE("the filter decides as its naive twin on random input") {
  for (std::uint64_t seed = 1; seed <= 20; seed++) {
    SeededRandom random(seed);
    IngressDescription description;
    for (int i = 0; i < 12; i++) {
      std::vector<PeerId> set;
      for (PeerId peer = 0; peer < 8; peer++) {
        if (random.below(3) == 0) set.push_back(peer);
      }
      description.sets.push_back(set);
    }
    std::map<Prefix, std::uint32_t> entries;
    for (int i = 0; i < 150; i++) entries[random_prefix(random)] = static_cast<std::uint32_t>(random.below(12));
    std::vector<Prefix> prefixes;
    for (const auto& [prefix, set] : entries) {
      description.entries.push_back({prefix, set});
      prefixes.push_back(prefix);
    }
    const auto filter = IngressFilter::compile(description);
    CHECK(filter->describe() == description);
    for (int i = 0; i < 500; i++) {
      const IpAddress source = random_address_near(random, prefixes);
      const auto peer = static_cast<PeerId>(random.below(8));
      REQUIRE(filter->check(source, peer) == naive_check(description, source, peer));
    }
  }
}

TEST_CASE("a description whose entry names no set is refused") {
  CHECK_THROWS_AS(IngressFilter::compile({{}, {{Prefix::parse("10.0.0.0/8").value(), 0}}}), std::invalid_argument);
}
