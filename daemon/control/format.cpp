#include "daemon/control/format.h"

#include <fmt/format.h>

#include <array>
#include <ctime>

#include "base/date.h"

namespace starling::daemon {

namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// "4 min 10 s", and "4 min" where the smaller part is zero.
std::string two_units(std::int64_t large, const char* large_unit, std::int64_t small, const char* small_unit) {
  if (small == 0) return fmt::format("{} {}", large, large_unit);
  return fmt::format("{} {} {} {}", large, large_unit, small, small_unit);
}

}  // namespace

std::string format_duration(Duration span) {
  if (span < Duration::zero()) {
    // The most negative value has no positive twin.
    return "-" + format_duration(span == Duration::min() ? Duration::max() : -span);
  }
  // Each limit is where the coarser form would begin to round up into its next unit.
  const auto ns = span.count();
  if (ns < 1'000) return fmt::format("{} ns", ns);
  if (ns < 1'000'000) return fmt::format("{} us", ns / 1'000);
  if (ns < 99'950'000) return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
  if (ns < 999'500'000) return fmt::format("{:.0f} ms", static_cast<double>(ns) / 1e6);
  if (ns < 59'950'000'000) return fmt::format("{:.1f} s", static_cast<double>(ns) / 1e9);
  const std::int64_t s = ns / 1'000'000'000 + (ns % 1'000'000'000 >= 500'000'000 ? 1 : 0);
  if (s < 3'600) return two_units(s / 60, "min", s % 60, "s");
  if (s < 86'400) return two_units(s / 3'600, "h", s / 60 % 60, "min");
  return two_units(s / 86'400, "d", s / 3'600 % 24, "h");
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  static constexpr std::array kUnits{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (amount >= 1023.95 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string format_wall_time(WallTime moment) {
  const auto whole = std::chrono::floor<seconds>(moment.time_since_epoch());
  const auto rest = std::chrono::duration_cast<microseconds>(moment.time_since_epoch() - whole);
  std::string text = date_text(whole.count());
  text.pop_back();  // the Z
  return fmt::format("{}.{:06}Z", text, rest.count());
}

std::optional<WallTime> parse_wall_time(std::string_view text) {
  static constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd.ddddddZ";
  if (text.size() != kShape.size()) return std::nullopt;
  std::array<std::int64_t, 7> fields{};
  std::size_t field = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kShape[i] != 'd') {
      if (text[i] != kShape[i]) return std::nullopt;
      ++field;
    } else {
      if (text[i] < '0' || text[i] > '9') return std::nullopt;
      fields[field] = fields[field] * 10 + (text[i] - '0');
    }
  }
  std::tm parts{};
  parts.tm_year = static_cast<int>(fields[0]) - 1900;
  parts.tm_mon = static_cast<int>(fields[1]) - 1;
  parts.tm_mday = static_cast<int>(fields[2]);
  parts.tm_hour = static_cast<int>(fields[3]);
  parts.tm_min = static_cast<int>(fields[4]);
  parts.tm_sec = static_cast<int>(fields[5]);
  const WallTime moment{seconds(timegm(&parts)) + microseconds(fields[6])};
  // timegm accepts the 99th of a month and moves on; such a date was never written by format_wall_time.
  if (format_wall_time(moment) != text) return std::nullopt;
  return moment;
}

}  // namespace starling::daemon
