// How much an event matters. `log.level` lets through events of that level and above.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace starling::daemon {

enum class EventLevel : std::uint8_t { debug, info, warning, error };

const char* to_string(EventLevel level);  // "debug", "info", "warning", "error"
std::optional<EventLevel> parse_event_level(std::string_view name);

}  // namespace starling::daemon
