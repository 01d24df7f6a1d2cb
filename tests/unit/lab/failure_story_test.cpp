#include "topologies/lab/failure_story.h"

#include "tests/unit/lab/network.h"

using namespace starling::lab;
using nlohmann::json;
using starling::lab::test::topology_of;

namespace {

constexpr std::int64_t kMs = 1'000'000;

LoggedEvent event(std::int64_t at_ms, const char* node, const char* name, json body) {
  return {at_ms * kMs, node, name, std::move(body)};
}

const json kByNeighbor{{"kind", "neighbor"}, {"neighbor", "d"}};
const json kByAnnouncement{{"kind", "announcement"}, {"origin", "b"}, {"fragment", 0}, {"sequence", 42}};

Topology example() {
  return topology_of(R"({"nodes": {"a": {}, "b": {}, "d": {}}, "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "d"]}],
    "probes": [{"from": "a", "to": "d", "interval_ms": 1}], "events": [{"at_ms": 100, "cut": ["b", "d"]}]})");
}

const StoryStep& step(const std::vector<StoryStep>& steps, std::string_view what) {
  for (const StoryStep& candidate : steps)
    if (candidate.what == what) return candidate;
  FAIL("no step " << what);
  return steps.front();
}

}  // namespace

TEST_CASE("a failure is followed across nodes by its causes") {
  const std::vector<LoggedEvent> events{
      event(950, "b", "neighbor.suspect", {{"neighbor", "d"}, {"suspect", true}}),
      event(970, "d", "neighbor.suspect", {{"neighbor", "b"}, {"suspect", false}}),  // trusted again
      event(1000, "b", "neighbor.state", {{"neighbor", "d"}, {"from", "Full"}, {"to", "Down"}}),
      event(1001, "b", "lsa.originate", {{"origin", "b"}, {"fragment", 0}, {"sequence", 42}, {"cause", kByNeighbor}}),
      event(1002, "b", "spf.run", {{"cause", kByNeighbor}}),
      event(1003, "a", "lsa.accept", {{"origin", "b"}, {"fragment", 0}, {"sequence", 42}}),
      event(1004, "a", "lsa.accept", {{"origin", "z"}, {"fragment", 0}, {"sequence", 9}}),  // another's story
      event(1005, "a", "spf.run", {{"cause", kByAnnouncement}}),
      event(1006, "a", "egress.swap", {{"cause", kByAnnouncement}}),
      event(1007, "a", "route.install", {{"cause", kByAnnouncement}}),
      event(1008, "a", "egress.swap", {{"cause", {{"kind", "timer"}}}}),
  };
  ProbeRecord probe;
  probe.packets = {{899 * kMs, 1}, {900 * kMs, 0}, {1006 * kMs, 1}};
  probe.end_ns = 1007 * kMs;

  const auto steps = tell_failure(example(), {0, 900 * kMs, 1007 * kMs}, 2000 * kMs, events, {probe});
  CHECK(step(steps, "last good packet").first_ns == 899 * kMs);
  CHECK(step(steps, "suspected").first_ns == 950 * kMs);
  CHECK(step(steps, "suspected").where == std::vector<std::string>{"b"});
  CHECK(step(steps, "detected").first_ns == 1000 * kMs);
  CHECK(step(steps, "detected").where == std::vector<std::string>{"b"});
  CHECK(step(steps, "announced").first_ns == 1001 * kMs);
  CHECK(step(steps, "flooded").last_ns == 1003 * kMs);
  CHECK(step(steps, "computed").first_ns == 1002 * kMs);
  CHECK(step(steps, "computed").last_ns == 1005 * kMs);
  CHECK(step(steps, "engine swapped").last_ns == 1006 * kMs);
  CHECK(step(steps, "kernel followed").first_ns == 1007 * kMs);
  CHECK(step(steps, "first good packet").first_ns == 1006 * kMs);

  const std::string table = to_table(example(), {0, 900 * kMs, 1007 * kMs}, steps, false);
  CHECK(table.find("cut b–d") != std::string::npos);
  CHECK(table.find("+100.0 ms") != std::string::npos);
}

TEST_CASE("an outage of another event is not told with this one") {
  ProbeRecord probe;
  probe.packets = {{100 * kMs, 1}, {101 * kMs, 0}, {150 * kMs, 1}, {901 * kMs, 1}};
  probe.end_ns = 902 * kMs;
  const auto steps = tell_failure(example(), {0, 900 * kMs, 901 * kMs}, 2000 * kMs, {}, {probe});
  for (const StoryStep& told : steps) CHECK(told.what.find("packet") == std::string::npos);
}
