// So many a second, and so many at once. Time is an argument.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace starling::wg {

class TokenBucket {
 public:
  static constexpr std::uint32_t kPerSecond = 100;
  static constexpr std::uint32_t kBurst = 50;

  bool take(Time now) {
    constexpr Duration kInterval = std::chrono::nanoseconds(1'000'000'000 / kPerSecond);
    // `free_from_` runs ahead of time by one interval for each token taken, at most kBurst of them.
    const Time next = std::max(free_from_, now) + kInterval;
    if (next - now > kInterval * kBurst) return false;
    free_from_ = next;
    return true;
  }

 private:
  Time free_from_{};
};

}  // namespace starling::wg
