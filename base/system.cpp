#include "base/system.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace starling {

namespace {

Duration read_clock(clockid_t clock) {
  timespec ts{};
  clock_gettime(clock, &ts);
  return std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec);
}

constexpr std::size_t kSmallDrawMax = 8;  // bytes

void ask_kernel(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace

Time monotonic_now() {
  return Time(read_clock(CLOCK_MONOTONIC));
}

Now system_now() {
  return {monotonic_now(), WallTime(read_clock(CLOCK_REALTIME))};
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  if (out.size() > kSmallDrawMax) return ask_kernel(out);
  if (left_ < out.size()) {
    ask_kernel(reserve_);
    left_ = reserve_.size();
  }
  left_ -= out.size();
  const auto drawn = std::span(reserve_).subspan(left_, out.size());
  std::copy(drawn.begin(), drawn.end(), out.begin());
  std::fill(drawn.begin(), drawn.end(), std::uint8_t{0});
}

}  // namespace starling
