#include "wg/io/command_queue.h"

#include <doctest/doctest.h>

#include <string>

#include "base/system.h"

using namespace starling;
using namespace starling::wg;
using namespace std::chrono_literals;

namespace {

// Leaves something to do, and returns after it has waited for at least this long.
void leave_for(CommandQueue& queue, Duration wait, std::string& done, const char* word) {
  queue.leave([&done, word](Now) { done += word; });
  const Time until = monotonic_now() + wait;
  while (monotonic_now() < until) continue;
}

}  // namespace

TEST_CASE("what is asked of the engine is done in order, and it is told how long the first has waited") {
  CommandQueue queue;
  std::string done;
  CHECK(queue.run(system_now()) == Duration{});
  const Time before = monotonic_now();
  leave_for(queue, 2ms, done, "a");
  leave_for(queue, 1ms, done, "b");
  const Duration waited = queue.run(system_now());
  CHECK(waited >= 3ms);
  CHECK(waited <= monotonic_now() - before);
  CHECK(done == "ab");
  const Time again = monotonic_now();
  leave_for(queue, {}, done, "c");
  const Duration waited_again = queue.run(system_now());
  CHECK(waited_again <= monotonic_now() - again);  // its own wait, not that of the former
  CHECK(done == "abc");
  CHECK(queue.run(system_now()) == Duration{});
}
