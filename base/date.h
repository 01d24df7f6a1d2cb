// Dates as people write them, in UTC (RFC 3339): when a grant ends, when something happened.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace starling {

// Of seconds since 1970, or before it: "2027-01-31T00:00:00Z".
std::string date_text(std::int64_t seconds);
// Its inverse, which takes "2027-01-31" as the beginning of that day. Nothing if there is no such date, or if it is
// before 1970.
std::optional<std::uint64_t> parse_date(std::string_view text);

}  // namespace starling
