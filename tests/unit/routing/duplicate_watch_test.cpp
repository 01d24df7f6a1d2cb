#include "routing/duplicate_watch.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

TEST_CASE("signs count as long as no pause between them is too long") {
  DuplicateWatch watch;
  Time now{0s};
  CHECK(watch.on_sign(now) == 1);
  CHECK(watch.on_sign(now += kDuplicateWindow) == 2);
  CHECK(watch.on_sign(now += kDuplicateWindow + 1ns) == 1);
}

TEST_CASE("a neighbour that restarts again and again is one machine") {
  LifeWatch watch;
  for (std::uint64_t life = 1; life <= 1000; life++) CHECK_FALSE(watch.on_life(Time{1000s}, life));
}

TEST_CASE("a Hello of the former life that arrives late is no second machine") {
  LifeWatch watch;
  CHECK_FALSE(watch.on_life(Time{1000s}, 1));
  CHECK_FALSE(watch.on_life(Time{1001s}, 2));
  CHECK_FALSE(watch.on_life(Time{1001s}, 1));
  CHECK_FALSE(watch.on_life(Time{1001s}, 2));
}

TEST_CASE("two lives that take turns are two machines") {
  LifeWatch watch;
  int changes = 0;
  bool two = false;
  while (!two && changes < 100) two = watch.on_life(Time{1000s + std::chrono::seconds(changes)}, 1 + changes++ % 2);
  CHECK(changes == 2 + static_cast<int>(kDuplicateSigns));
}
