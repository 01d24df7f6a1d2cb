#include "routing/link_quality.h"

#include <doctest/doctest.h>

#include <functional>

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

// One end of a link that gets a Hello every 100 ms and probes as it is due, and the other end's answers.
struct Scene {
  LinkQuality quality{1420};
  ArrivedProbes far_end;
  SeededRandom random{3};
  Time now{1000s};
  Time hello_at = now;
  std::uint32_t sequence = 0;
  std::uint64_t probes = 0;
  int changes = 0;
  std::uint64_t hello_loss_permille = 0, there_permille = 0, back_permille = 0;
  std::uint16_t carries = 1420;

  Scene() { quality.start(now); }
  bool happens(std::uint64_t permille) { return random.below(1000) < permille; }

  void hello() {
    hello_at = now + 100ms;
    sequence++;
    if (happens(hello_loss_permille)) return;
    quality.on_hello(sequence);
    if (quality.is_worth_a_review()) changes += quality.review(now);
  }
  void probe() {
    changes += quality.review(now);
    for (const ProbeToSend& probe : quality.take_probes(now, 10s, Duration(1ms), random)) {
      probes++;
      if (probe.size > carries || happens(there_permille)) continue;
      const PathAnswer answer = far_end.on_probe(probe.number);
      if (!happens(back_permille)) quality.on_answer(answer);
    }
  }
  void run_for(Duration duration) {
    for (const Time end = now + duration;;) {
      now = std::min(hello_at, quality.next_deadline());
      if (now >= end) return;
      if (quality.next_deadline() <= now) probe();
      if (hello_at <= now) hello();
    }
  }
  // How long until it is so.
  Duration until(GreyReason reason, Duration limit) {
    const Time begin = now;
    while (quality.grey() != reason && now - begin < limit) run_for(100ms);
    REQUIRE(quality.grey() == reason);
    return now - begin;
  }
};

}  // namespace

TEST_CASE("a link that loses nothing is never grey, and tried six times a minute") {
  Scene scene;
  scene.run_for(3600s);
  CHECK(scene.changes == 0);
  CHECK(scene.probes >= 360);
  CHECK(scene.probes <= 400);
}

TEST_CASE("five per cent lost at random in each direction make no link grey in a week") {
  Scene scene;
  scene.hello_loss_permille = scene.there_permille = scene.back_permille = 50;
  scene.run_for(7 * 24h);
  CHECK(scene.changes == 0);
  CHECK(scene.quality.loss() < 250);
}

TEST_CASE("a path that swallows full-size packets is found in seconds, named with the size that passes, and healed") {
  Scene scene;
  scene.carries = 1380;
  CHECK(scene.until(GreyReason::full_size_lost, 10s) <= 3s);
  scene.run_for(30s);
  REQUIRE(scene.quality.carried_size());
  CHECK(*scene.quality.carried_size() == 1376);
  CHECK(scene.changes == 2);  // that it is grey, and what passes
  scene.carries = 1420;
  const Duration healed_after = scene.until(GreyReason::none, 60s);
  CHECK(healed_after >= 10s);
  CHECK(healed_after <= 25s);
  CHECK(scene.changes == 3);
  CHECK_FALSE(scene.quality.carried_size());
  scene.run_for(3600s);
  CHECK(scene.changes == 3);
}

TEST_CASE("a hole that opens later is found within one pace and the retries") {
  Scene scene;
  scene.run_for(1000s);
  scene.carries = 1300;
  CHECK(scene.until(GreyReason::full_size_lost, 30s) <= 13s);
}

TEST_CASE("data that does not pass at any size is told from a matter of size") {
  Scene scene;
  scene.there_permille = 1000;
  scene.until(GreyReason::data_lost, 10s);
  scene.there_permille = 0;
  scene.carries = 1300;  // and a part of it is mended
  scene.until(GreyReason::full_size_lost, 20s);
}

TEST_CASE("half of the data lost one way is found by the end that sends it") {
  Scene scene;
  scene.run_for(100s);
  scene.there_permille = 500;
  CHECK(scene.until(GreyReason::loss_sent, 300s) <= 120s);
}

TEST_CASE("a link that loses more than a quarter of what comes is grey, also if it keeps going down") {
  Scene scene;
  scene.run_for(100s);
  scene.hello_loss_permille = 400;
  Duration passed{};
  while (scene.quality.grey() == GreyReason::none && passed < 60s) {
    scene.run_for(2s);
    scene.quality.stop();
    scene.run_for(1s);
    scene.quality.start(scene.now);
    passed += 3s;
  }
  CHECK(scene.quality.grey() == GreyReason::loss_received);
  scene.hello_loss_permille = 0;
  scene.until(GreyReason::none, 60s);
}

TEST_CASE("a failure is no loss") {
  Scene scene;
  for (int i = 0; i < 50; i++) {
    scene.run_for(5s);
    scene.sequence += 30;  // three seconds of nothing
  }
  for (int i = 0; i < 100; i++) {
    scene.run_for(300ms);
    scene.sequence += 3;  // shorter, but noticed
    scene.quality.stop();
    scene.quality.start(scene.now);
  }
  CHECK(scene.quality.loss() < 50);
  CHECK(scene.quality.grey() == GreyReason::none);
}

TEST_CASE("each relapse doubles the time that it takes to heal, and a long good time forgets that") {
  Scene scene;
  std::vector<Duration> healed_after;
  for (int i = 0; i < 3; i++) {
    scene.carries = 1300;
    scene.until(GreyReason::full_size_lost, 30s);
    scene.carries = 1420;
    healed_after.push_back(scene.until(GreyReason::none, 120s));
  }
  CHECK(healed_after[1] >= healed_after[0] + 9s);
  CHECK(healed_after[2] >= healed_after[1] + 19s);
  scene.run_for(3600s);
  scene.carries = 1300;
  scene.until(GreyReason::full_size_lost, 30s);
  scene.carries = 1420;
  CHECK(scene.until(GreyReason::none, 120s) <= healed_after[0] + 2s);
}

TEST_CASE("what is not to be tried is not tried") {
  LinkQuality quality(1420);
  SeededRandom random(1);
  quality.start(Time(1000s));
  CHECK(quality.take_probes(Time(1000s), Duration::zero(), std::nullopt, random).empty());
  CHECK(quality.next_deadline() == kNever);
}
