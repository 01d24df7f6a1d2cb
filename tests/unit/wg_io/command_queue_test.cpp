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

TEST_CASE("what is asked of the engine is done in order, and how long the first waited is told once") {
  CommandQueue queue;
  std::string done;
  CHECK(queue.take_longest_wait() == Duration{});
  const Time before = system_now().monotonic;
  leave_for(queue, 2ms, done, "a");
  leave_for(queue, 1ms, done, "b");
  queue.run(system_now());
  CHECK(done == "ab");
  const Duration most = system_now().monotonic - before;
  const Duration waited = queue.take_longest_wait();
  CHECK(waited >= 3ms);
  CHECK(waited <= most);
  CHECK(queue.take_longest_wait() == Duration{});
}

TEST_CASE("a shorter wait does not hide a longer one, and a turn with nothing to do is none") {
  CommandQueue queue;
  std::string done;
  leave_for(queue, 2ms, done, "a");
  queue.run(system_now());
  leave_for(queue, {}, done, "b");
  queue.run(system_now());
  queue.run(system_now());
  CHECK(done == "ab");
  CHECK(queue.take_longest_wait() >= 2ms);
  CHECK(queue.take_longest_wait() == Duration{});
}
