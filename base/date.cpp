#include "base/date.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

namespace starling {

namespace {

constexpr std::uint64_t kSecondsPerDay = 86400;

// Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back (std::chrono's own, C++20).
std::chrono::sys_days days_of(std::uint64_t seconds) {
  return std::chrono::sys_days(std::chrono::days(static_cast<std::int64_t>(seconds / kSecondsPerDay)));
}

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

std::string date_text(std::uint64_t seconds) {
  const std::chrono::year_month_day date(days_of(seconds));
  const auto rest = static_cast<unsigned>(seconds % kSecondsPerDay);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02u:%02u:%02uZ", int(date.year()), unsigned(date.month()),
                unsigned(date.day()), rest / 3600, rest / 60 % 60, rest % 60);
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
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::uint64_t midnight = static_cast<std::uint64_t>(days) * kSecondsPerDay;
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
