#include "base/random.h"

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <set>

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

TEST_CASE("no byte of the system's randomness is handed out twice, in small draws or large") {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; i++) {
    CHECK(seen.insert(random.u64()).second);
    std::array<std::uint8_t, 32> large{};
    random.fill(large);
    for (std::size_t at = 0; at < large.size(); at += 8) {
      std::uint64_t part = 0;
      std::memcpy(&part, large.data() + at, sizeof part);
      CHECK(seen.insert(part).second);
    }
    random.fill({});
    CHECK(seen.insert(std::uint64_t{random.u32()} << 32 | random.u32()).second);
  }
}
