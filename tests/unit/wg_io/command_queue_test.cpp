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
  const Time until = system_now().monotonic + wait;
  while (system_now().monotonic < until) continue;
}

}  // namespace

TEST_CASE("what is asked of the engine is done in order, and it is told how long the first has waited") {
  CommandQueue queue;
  std::string done;
  CHECK(queue.run(system_now()) == Duration{});
  const Time before = system_now().monotonic;
  leave_for(queue, 2ms, done, "a");
  leave_for(queue, 1ms, done, "b");
  const Duration waited = queue.run(system_now());
  CHECK(waited >= 3ms);
  CHECK(waited <= system_now().monotonic - before);
  CHECK(done == "ab");
  const Time again = system_now().monotonic;
  leave_for(queue, {}, done, "c");
  const Duration waited_again = queue.run(system_now());
  CHECK(waited_again <= system_now().monotonic - again);  // its own wait, not that of the former
  CHECK(done == "abc");
  CHECK(queue.run(system_now()) == Duration{});
}
