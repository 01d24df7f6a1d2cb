// When shortest paths are computed: RFC 8405's back-off. The first change after a calm is acted upon at once; those
// that follow shortly, at short intervals; and while they keep coming, at long ones.
//
//   QUIET       a change: compute after kSpfFirstDelay                                    → SHORT_WAIT
//   SHORT_WAIT  a change: after kSpfShortDelay; kSpfTimeToLearn after leaving QUIET, or
//               after kSpfShortRuns computations: no single failure asks for so many        → LONG_WAIT
//   LONG_WAIT   a change: after kSpfLongDelay
//   both        kSpfHoldDown without a change                                               → QUIET
//
// The timers are moments here, looked at when something happens, so that nothing needs to be woken for them.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "routing/limits.h"

namespace starling::routing {

class SpfBackoff {
 public:
  enum class State : std::uint8_t { quiet, short_wait, long_wait };

  // The graph has changed.
  void on_change(Time now) {
    state_ = state(now);
    const Duration delay = state_ == State::quiet        ? kSpfFirstDelay
                           : state_ == State::short_wait ? kSpfShortDelay
                                                         : kSpfLongDelay;
    if (state_ == State::quiet) {
      state_ = State::short_wait;
      learnt_at_ = now + kSpfTimeToLearn;
      runs_ = 0;
    }
    calm_at_ = now + kSpfHoldDown;
    if (due_ == kNever) due_ = now + delay;
  }
  // Paths were computed, due or not. What was not asked for here (a leaf's) does not count.
  void on_run() {
    if (due_ != kNever) runs_++;
    due_ = kNever;
  }

  // When to compute; kNever if nothing has changed since the last time.
  Time due() const { return due_; }

  State state(Time now) const {
    if (state_ == State::quiet || now >= calm_at_) return State::quiet;
    const bool learnt = now >= learnt_at_ || runs_ >= kSpfShortRuns;
    return state_ == State::short_wait && learnt ? State::long_wait : state_;
  }

 private:
  State state_ = State::quiet;
  Time learnt_at_{};
  Time calm_at_{};
  Time due_ = kNever;
  unsigned runs_ = 0;  // since it was quiet
};

}  // namespace starling::routing
