#include "routing/path_probe.h"

#include <doctest/doctest.h>

#include <functional>

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};
constexpr PathProber::Pace kPace{10s, 250ms};

// Both ends, and between them a way that carries what `passes` says; answers come back after 1 ms.
struct Way {
  PathProber prober{1420};
  ArrivedProbes arrived;
  SeededRandom random{1};
  Time now = kStart;
  std::function<bool(const ProbeToSend&)> passes = [](const ProbeToSend&) { return true; };
  std::function<bool()> answer_passes = [] { return true; };
  std::vector<std::uint16_t> sizes;

  Way() { prober.start(now); }
  void step() {
    now = std::max(now, prober.next_deadline());
    std::optional<PathAnswer> answer;
    for (const ProbeToSend& probe : prober.take_due(now, kPace, random)) {
      sizes.push_back(probe.size);
      if (passes(probe)) answer = arrived.on_probe(probe.number);
    }
    now += 1ms;
    if (answer && answer_passes()) prober.on_answer(*answer);
  }
  void run_for(Duration duration) {
    for (const Time end = now + duration; prober.next_deadline() < end;) step();
  }
};

}  // namespace

TEST_CASE("while all is answered, a probe of full size is sent at once and then every ten seconds, a little earlier") {
  Way way;
  CHECK(way.prober.next_deadline() == kStart);
  way.run_for(100s);
  CHECK(way.sizes.size() >= 10);
  CHECK(way.sizes.size() <= 12);
  for (const std::uint16_t size : way.sizes) CHECK(size == 1420);
  CHECK(way.prober.lost_in_a_row(way.now) == 0);
  CHECK(way.prober.lost_of(kProbesRemembered, way.now) == 0);
}

TEST_CASE("nothing is due before the deadline, and nothing after the end") {
  Way way;
  way.step();
  const Time due = way.prober.next_deadline();
  CHECK(due > way.now + 8900ms);
  CHECK(way.prober.take_due(due - Duration(1), kPace, way.random).empty());
  CHECK(way.prober.next_deadline() == due);
  way.prober.stop();
  CHECK(way.prober.next_deadline() == kNever);
  way.prober.on_answer({1, 1});
  CHECK(way.prober.next_deadline() == kNever);
}

TEST_CASE("a probe without an answer is followed soon by the next, and is not lost before that") {
  Way way;
  way.passes = [](const ProbeToSend&) { return false; };
  way.step();
  CHECK(way.prober.next_deadline() == kStart + 250ms);
  CHECK(way.prober.lost_in_a_row(kStart + 249ms) == 0);
  CHECK(way.prober.lost_in_a_row(kStart + 250ms) == 1);
  way.run_for(1900ms);
  CHECK(way.prober.lost_in_a_row(way.prober.next_deadline()) == 8);
}

TEST_CASE("a lost answer is made good by the next one") {
  Way way;
  way.answer_passes = [] { return false; };
  for (int i = 0; i < 5; i++) way.step();
  CHECK(way.prober.lost_in_a_row(way.prober.next_deadline()) == 5);
  way.answer_passes = [] { return true; };
  way.step();
  CHECK(way.prober.lost_in_a_row(way.now) == 0);
  CHECK(way.prober.lost_of(kProbesRemembered, way.now) == 0);
}

TEST_CASE("an answer tells of the probe alone, however late it comes, and of no probe that was never sent") {
  Way way;
  way.passes = [](const ProbeToSend& probe) { return probe.number == 2; };
  for (int i = 0; i < 5; i++) way.step();
  CHECK(way.prober.lost_of(kProbesRemembered, way.prober.next_deadline()) == 5 - 1);
  way.prober.on_answer({4'000'000'000, 0xffffffff});
  CHECK(way.prober.lost_of(kProbesRemembered, way.prober.next_deadline()) == 5 - 1);
}

TEST_CASE("where full size is lost, the largest size that passes is found") {
  for (const std::uint16_t largest : std::initializer_list<std::uint16_t>{76, 80, 1000, 1279, 1280, 1372, 1380, 1403}) {
    CAPTURE(largest);
    Way way;
    way.passes = [&](const ProbeToSend& probe) { return probe.size <= largest; };
    for (int i = 0; i < 40; i++) way.step();
    CHECK(way.prober.passes_smaller());
    REQUIRE(way.prober.carried_size());
    CHECK(*way.prober.carried_size() <= largest);
    CHECK(*way.prober.carried_size() + 2 * kProbeSizeStep > largest);
    way.sizes.clear();
    way.step();
    CHECK(way.sizes == std::vector<std::uint16_t>{1420});  // the search is over
    way.passes = [](const ProbeToSend&) { return true; };
    way.step();
    way.step();
    CHECK_FALSE(way.prober.passes_smaller());
  }
}

TEST_CASE("where nothing passes, the smallest is tried on and on") {
  Way way;
  way.passes = [](const ProbeToSend&) { return false; };
  for (int i = 0; i < 300; i++) way.step();
  CHECK_FALSE(way.prober.passes_smaller());
  CHECK_FALSE(way.prober.carried_size());
  CHECK(way.sizes.back() == 1420);
  CHECK(way.sizes[way.sizes.size() - 2] == kMinProbeSize);
}

TEST_CASE("the other end remembers 32 probes, in any order and across the end of the numbers") {
  ArrivedProbes arrived;
  CHECK(arrived.on_probe(0xfffffffe) == PathAnswer{0xfffffffe, 1});
  CHECK(arrived.on_probe(1) == PathAnswer{1, 0b1001});
  CHECK(arrived.on_probe(0) == PathAnswer{1, 0b1011});
  CHECK(arrived.on_probe(0) == PathAnswer{1, 0b1011});
  CHECK(arrived.on_probe(33) == PathAnswer{33, 1});
  CHECK(arrived.on_probe(1) == PathAnswer{33, 1});
  arrived.reset();
  CHECK(arrived.on_probe(1) == PathAnswer{1, 1});
}
