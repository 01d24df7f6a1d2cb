#include "routing/prefix_findings.h"

#include <doctest/doctest.h>

#include "base/random.h"

using namespace starling;
using namespace starling::routing;

namespace {

NodeId node(std::uint8_t fill) {
  NodeId id;
  id.bytes.fill(fill);
  return id;
}

AnnouncedPrefix by(std::uint8_t origin, const char* prefix) {
  return {Prefix::parse(prefix).value(), node(origin)};
}

// By its definition, of every pair.
std::vector<PrefixFinding> find_naively(const std::vector<AnnouncedPrefix>& announced) {
  std::vector<PrefixFinding> findings;
  const auto origins_of = [&](const Prefix& prefix) {
    std::vector<NodeId> origins;
    for (const AnnouncedPrefix& one : announced) {
      if (one.prefix == prefix) origins.push_back(one.origin);
    }
    std::sort(origins.begin(), origins.end());
    origins.erase(std::unique(origins.begin(), origins.end()), origins.end());
    return origins;
  };
  std::vector<Prefix> prefixes;
  for (const AnnouncedPrefix& one : announced) prefixes.push_back(one.prefix);
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  for (const Prefix& prefix : prefixes) {
    const auto origins = origins_of(prefix);
    if (origins.size() > 1) findings.push_back({PrefixFinding::Kind::duplicate, prefix, origins, {}, {}});
    std::optional<Prefix> nearest;
    for (const Prefix& other : prefixes) {
      const bool covers = other != prefix && !other.is_default() && other.contains(prefix);
      if (covers && (!nearest || other.length() > nearest->length())) nearest = other;
    }
    if (!nearest) continue;
    const auto outer = origins_of(*nearest);
    std::vector<NodeId> foreign;
    for (const NodeId& origin : origins) {
      if (std::find(outer.begin(), outer.end(), origin) == outer.end()) foreign.push_back(origin);
    }
    if (!foreign.empty()) findings.push_back({PrefixFinding::Kind::more_specific, prefix, foreign, nearest, outer});
  }
  return findings;
}

}  // namespace

TEST_CASE("equal prefixes of two nodes are a duplicate, and of one node they are nothing") {
  const auto findings =
      find_overlaps({by(2, "10.0.0.0/8"), by(1, "10.0.0.0/8"), by(3, "11.0.0.0/8"), by(3, "11.0.0.0/8")});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].kind == PrefixFinding::Kind::duplicate);
  CHECK(findings[0].origins == std::vector{node(1), node(2)});
}

TEST_CASE("a prefix inside another node's is told once, with the nearest that covers it") {
  const auto findings = find_overlaps(
      {by(1, "10.0.0.0/8"), by(2, "10.1.0.0/16"), by(2, "10.1.1.0/24"), by(1, "10.2.0.0/16"), by(3, "0.0.0.0/0")});
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].kind == PrefixFinding::Kind::more_specific);
  CHECK(findings[0].prefix == Prefix::parse("10.1.0.0/16"));
  CHECK(findings[0].origins == std::vector{node(2)});
  CHECK(findings[0].inside == Prefix::parse("10.0.0.0/8"));
  CHECK(findings[0].inside_origins == std::vector{node(1)});
}

TEST_CASE("the two families do not cover each other, and a default route covers nothing") {
  CHECK(find_overlaps({by(1, "0.0.0.0/0"), by(1, "::/0"), by(2, "10.0.0.0/8"), by(2, "fd00::/8")}).empty());
  CHECK(find_overlaps({}).empty());
}

TEST_CASE("what is found depends on what is announced and not on its order, and is what the definition says") {
  SeededRandom random(4);
  for (int round = 0; round < 200; round++) {
    std::vector<AnnouncedPrefix> announced;
    for (std::uint64_t i = random.below(30); i > 0; i--) {
      const auto address = IpAddress::v4(
          {10, static_cast<std::uint8_t>(random.below(3)), static_cast<std::uint8_t>(random.below(3) << 6), 0});
      const auto origin = static_cast<std::uint8_t>(1 + random.below(3));
      announced.push_back({Prefix(address, static_cast<int>(random.below(33))), node(origin)});
    }
    const auto expected = find_naively(announced);
    for (int order = 0; order < 5; order++) {
      for (std::size_t i = announced.size(); i > 1; i--) std::swap(announced[i - 1], announced[random.below(i)]);
      CHECK(find_overlaps(announced) == expected);
    }
  }
}

TEST_CASE("what no grant allows is told for each prefix with those who announce it all the same") {
  const auto allows = [](const NodeId& origin, const Prefix&) { return origin == node(1); };
  const auto findings =
      find_ungranted({by(3, "10.0.0.0/8"), by(1, "10.0.0.0/8"), by(2, "10.0.0.0/8"), by(1, "11.0.0.0/8")}, allows);
  REQUIRE(findings.size() == 1);
  CHECK(findings[0].kind == PrefixFinding::Kind::not_granted);
  CHECK(findings[0].origins == std::vector{node(2), node(3)});
}
