#include "routing/metric.h"

#include <doctest/doctest.h>

#include "base/random.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};

// Measures ten times a second for so long; how often the metric changed.
int measure_for(RttMetric& metric, Time& now, Duration duration, Duration round_trip, std::uint16_t loss_permille = 0) {
  int changes = 0;
  for (const Time end = now + duration; now < end; now += 100ms)
    changes += metric.update(now, {round_trip, round_trip, loss_permille});
  return changes;
}

}  // namespace

TEST_CASE("the larger metric counts for both directions, unless one was set by hand; a last resort counts always") {
  const LinkCost measured{30, false}, more{50, false}, by_hand{7, true}, more_by_hand{9, true};
  CHECK(metric_of_link(measured, more) == 50);
  CHECK(metric_of_link(measured, by_hand) == 7);
  CHECK(metric_of_link(by_hand, more_by_hand) == 9);
  CHECK(metric_of_link(by_hand, {kLastResortMetric, false}) == kLastResortMetric);
  for (const LinkCost a : {measured, more, by_hand, more_by_hand})
    for (const LinkCost b : {measured, more, by_hand, more_by_hand})
      CHECK(metric_of_link(a, b) == metric_of_link(b, a));
}

TEST_CASE("a measured metric is a constant per hop and the round trip, raised by loss, and never a last resort") {
  CHECK(measured_metric(0us, 0) == 1000);
  CHECK(measured_metric(412us, 0) == 1412);
  CHECK(measured_metric(9ms, 10) == 10'000);  // one per cent is forgiven
  CHECK(measured_metric(9ms, 30) == 20'000);
  CHECK(measured_metric(9ms, 50) == 30'000);
  CHECK(measured_metric(60s, 1000) == kLastResortMetric - 1);
}

TEST_CASE(
    "the first measurement counts at once, a lasting change after the hold time and as a mean, a passing one never") {
  RttMetric metric;
  CHECK(metric.metric() == kUnmeasuredMetric);
  Time now = kStart;
  CHECK(measure_for(metric, now, 100ms, 10ms) == 1);
  CHECK(metric.metric() == 11'000);
  CHECK(measure_for(metric, now, 3600s, 12500us) == 0);  // less than a quarter more
  CHECK(measure_for(metric, now, 9900ms, 30ms) == 0);
  CHECK(measure_for(metric, now, 100ms, 10ms) == 0);  // it comes back just in time
  CHECK(measure_for(metric, now, 9900ms, 30ms) == 0);
  CHECK(measure_for(metric, now, 300ms, 30ms) == 1);
  CHECK(metric.metric() == 31'000);
  CHECK(measure_for(metric, now, 60s, 10ms) == 1);
  CHECK(metric.metric() == 11'000);
}

TEST_CASE("of the first second the shortest round trip counts, for nodes that start are slow") {
  RttMetric metric;
  Time now = kStart;
  CHECK(metric.update(now, {80ms, 80ms, 0}));
  CHECK_FALSE(metric.update(now + 300ms, {2ms, 70ms, 0}));
  CHECK_FALSE(metric.update(now + 600ms, {40ms, 66ms, 0}));
  CHECK(metric.update(now + 1s, {3ms, 60ms, 0}));
  CHECK(metric.metric() == 3000);
}

TEST_CASE("a short link does not change its metric for what is nothing beside the constant") {
  RttMetric metric;
  SeededRandom random(7);
  Time now = kStart;
  int changes = 0;
  for (int i = 0; i < 100'000; i++, now += 100ms) {
    const Duration round_trip = std::chrono::microseconds(100 + random.below(350));
    changes += metric.update(now, {round_trip, round_trip, 0});
  }
  CHECK(changes == 1);
}

// The worst case: the delay is as long as the traffic is there, and the traffic follows the metric at once.
TEST_CASE("a metric whose change drives what it measures changes ever more rarely") {
  RttMetric metric;
  Time now = kStart;
  const auto follow = [&](Duration duration) {
    int changes = 0;
    for (const Time end = now + duration; now < end; now += 100ms) {
      const Duration round_trip = metric.metric() < 30'000 ? 50ms : 10ms;
      changes += metric.update(now, {round_trip, round_trip, 0});
    }
    return changes;
  };
  const int first_hour = follow(3600s);
  CHECK(first_hour >= 4);
  CHECK(first_hour <= 11);
  CHECK(follow(3600s) <= 3);
  CHECK(follow(10 * 3600s) <= 20);  // no more than two an hour
}

TEST_CASE("after a calm time a change counts quickly again") {
  RttMetric metric;
  Time now = kStart;
  for (const Time end = now + 3600s; now < end; now += 100ms) {
    const Duration round_trip = metric.metric() < 30'000 ? 50ms : 10ms;
    metric.update(now, {round_trip, round_trip, 0});
  }
  const bool low = metric.metric() < 30'000;
  const Duration same = low ? 10ms : 50ms;
  const Duration other = low ? 50ms : 10ms;
  measure_for(metric, now, 1s, same);
  CHECK(measure_for(metric, now, 1200s, other) == 0);
  CHECK(measure_for(metric, now, 8 * 1800s, same) == 0);
  CHECK(measure_for(metric, now, 10200ms, other) == 1);
}
