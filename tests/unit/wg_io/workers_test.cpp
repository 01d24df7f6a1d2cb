#include "wg/io/workers.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include "doctest/doctest.h"
#include "wg/io/backend.h"

using namespace starling::wg;

namespace {

// Counts how often it is done, and by which AEAD, so by whom.
class Counted final : public Work {
 public:
  std::atomic<int> done{0};
  PacketAead* by = nullptr;
  int effort = 0;

 private:
  void run(PacketAead& aead) override {
    volatile int spent = 0;
    for (int i = 0; i < effort; i++) spent = spent + 1;
    by = &aead;
    done.fetch_add(1);
  }
};

void post_and_finish(Workers& workers, int pieces) {
  std::vector<Counted*> works;
  for (int i = 0; i < pieces; i++) works.push_back(&workers.make<Counted>());
  for (Counted* work : works) workers.post(*work);
  for (Counted* work : works) workers.finish(*work);
  for (Counted* work : works) REQUIRE(work->done == 1);
}

}  // namespace

TEST_CASE("alone, the engine does what it finishes, posted or not") {
  Workers workers(1, "");
  CHECK(workers.count() == 1);
  CHECK_FALSE(workers.has_helpers());
  auto& work = workers.make<Counted>();
  workers.finish(work);
  CHECK(work.done == 1);
  workers.post(work);
  workers.finish(work);
  CHECK(work.done == 2);
  CHECK(work.by == &workers.aead());
}

TEST_CASE("every piece of work is done exactly once each time, by whoever takes it, and is done when finished") {
  for (const unsigned count : {2u, 3u, 8u}) {
    Workers workers(count, "");
    CHECK(workers.count() == count);
    std::vector<Counted*> works;
    for (int i = 0; i < 16; i++) {
      works.push_back(&workers.make<Counted>());
      works.back()->effort = i % 4 * 2000;
    }
    for (int round = 1; round <= 500; round++) {
      for (std::size_t i = 0; i + 1 < works.size(); i++) workers.post(*works[i]);
      for (Counted* work : works) {
        workers.finish(*work);
        REQUIRE(work->done == round);
        REQUIRE(work->by != nullptr);
      }
    }
  }
}

TEST_CASE("helpers begin with what is posted before it is finished") {
  Workers workers(3, "");
  auto& first = workers.make<Counted>();
  auto& second = workers.make<Counted>();
  // Awaited: nobody asks for their end, so only helpers can have done them.
  workers.post(first);
  workers.post(second);
  while (first.done == 0 || second.done == 0) std::this_thread::yield();
  CHECK(first.by != &workers.aead());
  CHECK(second.by != &workers.aead());
  workers.finish(first);
  workers.finish(second);
  CHECK(first.done == 1);
  CHECK(second.done == 1);
}

TEST_CASE("more work than the queue holds is done all the same") {
  Workers workers(2, "");
  post_and_finish(workers, 300);
}

// What the address sanitizer looks at: with the last piece finished, helpers are still emptying the queue.
TEST_CASE("helpers that are late find what they took from the queue") {
  for (int round = 0; round < 50; round++) {
    Workers workers(4, "");
    post_and_finish(workers, 60);
  }
}

TEST_CASE("as many workers as are allowed are had, and one more is an error that says how many may be") {
  CHECK(Workers(kWorkersMax, "").count() == kWorkersMax);
  CHECK_THROWS_WITH_AS(Workers(kWorkersMax + 1, ""), "65 workers: must be 0 to 64", std::invalid_argument);
}

TEST_CASE("left to itself, the engine has one worker on two processors or less, and one for each on more") {
  cpu_set_t all;
  REQUIRE(::sched_getaffinity(0, sizeof all, &all) == 0);
  cpu_set_t some;
  CPU_ZERO(&some);
  for (std::size_t i = 0; i < CPU_SETSIZE; i++) {
    if (!CPU_ISSET(i, &all)) continue;
    CPU_SET(i, &some);
    REQUIRE(::sched_setaffinity(0, sizeof some, &some) == 0);
    const unsigned processors = static_cast<unsigned>(CPU_COUNT(&some));
    CHECK(Workers::default_count() == (processors <= 2 ? 1 : std::min(processors, kWorkersMax)));
    CHECK(Workers(0, "").count() == Workers::default_count());
  }
  REQUIRE(::sched_setaffinity(0, sizeof all, &all) == 0);
}

TEST_CASE("an AEAD that is not there is an error that names it") {
  CHECK_THROWS_WITH_AS(Workers(1, "rot13"), "AEAD 'rot13': there is none of this name here", std::invalid_argument);
}
