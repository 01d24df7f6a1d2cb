#include "routing/origination.h"

#include <doctest/doctest.h>

#include <algorithm>

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
  originator.on_echo(kStart, echo);
  CHECK(originator.update(kStart, kAttributes, {}, {}).at(0)->header().sequence == echo.sequence + 1);
  originator.on_echo(kStart, echo);
  CHECK(originator.update(kStart, kAttributes, {}, {}).empty());
  echo.sequence++;
  originator.on_echo(kStart, echo);
  CHECK(originator.update(kStart, kAttributes, {}, {}).at(0)->header().sequence == echo.sequence + 1);
}

TEST_CASE("a fragment known only from a former life is withdrawn with a newer sequence") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  originator.update(kStart, kAttributes, {}, {});
  LsaHeader echo;
  echo.key.fragment = 5;
  echo.sequence = 1'800'000'000'000'000u;
  originator.on_echo(kStart, echo);
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
  CHECK(originator.update(kStart + 1s, kAttributes, {}, hosts(500)).size() == 1);
  CHECK(originator.update(kStart + 1s, kAttributes, {}, {}).size() == 5);
  CHECK(originator.left_out() == 0);
}

TEST_CASE("what fits no fragment is left out and counted") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  const auto lsas = originator.update(kStart, kAttributes, {}, hosts(30'000));
  CHECK(lsas.size() == kMaxFragments);
  std::size_t prefixes = 0;
  for (const auto& lsa : lsas) prefixes += lsa->content().prefixes.size();
  CHECK(prefixes + originator.left_out() == 30'000);
  CHECK(originator.left_out() > 0);
}

TEST_CASE("a refresh comes within its jitter before the refresh time, a measured value alone causes none") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  LsaLink link;
  originator.update(kStart, kAttributes, {link}, {});
  const Time due = originator.next_due();
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
  CHECK(originator.next_due() == kNever);
}

TEST_CASE("5,000 prefixes of any kind find room, and a change of one signs one fragment") {
  SeededRandom random(1);
  for (const int length : {24, 64, 128}) {
    Originator originator({}, kSign, random);
    std::vector<Prefix> prefixes;
    for (std::uint32_t i = 0; i < 5000; i++) {
      std::array<std::uint8_t, 16> bytes{
          0xfd, 0, 0, 0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
      if (length == 128) std::swap_ranges(bytes.begin() + 4, bytes.begin() + 6, bytes.begin() + 14);
      const auto high = static_cast<std::uint8_t>(i >> 8), low = static_cast<std::uint8_t>(i);
      const bool is_v4 = length == 24;
      prefixes.emplace_back(is_v4 ? IpAddress::v4({10, high, low, 0}) : IpAddress::v6(bytes), length);
    }
    const auto lsas = originator.update(kStart, kAttributes, {}, prefixes);
    CHECK(originator.left_out() == 0);
    CHECK(lsas.size() == (length == 24 ? 41u : length == 64 ? 66u : 107u));
    prefixes.erase(prefixes.begin() + 2500);
    CHECK(originator.update(kStart + 1s, kAttributes, {}, prefixes).size() == 1);
    CHECK(originator.update(kStart + 2s, kAttributes, {}, prefixes).empty());
  }
}

TEST_CASE("a link that comes and goes is withdrawn at once each time, and comes back ever more rarely") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  const std::vector<LsaLink> up(1), down;
  Now now = kStart;
  originator.update(now, kAttributes, up, {});
  int announced = 0;
  int withdrawn = 0;
  for (int i = 0; i < 200; i++) {  // a blink each second
    for (const auto& lsa : originator.update(now = now + 500ms, kAttributes, down, {}))
      withdrawn += lsa->content().links.empty();
    for (const auto& lsa : originator.update(now = now + 500ms, kAttributes, up, {}))
      announced += !lsa->content().links.empty();
  }
  CHECK(withdrawn == announced + (originator.current().at(0)->content().links.empty() ? 1 : 0));
  CHECK(announced <= static_cast<int>(kFlapBurst) + 200s / kFlapPerToken);
  CHECK(announced >= static_cast<int>(kFlapBurst));
  // Once it stays, it is announced when its time has come, and that is known.
  if (originator.current().at(0)->content().links.empty()) {
    const Time due = originator.next_due();
    CHECK(due <= now.monotonic + kFlapPerToken);
    CHECK(originator.update(now + (due - now.monotonic), kAttributes, up, {}).size() == 1);
  }
  CHECK_FALSE(originator.current().at(0)->content().links.empty());
}

TEST_CASE("a prefix that comes and goes is damped by itself, beside one that stays and one that is new") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  Now now = kStart;
  originator.update(now, kAttributes, {}, hosts(2));
  for (std::uint32_t i = 0; i < kFlapBurst; i++) {
    CHECK(originator.update(now = now + kGatherMax, kAttributes, {}, hosts(1)).size() == 1);
    CHECK(originator.update(now = now + kGatherMax, kAttributes, {}, hosts(2)).size() == 1);
  }
  CHECK(originator.update(now = now + kGatherMax, kAttributes, {}, hosts(1)).size() == 1);
  CHECK(originator.update(now = now + kGatherMax, kAttributes, {}, hosts(2)).empty());
  const auto grown = originator.update(now = now + kGatherMax, kAttributes, {}, hosts(3));
  REQUIRE(grown.size() == 1);
  CHECK(grown[0]->content().prefixes == std::vector{hosts(3)[0], hosts(3)[2]});
  const Time due = originator.next_due();
  CHECK(due > now.monotonic);
  CHECK(due <= now.monotonic + kFlapPerToken);
  const auto back = originator.update(now + (due - now.monotonic), kAttributes, {}, hosts(3));
  REQUIRE(back.size() == 1);
  CHECK(back[0]->content().prefixes.size() == 3);
}

TEST_CASE("echoes that answer ours are a twin's: told from the fourth on, and answered ever more slowly") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  Now now = kStart;
  std::uint64_t ours = originator.update(now, kAttributes, {}, {}).at(0)->header().sequence;
  std::vector<Duration> delays;
  for (unsigned sign = 1; sign <= 14; sign++) {
    LsaHeader echo;
    echo.sequence = ours + 1;  // it jumped past ours
    CHECK(originator.on_echo(now, echo) == (sign >= kDuplicateSigns));
    CHECK_FALSE(originator.on_echo(now, echo));  // by another way
    delays.push_back(originator.next_due() - now.monotonic);
    now = now + delays.back();
    ours = originator.update(now, kAttributes, {}, {}).at(0)->header().sequence;
    CHECK(ours == echo.sequence + 1);
  }
  CHECK(delays.at(2) == 0s);
  CHECK(delays.at(3) == kJumpDelayMin);
  CHECK(delays.at(4) == 2 * kJumpDelayMin);
  CHECK(delays.back() == kJumpDelayMax);
}

TEST_CASE("a change of our own does not wait for the answer to a twin") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  std::uint64_t ours = originator.update(kStart, kAttributes, {}, {}).at(0)->header().sequence;
  LsaHeader echo;
  for (unsigned sign = 1; sign <= 8; sign++) {
    echo.sequence = ours + sign;
    originator.on_echo(kStart, echo);
  }
  const auto changed = originator.update(kStart + kGatherMin, kAttributes, {}, hosts(1));
  REQUIRE(changed.size() == 1);
  CHECK(changed[0]->header().sequence == echo.sequence + 1);
}

TEST_CASE("the first links of a life wait for each other, but not longer than until all are there") {
  std::vector<LsaLink> links(2);
  for (std::uint8_t i = 0; i < 2; i++) links[i].neighbor.bytes.fill(i);
  const std::vector<LsaLink> one{links[0]};
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  originator.update(kStart, kAttributes, {}, {}, true);
  CHECK(originator.update(kStart + 1ms, kAttributes, one, {}, true).empty());
  CHECK(originator.next_due() == kStart.monotonic + kGatherMax);

  Originator whole({}, kSign, random);
  whole.update(kStart, kAttributes, {}, {}, true);
  CHECK(whole.update(kStart + kGatherMin, kAttributes, links, {}, false).size() == 1);

  REQUIRE(originator.update(kStart + kGatherMax, kAttributes, one, {}, true).size() == 1);
  CHECK(originator.update(kStart + kGatherMax + 1ms, kAttributes, links, {}, true).empty());
  CHECK(originator.next_due() == kStart.monotonic + kGatherMax + 2 * kGatherMin);
}

TEST_CASE("links that come up together are announced together, and one that goes takes along what waits") {
  SeededRandom random(1);
  Originator originator({}, kSign, random);
  std::vector<LsaLink> links(3);
  for (std::uint8_t i = 0; i < 3; i++) links[i].neighbor.bytes.fill(i);
  const auto first = [&](std::ptrdiff_t count) { return std::vector(links.begin(), links.begin() + count); };
  originator.update(kStart, kAttributes, {}, {});
  CHECK(originator.update(kStart + 1ms, kAttributes, first(1), {}).empty());
  CHECK(originator.next_due() == kStart.monotonic + kGatherMin);
  CHECK(originator.update(kStart + 2ms, kAttributes, first(2), {}).empty());
  const auto both = originator.update(kStart + kGatherMin, kAttributes, first(2), {});
  REQUIRE(both.size() == 1);
  CHECK(both[0]->content().links.size() == 2);
  // Soon after the second announcement the third waits longer, but bad news goes at once.
  CHECK(originator.update(kStart + 2 * kGatherMin, kAttributes, first(3), {}).empty());
  CHECK(originator.next_due() == kStart.monotonic + 3 * kGatherMin);
  const std::vector<LsaLink> changed{links[1], links[2]};
  const auto lost = originator.update(kStart + 2 * kGatherMin + 1ms, kAttributes, changed, {});
  REQUIRE(lost.size() == 1);
  CHECK(lost[0]->content().links == changed);
  // At rest, good news goes at once too.
  CHECK(originator.update(kStart + 5s, kAttributes, links, {}).size() == 1);
}
