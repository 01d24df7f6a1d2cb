#include "topologies/lab/oracle.h"

#include <functional>

#include "base/random.h"
#include "tests/unit/lab/network.h"

using namespace starling;
using namespace starling::lab;
using starling::lab::test::configs_of;
using starling::lab::test::topology_of;

namespace {

// Everything that an oracle leans on, kept together.
struct World {
  explicit World(std::string_view text)
      : topology(topology_of(text)),
        plan(make_plan(topology)),
        configs(configs_of(plan)),
        connected(plan.nodes.size()),
        oracle(topology, configs, connected),
        state(topology) {}
  World(const World&) = delete;

  std::size_t node(std::string_view name) const { return topology.node_index(name).value(); }
  std::size_t link(std::string_view a, std::string_view b) const {
    return topology.link_index(node(a), node(b)).value();
  }
  Prefix host(std::string_view name) const { return Prefix::host(plan.nodes[node(name)].addresses.front()); }
  std::string hops(std::string_view from, const Prefix& prefix) const {
    const RoutingTable table = oracle.table_of(node(from), state);
    std::string names;
    if (const auto found = table.find(prefix); found != table.end())
      for (const std::size_t hop : found->second) names += (names.empty() ? "" : " ") + topology.nodes[hop].name;
    return names;
  }
  std::string hops(std::string_view from, std::string_view to) const { return hops(from, host(to)); }

  Topology topology;
  Plan plan;
  std::vector<daemon::Config> configs;
  std::vector<std::vector<Prefix>> connected;
  Oracle oracle;
  NetworkState state;
};

constexpr const char* kDiamond = R"({"nodes": {"a": {}, "b": {}, "c": {}, "d": {}},
  "links": [{"nodes": ["a", "b"], "cost": 10}, {"nodes": ["b", "d"], "cost": 10},
            {"nodes": ["a", "c"], "cost": 20}, {"nodes": ["c", "d"], "cost": 20}]})";

}  // namespace

TEST_CASE("the oracle takes the cheapest way, and the other one when that is cut") {
  World world(kDiamond);
  CHECK(world.hops("a", "d") == "b");
  CHECK(world.hops("d", "a") == "b");
  world.state.link_up[world.link("b", "d")] = false;
  CHECK(world.hops("a", "d") == "c");
  CHECK(world.hops("b", "d") == "a");
}

TEST_CASE("the oracle keeps every next hop of equal cost") {
  World world(R"({"nodes": {"a": {}, "b": {}, "c": {}, "d": {}},
    "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "d"]}, {"nodes": ["a", "c"]}, {"nodes": ["c", "d"]}]})");
  CHECK(world.hops("a", "d") == "b c");
  CHECK(world.hops("b", "c") == "a d");
}

TEST_CASE("the oracle leads no path through a node without transit, but to and from it") {
  World world(R"({"nodes": {"a": {}, "b": {"transit": false}, "c": {}},
    "links": [{"nodes": ["a", "b"], "cost": 1}, {"nodes": ["b", "c"], "cost": 1}, {"nodes": ["a", "c"], "cost": 100}]})");
  CHECK(world.hops("a", "c") == "c");
  CHECK(world.hops("a", "b") == "b");
  CHECK(world.hops("b", "c") == "c");
  world.state.link_up[world.link("a", "c")] = false;
  CHECK(world.hops("a", "c").empty());
  CHECK_FALSE(world.oracle.reaches(world.node("a"), world.node("c"), world.state));
  CHECK(world.oracle.partitions(world.state).size() == 1);  // announcements pass all the same
}

TEST_CASE("the oracle leads a shared prefix to the nearest of its origins, and to both where they are equally near") {
  World world(
      R"({"nodes": {"a": {"announce": ["10.99.0.0/16"]}, "b": {}, "c": {}, "d": {}, "e": {"announce": ["10.99.0.0/16"]}},
    "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "c"]}, {"nodes": ["c", "d"]}, {"nodes": ["d", "e"]}]})");
  const Prefix shared = Prefix::parse("10.99.0.0/16").value();
  CHECK(world.hops("b", shared) == "a");
  CHECK(world.hops("c", shared) == "b d");
  CHECK(world.hops("a", shared).empty());  // its own
  world.state.node_up[world.node("e")] = false;
  CHECK(world.hops("c", shared) == "b");
}

TEST_CASE("the oracle leaves out what a node's accept refuses") {
  World world(R"({"nodes": {"a": {"accept": ["fc00::/7+"]}, "b": {}}, "links": [{"nodes": ["a", "b"]}]})");
  CHECK(world.hops("a", world.host("b")).empty());
  CHECK(world.hops("a", Prefix::host(world.plan.nodes[1].addresses[1])) == "b");
  CHECK(world.hops("b", "a") == "a");
}

TEST_CASE("the oracle knows who is on which side of a partition") {
  World world(R"({"nodes": {"a": {}, "b": {}, "c": {}, "d": {}},
    "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "c"]}, {"nodes": ["c", "d"]}]})");
  CHECK(world.oracle.partitions(world.state) == std::vector<NodeSet>{{0, 1, 2, 3}});
  world.state.node_up[1] = false;
  CHECK(world.oracle.partitions(world.state) == std::vector<NodeSet>{{0}, {2, 3}});
  CHECK(world.hops("a", "d").empty());
  CHECK(world.oracle.table_of(1, world.state).empty());
  CHECK(world.oracle.neighbors_of(2, world.state) == NodeSet{3});
}

// Every simple path, by hand as it were: the oracle must find the same first hops.
TEST_CASE("the oracle agrees with an enumeration of all paths on random networks") {
  SeededRandom random(7);
  for (int round = 0; round < 40; round++) {
    const std::size_t count = 3 + random.below(4);
    std::string nodes, links;
    for (std::size_t i = 0; i < count; i++)
      nodes += (i ? "," : "") + std::string("\"n") + std::to_string(i) +
               "\":{\"transit\":" + (random.below(5) ? "true" : "false") + "}";
    for (std::size_t i = 0; i < count; i++)
      for (std::size_t j = i + 1; j < count; j++)
        if (random.below(3) != 0)
          links += (links.empty() ? "" : ",") + std::string("{\"nodes\":[\"n") + std::to_string(i) + "\",\"n" +
                   std::to_string(j) + "\"],\"cost\":" + std::to_string(1 + random.below(3)) + "}";
    World world("{\"nodes\":{" + nodes + "},\"links\":[" + links + "]}");

    for (std::size_t from = 0; from < count; from++) {
      const RoutingTable table = world.oracle.table_of(from, world.state);
      for (std::size_t to = 0; to < count; to++) {
        if (from == to) continue;
        std::uint64_t best = ~std::uint64_t{0};
        NextHops hops;
        std::vector<bool> seen(count, false);
        const std::function<void(std::size_t, std::size_t, std::uint64_t)> walk = [&](std::size_t at, std::size_t first,
                                                                                      std::uint64_t cost) {
          if (at == to) {
            if (cost < best) hops.clear();
            best = std::min(best, cost);
            if (cost == best) hops.insert(first);
            return;
          }
          if (at != from && !world.configs[at].transit) return;
          seen[at] = true;
          for (const Link& link : world.topology.links)
            for (const auto& [a, b] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
              if (a == at && !seen[b]) walk(b, at == from ? b : first, cost + link.cost);
          seen[at] = false;
        };
        walk(from, from, 0);
        const auto found = table.find(Prefix::host(world.plan.nodes[to].addresses.front()));
        CHECK((found == table.end() ? NextHops{} : found->second) == hops);
      }
    }
  }
}
