#include "base/date.h"

#include <doctest/doctest.h>

using namespace starling;

TEST_CASE("dates are written and read in UTC, and days that do not exist are none") {
  CHECK(date_text(0) == "1970-01-01T00:00:00Z");
  CHECK(date_text(1'800'000'000) == "2027-01-15T08:00:00Z");
  CHECK(parse_date("2027-01-15T08:00:00Z") == 1'800'000'000);
  CHECK(parse_date("2028-02-29") == 1'835'395'200);
  constexpr std::uint64_t kLast = 253402'300'799;  // of what has four digits for its year
  CHECK(date_text(kLast) == "9999-12-31T23:59:59Z");
  CHECK(parse_date(date_text(kLast)) == kLast);
  for (const char* text : {"", "2027", "2027-02-29", "2027-13-01", "2027-1-1", "1969-12-31", "2027-01-15 08:00:00",
                           "2027-01-15T24:00:00Z", "2027-01-15T08:00:00", "27-01-15"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_date(text));
  }
}
