// One event (docs/control.md) as one aligned line for people: time, node, event, what happened, and why. Used by the
// daemon's text log, `starling watch` and the lab's merged convergence log, so that they read alike.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace starling::daemon {

struct EventTextOptions {
  enum class Clock : std::uint8_t {
    none,      // whoever reads this adds a time of his own (journald)
    wall,      // "12:00:00.123456", UTC
    relative,  // "+0.312456", seconds since zero_mono_ns
  };
  Clock clock = Clock::wall;
  std::int64_t zero_mono_ns = 0;
  std::size_t node_width = 0;  // columns of the node's name; 0 leaves the node out
  bool colour = false;
};

// Without a newline. Keys it does not know are printed as key=value; keys that are missing or of another type are left
// out, so any JSON object is fit to be shown.
std::string event_text(const nlohmann::ordered_json& event, const EventTextOptions& options);
std::string event_text(const nlohmann::json& event, const EventTextOptions& options);

}  // namespace starling::daemon
