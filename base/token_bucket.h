// A token bucket as one moment: the time at which it would be full again (the generic cell rate algorithm, ITU-T
// I.371). Exact, so a refused caller knows when to come back.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace starling {

class TokenBucket {
 public:
  TokenBucket(std::uint32_t capacity, Duration per_token)
      : slack_(per_token * (std::max<std::uint32_t>(capacity, 1) - 1)), per_token_(per_token) {}

  // The earliest moment at which a token can be taken; in the past if there is one already.
  Time next_at() const { return full_at_ - slack_; }
  bool available(Time now) const { return next_at() <= now; }
  // When nothing of what was taken is missing any more.
  Time full_at() const { return full_at_; }

  bool take(Time now) {
    if (!available(now)) return false;
    charge(now);
    return true;
  }
  // Takes a token that may not be there yet: what comes next waits for it.
  void charge(Time now) { full_at_ = std::max(full_at_, now) + per_token_; }

 private:
  Duration slack_;
  Duration per_token_;
  Time full_at_{};
};

}  // namespace starling
