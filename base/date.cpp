#include "base/date.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace starling {

namespace {

// `size` decimal digits at `at`.
std::optional<unsigned> digits(std::string_view text, std::size_t at, std::size_t size) {
  if (at + size > text.size()) return std::nullopt;
  unsigned value = 0;
  const char* const first = text.data() + at;
  const auto [end, error] = std::from_chars(first, first + size, value);
  if (error != std::errc() || end != first + size) return std::nullopt;
  return value;
}

}  // namespace

std::string date_text(std::int64_t seconds) {
  const std::chrono::sys_seconds moment{std::chrono::seconds(seconds)};
  const auto midnight = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(midnight);
  const std::chrono::hh_mm_ss time(moment - midnight);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", int(date.year()), unsigned(date.month()),
                unsigned(date.day()), int(time.hours().count()), int(time.minutes().count()),
                int(time.seconds().count()));
  return text.data();
}

std::optional<std::uint64_t> parse_date(std::string_view text) {
  const bool with_time = text.size() == 20;
  if (!with_time && text.size() != 10) return std::nullopt;
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  if (!year || !month || !day || text[4] != '-' || text[7] != '-' || *year < 1970) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)), std::chrono::month(*month),
                                         std::chrono::day(*day)};
  if (!date.ok()) return std::nullopt;
  const std::chrono::sys_seconds day_begins = std::chrono::sys_days(date);
  const auto midnight = static_cast<std::uint64_t>(day_begins.time_since_epoch().count());
  if (!with_time) return midnight;
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  if (!hour || !minute || !second || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z' ||
      *hour > 23 || *minute > 59 || *second > 59)
    return std::nullopt;
  return midnight + *hour * 3600u + *minute * 60u + *second;
}

}  // namespace starling
