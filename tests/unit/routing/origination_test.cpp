#include "routing/origination.h"

#include <doctest/doctest.h>

#include "base/random.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

const Now kStart{Time(1000s), WallTime(1'700'000'000s)};
const NodeAttributes kAttributes{"n", {}, true, false};
const SignFunction kSign = [](Bytes) { return Signature{}; };

std::vector<Prefix> hosts(int count) {
  std::vector<Prefix> prefixes;
  for (int i = 0; i < count; i++) {
    prefixes.emplace_back(
        IpAddress::v4({10, 0, static_cast<std::uint8_t>(i / 256), static_cast<std::uint8_t>(i % 256)}), 32);
  }
  return prefixes;
}

}  // namespace

TEST_CASE("the first sequence is the wall clock in microseconds, the following count up by one") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  const auto first = originator.update(kStart, kAttributes, {}, hosts(1));
  REQUIRE(first.size() == 1);
  CHECK(first[0]->header().sequence == 1'700'000'000'000'000u);
  CHECK(originator.update(kStart, kAttributes, {}, hosts(1)).empty());
  const auto second = originator.update(kStart + 1s, kAttributes, {}, hosts(2));
  REQUIRE(second.size() == 1);
  CHECK(second[0]->header().sequence == 1'700'000'000'000'001u);
}

TEST_CASE("an echo of a former life is jumped past, an older one is not") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  LsaHeader echo;
  echo.sequence = 1'800'000'000'000'000u;
  originator.on_echo(echo);
  CHECK(originator.update(kStart, kAttributes, {}, {}).at(0)->header().sequence == echo.sequence + 1);
  originator.on_echo(echo);
  CHECK(originator.update(kStart, kAttributes, {}, {}).empty());
  echo.sequence++;
  originator.on_echo(echo);
  CHECK(originator.update(kStart, kAttributes, {}, {}).at(0)->header().sequence == echo.sequence + 1);
}

TEST_CASE("a fragment known only from a former life is withdrawn with a newer sequence") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  originator.update(kStart, kAttributes, {}, {});
  LsaHeader echo;
  echo.key.fragment = 5;
  echo.sequence = 1'800'000'000'000'000u;
  originator.on_echo(echo);
  const auto lsas = originator.update(kStart, kAttributes, {}, {});
  REQUIRE(lsas.size() == 1);
  CHECK(lsas[0]->key().fragment == 5);
  CHECK(lsas[0]->is_withdrawal());
  CHECK(lsas[0]->header().sequence == echo.sequence + 1);
}

TEST_CASE("everything fits its fragments, and what leaves one makes room in it") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  std::size_t prefixes = 0;
  const auto first = originator.update(kStart, kAttributes, {}, hosts(500));
  for (const auto& lsa : first) {
    CHECK(lsa->body().size() <= kMaxLsaBodySize);
    prefixes += lsa->content().prefixes.size();
  }
  CHECK(prefixes == 500);
  CHECK(first.size() == 5);
  auto fewer = hosts(500);
  fewer.erase(fewer.begin() + 10);
  CHECK(originator.update(kStart, kAttributes, {}, fewer).size() == 1);
  CHECK(originator.update(kStart, kAttributes, {}, hosts(500)).size() == 1);
  CHECK(originator.update(kStart, kAttributes, {}, {}).size() == 5);
  CHECK(originator.left_out() == 0);
}

TEST_CASE("what fits no fragment is left out and counted") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  const auto lsas = originator.update(kStart, kAttributes, {}, hosts(10'000));
  CHECK(lsas.size() == kMaxFragments);
  std::size_t prefixes = 0;
  for (const auto& lsa : lsas) prefixes += lsa->content().prefixes.size();
  CHECK(prefixes + originator.left_out() == 10'000);
  CHECK(originator.left_out() > 0);
}

TEST_CASE("a refresh comes within its jitter before the refresh time, a measured value alone causes none") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  LsaLink link;
  originator.update(kStart, kAttributes, {link}, {});
  const Time due = originator.next_refresh();
  CHECK(due <= kStart.monotonic + kRefresh);
  CHECK(due > kStart.monotonic + kRefresh - kRefreshJitter);
  link.round_trip_us = 5000;
  CHECK(originator.update(kStart + 1s, kAttributes, {link}, {}).empty());
  const auto refreshed = originator.update({due, kStart.wall}, kAttributes, {link}, {});
  REQUIRE(refreshed.size() == 1);
  CHECK(refreshed[0]->content().links.at(0).round_trip_us == 5000);
}

TEST_CASE("a withdrawal of everything is signed for each fragment in use, and is not refreshed") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  originator.update(kStart, kAttributes, {}, hosts(500));
  const auto lsas = originator.withdraw_all(kStart);
  CHECK(lsas.size() == 5);
  for (const auto& lsa : lsas) CHECK(lsa->is_withdrawal());
  CHECK(originator.next_refresh() == kNever);
}
