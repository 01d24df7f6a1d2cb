#include "daemon/control/format.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::daemon;
using namespace std::chrono_literals;

TEST_CASE("A span of time is told in the units that a person would use") {
  CHECK(format_duration(0ns) == "0 ns");
  CHECK(format_duration(999ns) == "999 ns");
  CHECK(format_duration(850us) == "850 us");
  CHECK(format_duration(12345us) == "12.3 ms");
  CHECK(format_duration(150ms) == "150 ms");
  CHECK(format_duration(3200ms) == "3.2 s");
  CHECK(format_duration(250s) == "4 min 10 s");
  CHECK(format_duration(4min) == "4 min");
  CHECK(format_duration(2h + 5min) == "2 h 5 min");
  CHECK(format_duration(76h) == "3 d 4 h");
  CHECK(format_duration(-3200ms) == "-3.2 s");
}

TEST_CASE("A span of time never rounds up into sixty seconds or a thousand milliseconds") {
  CHECK(format_duration(99'949us) == "99.9 ms");
  CHECK(format_duration(99'960us) == "100 ms");
  CHECK(format_duration(999'600us) == "1.0 s");
  CHECK(format_duration(59'940ms) == "59.9 s");
  CHECK(format_duration(59'960ms) == "1 min");
  CHECK(format_duration(1h - 200ms) == "1 h");
}

TEST_CASE("The shortest and the longest span can be told") {
  CHECK(format_duration(Duration::max()) == "106751 d 23 h");
  CHECK(format_duration(Duration::min()) == "-106751 d 23 h");
}

TEST_CASE("Bytes are told in powers of 1024") {
  CHECK(format_bytes(0) == "0 B");
  CHECK(format_bytes(1023) == "1023 B");
  CHECK(format_bytes(1536) == "1.5 KiB");
  CHECK(format_bytes(1024 * 1024 - 1) == "1.0 MiB");
  CHECK(format_bytes(std::uint64_t{5} << 30) == "5.0 GiB");
  CHECK(format_bytes(~std::uint64_t{0}) == "16.0 EiB");
}

TEST_CASE("A moment is written in UTC with microseconds and reads back the same") {
  const WallTime moment{1769860800s + 123456us};
  CHECK(format_wall_time(moment) == "2026-01-31T12:00:00.123456Z");
  CHECK(parse_wall_time("2026-01-31T12:00:00.123456Z") == moment);
  CHECK(format_wall_time(WallTime{-1us}) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("What is no moment of this form is not read as one") {
  for (const char* text : {"", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123456", "2026-02-30T12:00:00.123456Z",
                           "2026-01-31 12:00:00.123456Z", "2026-01-31T12:00:00.12345xZ"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_wall_time(text));
  }
}
