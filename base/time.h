// Moments and spans of time, as values. The timelines have no now(): time is an argument everywhere in the cores, and
// only base/system.h reads a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace starling {

using Duration = std::chrono::nanoseconds;

// CLOCK_MONOTONIC, or the simulator's virtual time.
struct MonotonicTimeline {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTimeline, duration>;
  static constexpr bool is_steady = true;
};

// Nanoseconds since the Unix epoch, as the wall clock shows them; may jump.
struct WallTimeline {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WallTimeline, duration>;
  static constexpr bool is_steady = false;
};

using Time = MonotonicTimeline::time_point;
using WallTime = WallTimeline::time_point;

// A deadline that never comes.
inline constexpr Time kNever = Time::max();

// One moment read from both clocks: timers run on `monotonic`; TAI64N timestamps and first sequence numbers come from
// `wall`.
struct Now {
  Time monotonic{};
  WallTime wall{};

  friend bool operator==(const Now&, const Now&) = default;
};

constexpr Now operator+(Now now, Duration by) {
  return {now.monotonic + by, now.wall + by};
}

}  // namespace starling
