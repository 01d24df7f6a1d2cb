#include "base/system.h"

#include <sys/random.h>
#include <time.h>

#include <cerrno>
#include <system_error>

namespace starling {

namespace {

Duration read_clock(clockid_t clock) {
  timespec ts{};
  clock_gettime(clock, &ts);
  return std::chrono::seconds(ts.tv_sec) + std::chrono::nanoseconds(ts.tv_nsec);
}

}  // namespace

Now system_now() {
  return {Time(read_clock(CLOCK_MONOTONIC)), WallTime(read_clock(CLOCK_REALTIME))};
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace starling
