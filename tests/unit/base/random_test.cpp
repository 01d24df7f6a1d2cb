#include "base/random.h"

#include <doctest/doctest.h>

#include <array>

#include "base/system.h"
#include "base/time.h"

using namespace starling;

TEST_CASE("the same seed gives the same bytes, another seed gives others") {
  SeededRandom a(1), b(1), c(2);
  std::array<std::uint8_t, 37> from_a{}, from_b{}, from_c{};
  a.fill(from_a);
  b.fill(from_b);
  c.fill(from_c);
  CHECK(from_a == from_b);
  CHECK(from_a != from_c);
}

TEST_CASE("below stays below its bound and reaches all of it") {
  SeededRandom random(3);
  std::array<int, 5> seen{};
  for (int i = 0; i < 1000; i++) seen.at(random.below(5))++;
  for (const int count : seen) CHECK(count > 100);
  CHECK(random.below(0) == 0);
}

TEST_CASE("the system's clocks and randomness are real") {
  const Now first = system_now();
  const Now second = system_now();
  CHECK(second.monotonic >= first.monotonic);
  CHECK(first.wall > WallTime(std::chrono::hours(24 * 365 * 50)));  // after 2020
  SystemRandom random;
  CHECK(random.u64() != random.u64());
}
