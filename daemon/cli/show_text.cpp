#include "daemon/cli/show_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemon/control/drop_hints.h"
#include "daemon/control/format.h"
#include "daemon/control/grey_hints.h"
#include "daemon/control/table.h"

namespace starling::daemon {

using nlohmann::json;

namespace {

constexpr auto kRight = Column::Align::right;

// The member, or null where there is none.
const json& member(const json& row, const char* key) {
  static const json kNull;
  const auto found = row.find(key);
  return found == row.end() ? kNull : *found;
}

std::string text(const json& value, std::string_view none = "") {
  if (value.is_null()) return std::string(none);
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    std::string list;
    for (const json& element : value) list += (list.empty() ? "" : ", ") + text(element);
    return list;
  }
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string text(const json& row, const char* key, std::string_view none = "") {
  return text(member(row, key), none);
}

std::uint64_t number(const json& row, const char* key) {
  const json& value = member(row, key);
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

bool flag(const json& row, const char* key) {
  return member(row, key) == true;
}

// A span that the view gives as a count of `unit`; `none` where it is null.
std::string span(const json& row, const char* key, Duration unit, std::string_view none = "-") {
  const json& value = member(row, key);
  if (!value.is_number_integer()) return std::string(none);
  // A century is the longest that is shown; more would not fit a Duration either.
  constexpr Duration kCentury = std::chrono::hours(24) * 36525;
  const std::int64_t count = std::clamp<std::int64_t>(value.get<std::int64_t>(), 0, kCentury / unit);
  if (count == 0)
    return unit >= std::chrono::seconds(1) ? "0 s" : unit >= std::chrono::milliseconds(1) ? "0 ms" : "0 us";
  return format_duration(unit * count);
}

std::string counted(std::size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// A metric of 2^24 - 1 is taken where there is no other way (docs/protocol.md).
std::string metric_text(const json& row, const char* key) {
  constexpr std::uint64_t kLastResort = 0xffffff;
  if (number(row, key) == kLastResort) return "last resort";
  return text(row, key, "-") + (flag(row, "manual") ? " set" : "");
}

std::string grey_text(const json& row) {
  const std::string reason = text(row, "grey");
  return fmt::format("grey: {}: {}", reason, grey_hint(reason, number(row, "carried_bytes")));
}

Style state_style(const std::string& state) {
  if (state == "Full") return Style::green;
  return state == "Down" ? Style::red : Style::yellow;
}

std::string neighbors_text(const json& view, bool colour) {
  if (view.empty()) return "no neighbours are configured\n";
  Table table({{"NEIGHBOR"},
               {"STATE"},
               {"SINCE", kRight},
               {"COST", kRight},
               {"RTT", kRight},
               {"DETECTION", kRight},
               {"LOST", kRight},
               {"ENDPOINT"}});
  std::size_t full = 0;
  for (const json& row : view) {
    const std::string state = text(row, "state");
    if (state == "Full") ++full;
    const bool suspect = row.is_object() && row.value("suspect", json()) == json(true);
    table.add_row({{text(row, "name"), Style::bold},
                   {suspect ? state + ", suspect" : state, state_style(state)},
                   span(row, "since_ms", std::chrono::milliseconds(1)),
                   metric_text(row, "cost"),
                   span(row, "rtt_us", std::chrono::microseconds(1)),
                   span(row, "detection_ms", std::chrono::milliseconds(1)),
                   text(row, "times_down", "-"),
                   text(row, "endpoint", "-")});
    if (!member(row, "grey").is_null()) table.add_note(grey_text(row), Style::yellow);
    if (!member(row, "obstacle").is_null()) table.add_note("not Full: " + text(row, "obstacle"), Style::yellow);
  }
  return table.render(colour) + fmt::format("{}, {} Full\n", counted(view.size(), "neighbour", "neighbours"), full);
}

// What the reason of a refusal means (routing::ImportVerdict), and what would be right.
std::string_view refusal_hint(std::string_view reason) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kHints{{
      {"not_granted", "the network's key has not granted it to that node"},
      {"not_in_accept", "no pattern of `accept` matches"},
      {"default_not_named", "a default route is used only if `accept` names it"},
      {"inside_connected", "inside a subnet that is directly connected here; used only if `accept` names it"},
      {"own_prefix", "announced here as well"},
  }};
  for (const auto& [known, hint] : kHints) {
    if (known == reason) return hint;
  }
  return reason;
}

std::string refusal(const json& row, const char* key) {
  const std::string reason = text(row, key);
  const std::string_view hint = refusal_hint(reason);
  return hint == reason ? reason : fmt::format("{} ({})", reason, hint);
}

Style status_style(const std::string& status) {
  if (status == "installed") return Style::green;
  if (status == "refused") return Style::yellow;
  return status == "unreachable" || status == "failed" ? Style::red : Style::plain;
}

// How many of the routes to others would not wait for detection, flooding and computation if their next hop failed.
std::string coverage_text(const json& view) {
  int all = 0, equal = 0, node = 0, link = 0;
  for (const json& row : view) {
    if (text(row, "status") != "installed") continue;
    all++;
    const std::string kind = text(row, "backup_kind");
    if (member(row, "next_hops").size() > 1) {
      equal++;
    } else if (kind == "node") {
      node++;
    } else if (kind == "link") {
      link++;
    }
  }
  if (all == 0) return "";
  return fmt::format(
      "{} of {} installed have another way ready: {} by equal next hops, {} around the next hop, {} around the link to "
      "it\n",
      equal + node + link, all, equal, node, link);
}

std::string routes_text(const json& view, bool colour) {
  if (view.empty()) return "no routes\n";
  Table table({{"PREFIX"}, {"VIA"}, {"BACKUP"}, {"METRIC", kRight}, {"FROM"}, {"STATUS"}, {"REASON"}});
  for (const json& row : view) {
    const std::string status = text(row, "status");
    table.add_row({{text(row, "prefix"), Style::bold},
                   text(row, "next_hops"),
                   text(row, "backup") + (text(row, "backup_kind") == "link" ? " (link)" : ""),
                   text(row, "metric"),
                   text(row, "origins"),
                   {status, status_style(status)},
                   member(row, "reason").is_null() ? Cell(text(row, "note")) : Cell(refusal(row, "reason"))});
  }
  return table.render(colour) + coverage_text(view);
}

std::string links_text(const json& links) {
  std::string list;
  for (const json& link : links) {
    list += fmt::format("{}{} {}{}", list.empty() ? "" : ", ", text(link, "neighbor"), metric_text(link, "metric"),
                        flag(link, "two_way") ? "" : " (one way)");
  }
  return list;
}

std::string prefixes_text(const json& prefixes) {
  std::string list;
  for (const json& announced : prefixes) {
    const std::string verdict = text(announced, "verdict");
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", text(announced, "prefix"),
                        verdict == "accepted" || verdict.empty() ? "" : fmt::format(" ({})", verdict));
  }
  return list;
}

std::string lsdb_text(const json& view, bool colour) {
  if (view.empty()) return "the database is empty\n";
  Table table({{"ORIGIN"}, {"FRAGMENT", kRight}, {"SEQUENCE", kRight}, {"LIVES", kRight}, {"REACHABLE"}, {"TRANSIT"}});
  for (const json& row : view) {
    const bool reachable = flag(row, "reachable");
    table.add_row({{text(row, "origin"), Style::bold},
                   text(row, "fragment"),
                   text(row, "sequence"),
                   span(row, "remaining_s", std::chrono::seconds(1)),
                   {reachable ? "yes" : "no", reachable ? Style::green : Style::red},
                   flag(row, "drained")   ? "drained"
                   : flag(row, "transit") ? "yes"
                                          : "no"});
    if (!member(row, "links").empty()) table.add_note("links     " + links_text(member(row, "links")), Style::plain);
    if (!member(row, "prefixes").empty()) {
      table.add_note("prefixes  " + prefixes_text(member(row, "prefixes")), Style::plain);
    }
  }
  return table.render(colour) + counted(view.size(), "announcement", "announcements") + '\n';
}

Style grant_style(const std::string& state) {
  if (state == "member") return Style::green;
  return state == "revoked" ? Style::red : Style::plain;
}

std::string grants_text(const json& view, bool colour) {
  if (view.empty()) return "no grants are known (see `network_key`, `starling grant --help`)\n";
  Table table({{"NODE"}, {"NAME"}, {"STATE"}, {"UNTIL"}, {"PREFIXES"}});
  for (const json& row : view) {
    const std::string state = text(row, "state");
    table.add_row({{text(row, "node").substr(0, 8), Style::bold},
                   text(row, "name", "-"),
                   {state, grant_style(state)},
                   text(row, "until"),
                   text(row, "prefixes", "-")});
  }
  return table.render(colour) + counted(view.size(), "grant", "grants") + '\n';
}

void add_drop_notes(Table& table, const json& row) {
  const json& drops = member(row, "drops");
  if (!drops.is_object()) return;
  for (const auto& [reason, count] : drops.items()) {
    const std::string hint = drop_hint(reason, text(row, "endpoint"));
    table.add_note(fmt::format("dropped {}: {}{}", text(count), reason, hint.empty() ? "" : ": " + hint),
                   Style::yellow);
  }
}

void add_tunnel(Table& table, const json& row) {
  const std::string handshake = span(row, "last_handshake_s", std::chrono::seconds(1), "");
  table.add_row({{text(row, "name"), Style::bold},
                 text(row, "endpoint", "-"),
                 handshake.empty() ? Cell("never", Style::yellow) : Cell(handshake + " ago"),
                 format_bytes(number(row, "rx_bytes")),
                 format_bytes(number(row, "tx_bytes")),
                 flag(row, "routing") ? "yes" : "no"});
  if (const std::uint64_t unanswered = number(row, "unanswered_initiations"); unanswered > 0) {
    table.add_note(fmt::format("no answer to {} at {}: check endpoint, port and firewall",
                               counted(unanswered, "handshake initiation", "handshake initiations"),
                               text(row, "endpoint", "an endpoint that is not known")),
                   Style::yellow);
  }
  add_drop_notes(table, row);
}

std::string tunnels_text(const json& view, bool colour) {
  Table table({{"PEER"}, {"ENDPOINT"}, {"HANDSHAKE", kRight}, {"RECEIVED", kRight}, {"SENT", kRight}, {"ROUTING"}});
  Table strangers({{""}});
  for (const json& row : view) {
    if (!member(row, "name").is_null()) {
      add_tunnel(table, row);
    } else if (!member(row, "drops").empty()) {
      strangers.add_row({"of no known peer:"});
      add_drop_notes(strangers, row);
    }
  }
  std::string out = table.empty() ? "no peers are configured\n" : table.render(colour);
  // Its empty title row sets them apart.
  if (!strangers.empty()) out += strangers.render(colour);
  return out;
}

std::string egress_text(const json& view, bool colour) {
  if (view.empty()) return "the engine carries no prefix\n";
  Table table({{"PREFIX"}, {"VIA"}, {"BACKUP"}});
  for (const json& row : view) {
    table.add_row({{text(row, "prefix"), Style::bold}, text(row, "next_hops"), text(row, "backup")});
  }
  return table.render(colour);
}

std::string ingress_text(const json& view, bool colour) {
  if (view.empty()) return "the engine lets no source in\n";
  Table table({{"SOURCE"}, {"ALLOWED FROM"}});
  for (const json& row : view) table.add_row({{text(row, "prefix"), Style::bold}, text(row, "allowed", "-")});
  return table.render(colour);
}

std::string transit_text(const json& view, bool colour) {
  if (!flag(view, "offered")) return "others may not pass through this node (`transit` is false)\n";
  Table table({{"FAMILY"}, {"FAST PATH"}, {"PUNTS", kRight}, {"ERRORS FROM"}, {"REASON"}});
  for (const json& row : member(view, "families")) {
    const bool fast = flag(row, "fast_path");
    table.add_row({{text(row, "family"), Style::bold},
                   {fast ? "on" : "off", fast ? Style::green : Style::yellow},
                   fmt::format("{}", member(row, "punts").size()),
                   text(row, "source", "-"),
                   text(row, "reason")});
  }
  std::string out = table.render(colour);
  out += fmt::format("{} of the kernel {} watched\n", counted(number(view, "kernel_routes"), "route", "routes"),
                     number(view, "kernel_routes") == 1 ? "is" : "are");
  for (const json& chain : member(view, "dropping_chains"))
    out += fmt::format("the chain {} drops what no rule there accepts; it does not see what takes the fast path\n",
                       printable(text(chain)));
  return out;
}

std::string status_text(const json& view, bool colour) {
  std::string out;
  const auto line = [&](std::string_view title, const std::string& value) {
    out += paint(fmt::format("{:<12}", title), Style::bold, colour) + printable(value) + '\n';
  };
  line("node", fmt::format("{} ({})", text(view, "name"), text(view, "node")));
  line("public key", text(view, "public_key"));
  line("interface", fmt::format("{}, UDP port {}", text(view, "interface"), text(view, "listen_port")));
  line("version", text(view, "version"));
  line("up", span(view, "uptime_ms", std::chrono::milliseconds(1)));
  line("mesh", fmt::format("{} Full, {}, {}", counted(number(view, "neighbors_full"), "neighbour", "neighbours"),
                           counted(number(view, "lsas"), "announcement", "announcements"),
                           counted(number(view, "routes"), "route", "routes")));
  line("digest", text(view, "digest"));
  if (!member(view, "network_key").is_null()) {
    line("network", text(view, "network_key"));
    line("granted", text(view, "granted_until", "no: others do not take what this node announces"));
  }
  for (const json& duplicate : member(view, "duplicates")) {
    const std::string seen = span(duplicate, "last_ms", std::chrono::milliseconds(1)) + " ago";
    line("WARNING",
         flag(duplicate, "ourselves")
             ? "ANOTHER MACHINE USES THIS NODE'S KEY, seen through " + text(duplicate, "neighbor") + ' ' + seen
             : "TWO MACHINES USE THE KEY OF " + text(duplicate, "neighbor") + ", seen " + seen);
  }
  if (flag(view, "drained")) line("drained", "yes: others take it for a last resort until `starling undrain`");
  const json& statistics = member(view, "statistics");
  if (!statistics.is_object()) return out;
  for (const auto& [name, value] : statistics.items()) {
    std::string title = name;
    std::replace(title.begin(), title.end(), '_', ' ');
    out += fmt::format("  {:<20}  {:>12}\n", printable(title), text(value));
  }
  return out;
}

}  // namespace

std::string show_text(std::string_view what, const json& view, bool colour) {
  using Render = std::string (*)(const json&, bool);
  static constexpr std::array<std::pair<std::string_view, Render>, 9> kRenderers{{{"neighbors", neighbors_text},
                                                                                  {"routes", routes_text},
                                                                                  {"lsdb", lsdb_text},
                                                                                  {"grants", grants_text},
                                                                                  {"tunnels", tunnels_text},
                                                                                  {"egress", egress_text},
                                                                                  {"ingress", ingress_text},
                                                                                  {"transit", transit_text},
                                                                                  {"status", status_text}}};
  for (const auto& [name, render] : kRenderers) {
    if (name == what) return render(view, colour);
  }
  return text(view) + '\n';
}

}  // namespace starling::daemon
