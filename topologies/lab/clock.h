// CLOCK_MONOTONIC in nanoseconds, as the daemons' events carry it, so that the lab's moments and theirs compare.
#pragma once

#include <cmath>
#include <cstdint>

#include "base/system.h"

namespace starling::lab {

inline constexpr std::int64_t kNsPerMs = 1'000'000;

inline std::int64_t mono_now_ns() {
  return monotonic_now().time_since_epoch().count();
}

inline double to_ms(std::int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerMs);
}

// To a tenth of a millisecond: what can be told on a machine that does other things too.
inline double rounded_ms(std::int64_t ns) {
  return std::round(to_ms(ns) * 10) / 10;
}

}  // namespace starling::lab
