#include "daemon/control/event_text.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace starling::daemon;
using nlohmann::ordered_json;

namespace {

ordered_json event(const char* name, const char* level, const ordered_json& fields,
                   const ordered_json& cause = {{"kind", "none"}}) {
  ordered_json all{{"time", "2026-01-31T12:00:00.123456Z"},
                   {"mono_ns", 5'312'456'789},
                   {"node", "a"},
                   {"event", name},
                   {"level", level}};
  if (!fields.empty()) all.insert(fields.begin(), fields.end());
  all["cause"] = cause;
  return all;
}

std::string text(const ordered_json& shown) {
  return event_text(shown, EventTextOptions{});
}

const ordered_json kAnnouncement{{"kind", "announcement"}, {"origin", "b"}, {"fragment", 0}, {"sequence", 77}};

}  // namespace

TEST_CASE("Each event reads as one aligned line") {
  CHECK(text(event("neighbor.state", "warning",
                   {{"neighbor", "b"}, {"from", "Full"}, {"to", "Down"}, {"reason", "silence"}},
                   {{"kind", "neighbor"}, {"neighbor", "b"}})) ==
        "12:00:00.123456  neighbor.state       b  Full -> Down  (silence)");
  CHECK(text(event("lsa.accept", "debug", {{"origin", "b"}, {"fragment", 0}, {"sequence", 77}, {"neighbor", "c"}},
                   kAnnouncement)) == "12:00:00.123456  lsa.accept           b/0 #77 from c");
  CHECK(text(event("spf.run", "debug", {{"kind", "full"}, {"reached", 4}, {"duration_us", 35}}, kAnnouncement)) ==
        "12:00:00.123456  spf.run              full: 4 nodes in 35 us  <- b/0 #77");
  CHECK(
      text(event("egress.swap", "info", {{"groups", 1}, {"prefixes", 0}, {"duration_us", 12}}, {{"kind", "timer"}})) ==
      "12:00:00.123456  egress.swap          1 group, 0 prefixes in 12 us  <- timer");
  CHECK(text(event("route.install", "info",
                   {{"prefix", "10.0.0.4/32"}, {"origins", {"d"}}, {"next_hops", {"b", "c"}}, {"metric", 20}})) ==
        "12:00:00.123456  route.install        10.0.0.4/32 via b, c  metric 20  from d");
  CHECK(text(event("route.refused", "warning",
                   {{"prefix", "8.8.8.0/24"}, {"origin", "d"}, {"reason", "not_in_accept"}})) ==
        "12:00:00.123456  route.refused        8.8.8.0/24 of d: not_in_accept");
  CHECK(text(event("drop.source", "warning",
                   {{"neighbor", "b"},
                    {"reason", "ingress_source_unknown"},
                    {"count", 3},
                    {"source", "10.9.9.9"},
                    {"hint", "announce it"}},
                   {{"kind", "neighbor"}, {"neighbor", "b"}})) ==
        "12:00:00.123456  drop.source          3 packets with b, 10.9.9.9: ingress_source_unknown (announce it)");
  CHECK(text(event("tunnel.session", "info", {{"neighbor", "b"}, {"initiator", true}})) ==
        "12:00:00.123456  tunnel.session       with b, which answered us");
  CHECK(text(event("forwarding.disabled", "error",
                   {{"family", "ipv4"}, {"remedy", "sysctl -w net.ipv4.ip_forward=1"}})) ==
        "12:00:00.123456  forwarding.disabled  error: ipv4 is not forwarded by the kernel: sysctl -w "
        "net.ipv4.ip_forward=1");
  CHECK(text(event("transit.slow", "warning",
                   {{"family", "ipv4"}, {"reason", "policy rule 100 looks at: source"}, {"remedy", "delete it"}})) ==
        "12:00:00.123456  transit.slow         ipv4 takes the kernel's way: policy rule 100 looks at: source (delete "
        "it)");
  CHECK(text(event("transit.fast", "info", {{"family", "ipv4"}})) ==
        "12:00:00.123456  transit.fast         ipv4 takes the engine's fast path");
  CHECK(text(event("transit.firewall", "warning",
                   {{"chain", "inet filter forward"}, {"reason", "not asked"}, {"remedy", "switch it off"}})) ==
        "12:00:00.123456  transit.firewall     inet filter forward: not asked (switch it off)");
  CHECK(text(event("endpoint.unresolved", "warning",
                   {{"neighbor", "b"}, {"host", "b.example"}, {"reason", "no such name"}})) ==
        "12:00:00.123456  endpoint.unresolved  b b.example: no such name");
  CHECK(text(event("link.grey", "warning",
                   {{"neighbor", "b"}, {"reason", "loss_received"}, {"loss_permille", 310}, {"hint", "look"}},
                   {{"kind", "neighbor"}, {"neighbor", "b"}})) ==
        "12:00:00.123456  link.grey            b  loss_received, 310 thousandths: look");
  CHECK(text(event("tunnel.unreachable", "warning",
                   {{"neighbor", "b"},
                    {"endpoint", "198.18.0.2:7000"},
                    {"meaning", "port"},
                    {"from", "198.18.0.2"},
                    {"hint", "nobody listens"}})) ==
        "12:00:00.123456  tunnel.unreachable   b at 198.18.0.2:7000: nobody listens (port, says 198.18.0.2)");
  CHECK(text(event("link.healed", "info", {{"neighbor", "b"}, {"reason", "data_lost"}})) ==
        "12:00:00.123456  link.healed          b  no longer data_lost");
  CHECK(text(event("watch.lost", "warning", {{"count", 12}})) ==
        "12:00:00.123456  watch.lost           12 events were lost, this reader is too slow");
}

TEST_CASE("An event that is not known shows its keys") {
  CHECK(text(event("weather.change", "info", {{"to", "rain"}, {"mm", 3}, {"where", {"a", "b"}}})) ==
        "12:00:00.123456  weather.change       to=rain mm=3 where=a, b");
}

TEST_CASE("A merged log tells seconds since its zero and the node") {
  EventTextOptions options;
  options.clock = EventTextOptions::Clock::relative;
  options.zero_mono_ns = 5'000'000'000;
  options.node_width = 4;
  CHECK(event_text(event("daemon.ready", "info", {{"interface", "star0"}, {"aead", "libsodium"}}), options) ==
        "  +0.312457  a     daemon.ready         star0, libsodium encrypts");
  options.zero_mono_ns = 6'000'000'000;
  CHECK(event_text(event("daemon.ready", "info", {}), options) == "  -0.687543  a     daemon.ready");
}

TEST_CASE("Under a log that has its own clock the time is left out") {
  EventTextOptions options;
  options.clock = EventTextOptions::Clock::none;
  CHECK(event_text(event("daemon.ready", "info", {}), options) == "daemon.ready");
}

TEST_CASE("Colour adds escapes and nothing else") {
  EventTextOptions options;
  const auto down =
      event("neighbor.state", "warning", {{"neighbor", "b"}, {"from", "Full"}, {"to", "Down"}}, {{"kind", "timer"}});
  const std::string plain = event_text(down, options);
  options.colour = true;
  const std::string coloured = event_text(down, options);
  std::string stripped;
  for (std::size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] == '\033')
      i = coloured.find('m', i);
    else
      stripped += coloured[i];
  }
  CHECK(coloured != plain);
  CHECK(stripped == plain);
}

TEST_CASE("Any JSON can be shown, and none of it reaches the terminal's controls") {
  for (const char* strange :
       {"null", "[]", "{}", "3", "\"x\\u001b[2J\"", R"({"event":7,"time":[],"cause":"x","mono_ns":"y"})",
        R"({"event":"neighbor.state","neighbor":{"a":"\u001b"},"from":null,"to":3})",
        R"({"event":"spf.run","duration_us":1e300,"reached":-1})", R"({"event":"\u0007","\u001b":"\u001b"})",
        R"({"event":"lsa.accept","origin":null,"cause":{"kind":"announcement"}})"}) {
    CAPTURE(strange);
    for (const auto clock : {EventTextOptions::Clock::wall, EventTextOptions::Clock::relative}) {
      EventTextOptions options;
      options.clock = clock;
      const std::string line = event_text(ordered_json::parse(strange), options);
      CHECK(line.find_first_of("\033\n\007") == std::string::npos);
    }
  }
}

TEST_CASE("Sorted and ordered JSON read the same where the line has a form of its own") {
  const auto ordered = event("egress.swap", "info", {{"groups", 2}, {"prefixes", 1}});
  CHECK(event_text(nlohmann::json(ordered), EventTextOptions{}) == text(ordered));
}
