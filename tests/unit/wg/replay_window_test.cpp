// The window against a naive twin that remembers every counter.
#include "wg/protocol/replay_window.h"

#include <limits>
#include <set>

#include "base/random.h"
#include "doctest/doctest.h"

using namespace starling;
using namespace starling::wg;

namespace {

class NaiveWindow {
 public:
  bool accept(std::uint64_t counter) {
    if (!seen_.empty() && counter < *seen_.rbegin() && *seen_.rbegin() - counter > ReplayWindow::kUsableBits)
      return false;
    return seen_.insert(counter).second;
  }

 private:
  std::set<std::uint64_t> seen_;
};

}  // namespace

TEST_CASE("a counter is accepted once") {
  ReplayWindow window;
  for (const std::uint64_t counter : {0, 1, 2, 9, 8, 7}) {
    CHECK(window.accept(counter));
    CHECK_FALSE(window.accept(counter));
  }
}

TEST_CASE("exactly 8128 counters behind the newest are usable") {
  for (const std::uint64_t newest : {std::uint64_t{20000}, std::uint64_t{20031}, std::uint64_t{19967}}) {
    ReplayWindow window;
    REQUIRE(window.accept(newest));
    CHECK_FALSE(window.accept(newest - 8129));
    CHECK(window.accept(newest - 8128));
    CHECK_FALSE(window.accept(newest - 8128));
  }
}

TEST_CASE("a jump past the whole window forgets what was there") {
  ReplayWindow window;
  for (std::uint64_t i = 0; i < 9000; i++) REQUIRE(window.accept(i));
  REQUIRE(window.accept(std::uint64_t{1} << 40));
  CHECK_FALSE(window.accept(8999));
  for (std::uint64_t i = 1; i <= 8128; i++) CHECK(window.accept((std::uint64_t{1} << 40) - i));
}

TEST_CASE("the largest counters do not wrap the window") {
  constexpr std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  ReplayWindow window;
  CHECK(window.accept(max - 1));
  CHECK_FALSE(window.accept(max));
  CHECK_FALSE(window.accept(0));
  CHECK_FALSE(window.accept(max - 1));
  CHECK(window.accept(max - 2));
}

TEST_CASE("the window decides as its naive twin on random counters") {
  for (std::uint64_t seed = 1; seed <= 20; seed++) {
    SeededRandom random(seed);
    ReplayWindow window;
    NaiveWindow twin;
    std::uint64_t newest = 0;
    for (int i = 0; i < 5000; i++) {
      std::uint64_t counter = newest;
      switch (random.below(8)) {
        case 0: counter = newest + random.below(20000); break;
        case 1:
        case 2: counter = newest + random.below(70); break;
        default: counter = newest - std::min(newest, random.below(i % 2 == 0 ? 9000 : 100)); break;
      }
      REQUIRE(window.accept(counter) == twin.accept(counter));
      newest = std::max(newest, counter);
    }
  }
}
