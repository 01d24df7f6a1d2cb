#include "daemon/control/event_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "daemon/control/event_level.h"
#include "daemon/control/format.h"
#include "daemon/control/style.h"

namespace starling::daemon {

using Event = nlohmann::ordered_json;

namespace {

constexpr std::size_t kNameWidth = 19;  // the longest of docs/control.md

// One value as people read it; empty for null.
std::string text_of(const Event& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return printable(value.get_ref<const std::string&>());
  if (value.is_array()) {
    std::string list;
    for (const Event& element : value) list += (list.empty() ? "" : ", ") + text_of(element);
    return list;
  }
  return printable(value.dump(-1, ' ', false, Event::error_handler_t::replace));
}

std::string field(const Event& event, const char* key) {
  const auto found = event.find(key);
  return found == event.end() ? std::string{} : text_of(*found);
}

// `text` with its surroundings, or nothing where it is empty.
std::string around(std::string_view before, const std::string& text, std::string_view after = "") {
  return text.empty() ? std::string{} : fmt::format("{}{}{}", before, text, after);
}

std::string microseconds_of(const Event& event, const char* key) {
  const auto found = event.find(key);
  if (found == event.end() || !found->is_number()) return {};
  // Beyond a day it is no duration of ours; the bound keeps the conversion defined.
  const double us = std::min(std::max(found->get<double>(), 0.0), 86'400e6);
  return format_duration(Duration(static_cast<std::int64_t>(us * 1e3)));
}

std::string counted(const Event& event, const char* key, std::string_view one, std::string_view many) {
  const std::string count = field(event, key);
  return count.empty() ? count : fmt::format("{} {}", count, count == "1" ? one : many);
}

// "b/0 #1769860800123456"
std::string announcement(const Event& holder) {
  return field(holder, "origin") + around("/", field(holder, "fragment")) + around(" #", field(holder, "sequence"));
}

std::string paint_state(const std::string& state, bool colour) {
  if (state == "Full") return paint(state, Style::green, colour);
  if (state == "Down") return paint(state, Style::red, colour);
  return state;
}

std::string daemon_text(const Event& event, bool) {
  return around("", field(event, "interface")) + around(" starling ", field(event, "version")) +
         around(", ", field(event, "aead"), " encrypts") + around(": ", field(event, "reason"));
}

std::string session_text(const Event& event, bool) {
  const std::string initiator = field(event, "initiator");
  const char* const who = initiator == "true" ? ", which answered us" : initiator == "false" ? ", which called us" : "";
  return around("with ", field(event, "neighbor"), who);
}

std::string tunnel_endpoint_text(const Event& event, bool) {
  return field(event, "neighbor") + around(" is at ", field(event, "endpoint"));
}

std::string unreachable_text(const Event& event, bool) {
  return field(event, "neighbor") + around(" at ", field(event, "endpoint")) + around(": ", field(event, "hint")) +
         around(" (", field(event, "meaning")) + around(", says ", field(event, "from")) + ")";
}

std::string neighbor_text(const Event& event, bool colour) {
  return field(event, "neighbor") + around("  ", paint_state(field(event, "from"), colour), " -> ") +
         paint_state(field(event, "to"), colour) + around("  (", field(event, "reason"), ")");
}

std::string suspect_text(const Event& event, bool) {
  const auto suspect = event.find("suspect");
  const bool is_suspect = suspect != event.end() && *suspect == true;
  return field(event, "neighbor") + (is_suspect ? "  suspect: " : "  trusted again: ") + field(event, "reason");
}

std::string grey_text(const Event& event, bool) {
  return field(event, "neighbor") + around("  ", field(event, "reason")) +
         around(", ", field(event, "loss_permille"), " thousandths") + around(": ", field(event, "hint"));
}

std::string healed_text(const Event& event, bool) {
  return field(event, "neighbor") + around("  no longer ", field(event, "reason"));
}

std::string lsa_text(const Event& event, bool) {
  return announcement(event) + around(" of node ", field(event, "node_id")) +
         around(" from ", field(event, "neighbor")) + around(": ", field(event, "reason")) +
         around(" (", field(event, "hint"), ")") +
         around(" (", counted(event, "hidden", "more was not shown", "more were not shown"), ")");
}

std::string duplicate_text(const Event& event, bool) {
  return field(event, "origin") + around(" seen through ", field(event, "neighbor")) +
         around(": ", field(event, "reason")) + around(" (", field(event, "hint"), ")");
}

std::string spf_text(const Event& event, bool) {
  return around("", field(event, "kind"), ": ") + counted(event, "reached", "node", "nodes") +
         around(" in ", microseconds_of(event, "duration_us"));
}

std::string swap_text(const Event& event, bool) {
  return counted(event, "groups", "group", "groups") + around(", ", counted(event, "prefixes", "prefix", "prefixes")) +
         around(" in ", microseconds_of(event, "duration_us"));
}

std::string route_text(const Event& event, bool) {
  return field(event, "prefix") + around(" via ", field(event, "next_hops")) +
         around("  metric ", field(event, "metric")) + around("  from ", field(event, "origins")) +
         around(" of ", field(event, "origin")) + around(": ", field(event, "reason"));
}

std::string grant_text(const Event& event, bool) {
  const std::string name = field(event, "origin");
  const std::string node = field(event, "node_id");
  const bool is_named = !name.empty() && !node.starts_with(name);
  return (is_named ? name + around(" (", node, ")") : node) + around(" #", field(event, "serial")) +
         around(" from ", field(event, "neighbor")) + around(" ends on ", field(event, "until")) +
         around(": ", field(event, "reason")) + around(": ", field(event, "remedy"));
}

std::string finding_text(const Event& event, bool) {
  const std::string inside = field(event, "inside");
  const std::string other = field(event, "other");
  return field(event, "prefix") + around(" of ", field(event, "origin")) +
         (inside.empty() ? around(" and of ", other) : around(" lies inside ", inside) + around(" of ", other)) +
         around(" (", counted(event, "hidden", "more is not shown", "more are not shown"), ")");
}

std::string drop_text(const Event& event, bool) {
  return counted(event, "count", "packet", "packets") + around(" with ", field(event, "neighbor")) +
         around(", ", field(event, "source")) + around(": ", field(event, "reason")) +
         around(" (", field(event, "hint"), ")");
}

std::string forwarding_text(const Event& event, bool) {
  return around("", field(event, "family"), " is not forwarded by the kernel") + around(", ", field(event, "reason")) +
         around(": ", field(event, "remedy"));
}

std::string transit_text(const Event& event, bool) {
  const std::string reason = field(event, "reason");
  const char* const way = reason.empty() ? " takes the engine's fast path" : " takes the kernel's way: ";
  return around("", field(event, "family"), way) + around("", field(event, "chain"), ": ") + reason +
         around(" (", field(event, "remedy"), ")");
}

std::string underlay_text(const Event& event, bool) {
  return field(event, "prefix") + around(" covers the endpoint ", field(event, "endpoint")) +
         around(", mesh routes in table ", field(event, "table"));
}

std::string resolve_text(const Event& event, bool) {
  return field(event, "neighbor") + around(" ", field(event, "host")) + around(" is at ", field(event, "endpoint")) +
         around(": ", field(event, "reason"));
}

std::string lost_text(const Event& event, bool) {
  return counted(event, "count", "event was lost", "events were lost") + ", this reader is too slow";
}

// key=value of whatever the event has of its own.
std::string other_text(const Event& event, bool) {
  static constexpr std::array<std::string_view, 6> kEnvelope{"time", "mono_ns", "node", "event", "level", "cause"};
  std::string text;
  for (const auto& [key, value] : event.items()) {
    if (std::find(kEnvelope.begin(), kEnvelope.end(), key) != kEnvelope.end()) continue;
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", printable(key), text_of(value));
  }
  return text;
}

using Describe = std::string (*)(const Event&, bool colour);
constexpr auto kDescriptions = std::to_array<std::pair<std::string_view, Describe>>({
    {"daemon.start", daemon_text},
    {"daemon.ready", daemon_text},
    {"daemon.stop", daemon_text},
    {"tunnel.session", session_text},
    {"tunnel.endpoint", tunnel_endpoint_text},
    {"tunnel.unreachable", unreachable_text},
    {"neighbor.state", neighbor_text},
    {"neighbor.suspect", suspect_text},
    {"link.grey", grey_text},
    {"link.healed", healed_text},
    {"lsa.originate", lsa_text},
    {"lsa.accept", lsa_text},
    {"lsa.withdraw", lsa_text},
    {"lsa.expire", lsa_text},
    {"lsa.reject", lsa_text},
    {"sequence.jump", lsa_text},
    {"identity.duplicate", duplicate_text},
    {"spf.run", spf_text},
    {"egress.swap", swap_text},
    {"route.install", route_text},
    {"route.remove", route_text},
    {"route.refused", route_text},
    {"route.restored", route_text},
    {"grant.accept", grant_text},
    {"grant.expire", grant_text},
    {"grant.missing", grant_text},
    {"grant.ends_soon", grant_text},
    {"prefix.duplicate", finding_text},
    {"prefix.more_specific", finding_text},
    {"drop.source", drop_text},
    {"drop.destination", drop_text},
    {"drop.tunnel", drop_text},
    {"drop.control", drop_text},
    {"forwarding.disabled", forwarding_text},
    {"transit.fast", transit_text},
    {"transit.slow", transit_text},
    {"transit.firewall", transit_text},
    {"underlay.protected", underlay_text},
    {"underlay.released", underlay_text},
    {"endpoint.resolved", resolve_text},
    {"endpoint.unresolved", resolve_text},
    {"watch.lost", lost_text},
    {"log.lost", lost_text},
    {"", other_text},
});

Describe description_of(std::string_view name) {
  for (const auto& [known, describe] : kDescriptions) {
    if (known == name) return describe;
  }
  return other_text;
}

std::string cause_text(const Event& event) {
  const auto cause = event.find("cause");
  if (cause == event.end() || !cause->is_object()) return {};
  const std::string kind = field(*cause, "kind");
  if (kind == "announcement") {
    // An event about an announcement need not name the same one twice.
    const std::string name = announcement(*cause);
    return name == announcement(event) ? std::string{} : name;
  }
  if (kind == "neighbor") {
    const std::string neighbor = field(*cause, "neighbor");
    return neighbor == field(event, "neighbor") ? std::string{} : neighbor;
  }
  return kind == "timer" ? kind : std::string{};
}

std::string clock_text(const Event& event, const EventTextOptions& options) {
  if (options.clock == EventTextOptions::Clock::relative) {
    const auto mono = event.find("mono_ns");
    if (mono == event.end() || !mono->is_number_integer()) return {};
    const double seconds = static_cast<double>(mono->get<std::int64_t>() - options.zero_mono_ns) / 1e9;
    return fmt::format("{:+11.6f}", seconds);
  }
  const std::string time = field(event, "time");
  // Of a well-formed time only the part within a day; people who need the date have --json.
  return time.size() == 27 ? time.substr(11, 15) : time;
}

Style style_of(const std::string& level) {
  if (level == to_string(EventLevel::error)) return Style::red;
  if (level == to_string(EventLevel::warning)) return Style::yellow;
  if (level == to_string(EventLevel::debug)) return Style::dim;
  return Style::cyan;
}

// Painted, and padded to `width` by what it shows.
std::string column(const std::string& text, std::size_t width, Style style, bool colour) {
  const std::size_t shown = display_width(text);
  return paint(text, style, colour) + std::string(shown < width ? width - shown : 0, ' ') + "  ";
}

}  // namespace

std::string event_text(const Event& event, const EventTextOptions& options) {
  if (!event.is_object()) return text_of(event);
  const std::string name = field(event, "event");
  const std::string level = field(event, "level");
  std::string line;
  if (options.clock != EventTextOptions::Clock::none) {
    line += column(clock_text(event, options), 0, Style::dim, options.colour);
  }
  if (options.node_width > 0) line += column(field(event, "node"), options.node_width, Style::bold, options.colour);
  line += column(name, kNameWidth, style_of(level), options.colour);
  if (level == to_string(EventLevel::error)) line += paint("error: ", Style::red, options.colour);
  line += description_of(name)(event, options.colour);
  const std::string cause = cause_text(event);
  if (!cause.empty()) line += paint("  <- " + cause, Style::dim, options.colour);
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string event_text(const nlohmann::json& event, const EventTextOptions& options) {
  return event_text(Event(event), options);
}

}  // namespace starling::daemon
