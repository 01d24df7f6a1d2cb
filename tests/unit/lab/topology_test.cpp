#include "topologies/lab/topology.h"

#include <filesystem>

#include "tests/unit/lab/network.h"

using namespace starling::lab;
using starling::daemon::ConfigErrors;
using starling::lab::test::topology_of;

namespace {

struct BadInput {
  const char* what;
  const char* text;
  const char* pointer;
  const char* message;  // part of it
};

#define NODES R"("nodes": {"a": {}, "b": {}, "c": {}}, "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "c"]}])"

const BadInput kBadInputs[] = {
    {"not JSON", "{\n  \"nodes\": {,\n}", "line 2, column 13", "not JSON"},
    {"no object", "[]", "", "must be an object"},
    {"a key twice", R"({"nodes": {"a": {}, "a": {}}, "links": []})", "/nodes/a", "twice"},
    {"an unknown key", "{" NODES R"(, "link": []})", "/link", "did you mean \"links\""},
    {"a bad name", R"({"name": "Two Words", "nodes": {"a": {}}, "links": []})", "/name", "must be 1 to 32"},
    {"no nodes", R"({"links": []})", "", "\"nodes\" is missing"},
    {"empty nodes", R"({"nodes": {}, "links": []})", "/nodes", "at least one"},
    {"nodes as a list", R"({"nodes": ["a"], "links": []})", "/nodes", "must be an object"},
    {"a node's bad name", R"({"nodes": {"a b": {}}, "links": []})", "/nodes/a b", "is no name"},
    {"a node that is no object", R"({"nodes": {"a": 1}, "links": []})", "/nodes/a", "must be an object"},
    {"peers by hand", R"({"nodes": {"a": {"peers": []}}, "links": []})", "/nodes/a/peers", "/links"},
    {"an unknown override", R"({"nodes": {"a": {"mtuu": 1400}}, "links": []})", "/nodes/a/mtuu", "mtu"},
    {"a wrong override", R"({"nodes": {"a": {"hello": {"interval_ms": 1}}}, "links": []})",
     "/nodes/a/hello/interval_ms", ""},
    {"no address", R"({"nodes": {"a": {"addresses": []}}, "links": []})", "/nodes/a/addresses", "at least one address"},
    {"an address twice",
     R"({"nodes": {"a": {"addresses": ["10.0.0.1/32"]}, "b": {"addresses": ["10.0.0.1/32"]}}, "links": []})",
     "/nodes/b/addresses", "also node a's"},
    {"no links", R"({"nodes": {"a": {}}})", "", "\"links\" is missing"},
    {"a link to nowhere", R"({"nodes": {"a": {}, "bob": {}}, "links": [{"nodes": ["a", "bab"]}]})", "/links/0/nodes/1",
     "did you mean \"bob\""},
    {"a link to itself", R"({"nodes": {"a": {}}, "links": [{"nodes": ["a", "a"]}]})", "/links/0/nodes",
     "two different"},
    {"a link of three", R"({"nodes": {"a": {}, "b": {}, "c": {}}, "links": [{"nodes": ["a", "b", "c"]}]})",
     "/links/0/nodes", "two different"},
    {"a pair twice", R"({"nodes": {"a": {}, "b": {}}, "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "a"]}]})",
     "/links/1", "a second time"},
    {"a cost of 0", R"({"nodes": {"a": {}, "b": {}}, "links": [{"nodes": ["a", "b"], "cost": 0}]})", "/links/0/cost",
     "1 to 16777215"},
    {"an unknown underlay", R"({"nodes": {"a": {}, "b": {}}, "links": [{"nodes": ["a", "b"], "underlay": "ipx"}]})",
     "/links/0/underlay", "ipv4"},
    {"an event without time", "{" NODES R"(, "events": [{"cut": ["a", "b"]}]})", "/events/0", "\"at_ms\" is missing"},
    {"an event of two kinds", "{" NODES R"(, "events": [{"at_ms": 1, "cut": ["a", "b"], "stop": "a"}]})", "/events/0",
     "exactly one"},
    {"an event of no kind", "{" NODES R"(, "events": [{"at_ms": 1}]})", "/events/0", "exactly one"},
    {"an unknown event", "{" NODES R"(, "events": [{"at_ms": 1, "explode": "a"}]})", "/events/0/explode",
     "no known key"},
    {"an event on no link", "{" NODES R"(, "events": [{"at_ms": 1, "cut": ["a", "c"]}]})", "/events/0/cut",
     "there is no link a–c"},
    {"an event on no node", "{" NODES R"(, "events": [{"at_ms": 1, "stop": "z"}]})", "/events/0/stop",
     "there is no node"},
    {"a restore of what is whole", "{" NODES R"(, "events": [{"at_ms": 1, "restore": ["a", "b"]}]})",
     "/events/0/restore", "is whole"},
    {"a second cut", "{" NODES R"(, "events": [{"at_ms": 9, "down": ["a", "b"]}, {"at_ms": 1, "cut": ["a", "b"]}]})",
     "/events/0/down", "already"},
    {"a start of what runs", "{" NODES R"(, "events": [{"at_ms": 1, "start": "a"}]})", "/events/0/start", "runs"},
    {"a probe to itself", "{" NODES R"(, "probes": [{"from": "a", "to": "a", "interval_ms": 1}]})", "/probes/0",
     "itself"},
    {"a probe without interval", "{" NODES R"(, "probes": [{"from": "a", "to": "b"}]})", "/probes/0", "interval_ms"},
    {"a probe between families",
     R"({"nodes": {"a": {"addresses": ["10.0.0.1/32"]}, "b": {"addresses": ["fd00::1/128"]}}, "links": [],
         "probes": [{"from": "a", "to": "b", "interval_ms": 1}]})",
     "/probes", "same family"},
    {"an expectation of no kind", "{" NODES R"(, "expect": [{"at_ms": 1}]})", "/expect/0", "must be one of"},
    {"an expectation of two kinds",
     "{" NODES R"(, "expect": [{"converged_within_ms": 1, "path": ["a", "b"], "at_ms": 1}]})", "/expect/0",
     "must be one of"},
    {"an outage of no probe", "{" NODES R"(, "expect": [{"max_outage_ms": 1, "probe": ["a", "b"]}]})",
     "/expect/0/probe", "there is no probe from a to b"},
    {"a path of one", "{" NODES R"(, "expect": [{"path": ["a"], "at_ms": 1}]})", "/expect/0/path", "at least two"},
    {"a path that jumps", "{" NODES R"(, "expect": [{"path": ["a", "c"], "at_ms": 1}]})", "/expect/0/path/1",
     "there is no link a–c"},
    {"a path without time", "{" NODES R"(, "expect": [{"path": ["a", "b"]}]})", "/expect/0", "at_ms"},
    {"a negative time", "{" NODES R"(, "expect": [{"all_reachable_at_ms": -1}]})", "/expect/0/all_reachable_at_ms",
     "whole number"},
};

}  // namespace

TEST_CASE("every bad input is refused with the place and what would be right") {
  for (const auto& [what, text, pointer, message] : kBadInputs) {
    CAPTURE(what);
    const auto topology = parse_topology(text, "bad.json");
    REQUIRE_FALSE(topology.ok());
    bool found = false;
    for (const auto& error : topology.error()) {
      CHECK(error.file == "bad.json");
      found = found || (error.pointer == pointer && error.message.find(message) != std::string::npos);
    }
    CHECK_MESSAGE(found, to_string(topology.error()));
  }
}

TEST_CASE("all errors are told at once") {
  const auto topology = parse_topology(
      R"({"nodes": {"a": {"mtu": 1}, "b": {}}, "links": [{"nodes": ["a", "x"]}], "events": [{"at_ms": 1, "stop": "y"}], "wrong": 1})",
      "bad.json");
  REQUIRE_FALSE(topology.ok());
  CHECK(topology.error().size() == 4);
}

TEST_CASE("events happen in the order of their times, those of one moment in the file's") {
  const Topology topology = topology_of(R"({"nodes": {"a": {}, "b": {}, "c": {}}, "links": [{"nodes": ["a", "b"]}],
    "events": [{"at_ms": 50, "restore": ["a", "b"]}, {"at_ms": 10, "cut": ["b", "a"]}, {"at_ms": 50, "stop": "c"}]})");
  REQUIRE(topology.events.size() == 3);
  CHECK(topology.describe(topology.events[0]) == "cut a–b");
  CHECK(topology.describe(topology.events[1]) == "restore a–b");
  CHECK(topology.describe(topology.events[2]) == "stop c");
}

TEST_CASE("a topology without a name is called after its file") {
  const auto topology = parse_topology(R"({"nodes": {"a": {}}, "links": []})", "/some/where/my-net.json");
  REQUIRE(topology.ok());
  CHECK(topology->name == "my-net");
}

TEST_CASE("every shipped topology is right, and says what to expect") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(STARLING_TOPOLOGIES)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(".json") || path.ends_with(".schema.json")) continue;
    CAPTURE(path);
    count++;
    const auto topology = load_topology(path);
    if (!topology) FAIL_CHECK(to_string(topology.error()));
    if (topology) CHECK(topology->expectations.size() >= 3);
    if (topology) CHECK_FALSE(topology->description.empty());
  }
  CHECK(count >= 7);
}
