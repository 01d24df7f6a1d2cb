// Numbers as people read them: spans of time, amounts of data, moments. Pure; no locale.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace starling::daemon {

// The two largest units that matter: "850 us", "12.3 ms", "3.2 s", "4 min 10 s", "2 h 5 min", "3 d 4 h".
std::string format_duration(Duration span);

// "812 B", "1.5 KiB", "20.4 MiB": powers of 1024, as `wg show` prints them.
std::string format_bytes(std::uint64_t bytes);

// "2026-01-31T12:00:00.123456Z", always UTC, always microseconds.
std::string format_wall_time(WallTime moment);

// The inverse of format_wall_time; nothing for any other form.
std::optional<WallTime> parse_wall_time(std::string_view text);

}  // namespace starling::daemon
