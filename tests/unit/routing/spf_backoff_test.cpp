// The states of RFC 8405.
#include "routing/spf_backoff.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};
using State = SpfBackoff::State;

// A change and the computation that it asks for.
Duration delay_of_change(SpfBackoff& backoff, Time now) {
  backoff.on_change(now);
  const Duration delay = backoff.due() - now;
  backoff.on_run();
  return delay;
}

}  // namespace

TEST_CASE("the first change after a calm is computed at once, the next shortly after, many of them at intervals") {
  SpfBackoff backoff;
  CHECK(backoff.state(kStart) == State::quiet);
  CHECK(delay_of_change(backoff, kStart) == kSpfFirstDelay);
  CHECK(backoff.state(kStart) == State::short_wait);
  CHECK(delay_of_change(backoff, kStart + 20ms) == kSpfShortDelay);
  CHECK(delay_of_change(backoff, kStart + kSpfTimeToLearn) == kSpfLongDelay);
  CHECK(backoff.state(kStart + kSpfTimeToLearn) == State::long_wait);
}

TEST_CASE("more computations than one failure asks for are too many, however soon") {
  SpfBackoff backoff;
  Time now = kStart;
  for (unsigned run = 0; run < kSpfShortRuns; run++, now += 10ms)
    CHECK(delay_of_change(backoff, now) == (run == 0 ? kSpfFirstDelay : kSpfShortDelay));
  CHECK(delay_of_change(backoff, now) == kSpfLongDelay);
  CHECK(delay_of_change(backoff, now + kSpfHoldDown) == kSpfFirstDelay);
  for (unsigned run = 0; run < kSpfShortRuns; run++) backoff.on_run();  // leaves', which nobody waits for
  CHECK(delay_of_change(backoff, now + kSpfHoldDown + 10ms) == kSpfShortDelay);
}

TEST_CASE("changes while a computation waits do not put it off") {
  SpfBackoff backoff;
  delay_of_change(backoff, kStart);
  backoff.on_change(kStart + 1ms);
  backoff.on_change(kStart + 5ms);
  CHECK(backoff.due() == kStart + 1ms + kSpfShortDelay);
}

TEST_CASE("calm is what comes after the hold-down without any change") {
  SpfBackoff backoff;
  Time now = kStart;
  for (int i = 0; i < 20; i++, now += kSpfHoldDown / 2) delay_of_change(backoff, now);  // never calm
  CHECK(backoff.state(now) == State::long_wait);
  const Time last = now - kSpfHoldDown / 2;
  CHECK(backoff.state(last + kSpfHoldDown - 1ns) == State::long_wait);
  CHECK(backoff.state(last + kSpfHoldDown) == State::quiet);
  CHECK(delay_of_change(backoff, last + kSpfHoldDown) == kSpfFirstDelay);
}
