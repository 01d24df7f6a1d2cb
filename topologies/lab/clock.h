// CLOCK_MONOTONIC in nanoseconds, as the daemons' events carry it, so that the lab's moments and theirs compare.
#pragma once

#include <cstdint>

#include "base/system.h"

namespace starling::lab {

inline constexpr std::int64_t kNsPerMs = 1'000'000;

inline std::int64_t mono_now_ns() {
  return system_now().monotonic.time_since_epoch().count();
}

inline double to_ms(std::int64_t ns) {
  return static_cast<double>(ns) / static_cast<double>(kNsPerMs);
}

}  // namespace starling::lab
