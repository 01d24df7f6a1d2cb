#include "base/timer_fd.h"

#include <sys/timerfd.h>

#include <algorithm>

namespace starling {

TimerFd::TimerFd()
    : timer_(checked_descriptor(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")) {}

void TimerFd::arm(Time at) {
  itimerspec spec{};  // all zero: disarmed
  if (at != kNever) {
    const auto nanoseconds = std::max<Duration::rep>(1, at.time_since_epoch().count());
    spec.it_value.tv_sec = nanoseconds / 1'000'000'000;
    spec.it_value.tv_nsec = nanoseconds % 1'000'000'000;
  }
  (void)::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

}  // namespace starling
