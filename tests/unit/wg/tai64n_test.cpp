#include "wg/protocol/tai64n.h"

#include "base/key.h"
#include "doctest/doctest.h"

using namespace starling;
using namespace starling::wg;
using namespace std::chrono_literals;

TEST_CASE("a TAI64N timestamp is 2^62 + 10 and the Unix seconds, then nanoseconds without their low 24 bits") {
  CHECK(to_hex(Tai64n::at(WallTime(0s)).bytes) == "400000000000000a00000000");
  CHECK(to_hex(Tai64n::at(WallTime(1'700'000'000s + 999'999'999ns)).bytes) == "400000006553f10a3b000000");
  CHECK(to_hex(Tai64n::at(WallTime(0x123456ns)).bytes) == "400000000000000a00000000");
  CHECK(to_hex(Tai64n::at(WallTime(0x1fffffens)).bytes) == "400000000000000a01000000");
}

TEST_CASE("the next timestamp is greater by one step, and carries into the seconds") {
  const Tai64n first = Tai64n::at(WallTime(5s));
  CHECK(to_hex(first.next().bytes) == "400000000000000f01000000");
  CHECK(first.next() > first);
  const Tai64n last_of_second = Tai64n::at(WallTime(5s + 999'999'999ns));
  CHECK(last_of_second.next() == Tai64n::at(WallTime(6s)));
  CHECK(Tai64n::at(WallTime(6s)) > last_of_second);
}
