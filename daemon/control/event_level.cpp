#include "daemon/control/event_level.h"

namespace starling::daemon {

const char* to_string(EventLevel level) {
  switch (level) {
    case EventLevel::debug: return "debug";
    case EventLevel::info: return "info";
    case EventLevel::warning: return "warning";
    case EventLevel::error: return "error";
  }
  return "";
}

std::optional<EventLevel> parse_event_level(std::string_view name) {
  for (const EventLevel level : {EventLevel::debug, EventLevel::info, EventLevel::warning, EventLevel::error}) {
    if (name == to_string(level)) return level;
  }
  return std::nullopt;
}

}  // namespace starling::daemon
