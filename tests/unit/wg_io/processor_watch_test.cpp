#include "wg/io/processor_watch.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/system.h"

using namespace starling;
using namespace starling::wg;
using namespace std::chrono_literals;

namespace {

constexpr auto kLongEnough = 20s;  // a machine that is busy with other things may take its time

// Whether the watch says so sooner or later, asked by a thread that between two questions does `meanwhile`.
template <typename Meanwhile>
bool comes_to_say(bool is_short, const Meanwhile& meanwhile) {
  ProcessorWatch watch;
  const Time began = monotonic_now();
  (void)watch.is_short(began);
  for (Time now = began; now - began < kLongEnough; now = monotonic_now()) {
    const Time asked = now;
    while (now - asked < 60ms) {
      meanwhile();
      now = monotonic_now();
    }
    if (watch.is_short(now) == is_short) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("whoever shares a processor with four others is short of it, and whoever sleeps is not") {
  cpu_set_t all;
  REQUIRE(::sched_getaffinity(0, sizeof all, &all) == 0);
  std::size_t first = 0;
  while (!CPU_ISSET(first, &all)) first++;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);  // those started from here inherit it
  std::atomic<bool> done = false;
  std::vector<std::thread> others;
  for (int i = 0; i < 4; i++)
    others.emplace_back([&done] {
      while (!done.load(std::memory_order_relaxed)) continue;
    });
  CHECK(comes_to_say(true, [] {}));
  done = true;
  for (std::thread& other : others) other.join();
  REQUIRE(::sched_setaffinity(0, sizeof all, &all) == 0);
  CHECK(comes_to_say(false, [] { std::this_thread::sleep_for(1ms); }));
}

TEST_CASE("of a long while without a question nothing is concluded") {
  ProcessorWatch watch;
  const Time now = monotonic_now();
  CHECK_FALSE(watch.is_short(now));
  CHECK_FALSE(watch.is_short(now + 10s));
}
