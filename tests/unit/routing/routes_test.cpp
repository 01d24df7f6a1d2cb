// From a graph to routes, groups and the sources that neighbours may send. Node i has NodeId {i, …}; the root is node
// 0, and its neighbour node i has handle 100 + i.
#include "routing/routes.h"

#include <doctest/doctest.h>

#include "routing/ingress.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};

NodeId id(std::uint8_t number) {
  NodeId node;
  node.bytes.fill(number);
  return node;
}

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

struct TestLink {
  std::uint8_t a;
  std::uint8_t b;
  Metric from_a = 10;
  Metric from_b = 10;
};

struct TestNetwork {
  std::vector<TestLink> links;
  std::map<std::uint8_t, std::vector<Prefix>> prefixes;  // every node is a key
  std::set<std::uint8_t> end_points;
  std::set<std::uint8_t> silent;  // announce none of their links
  std::vector<Prefix> own;

  Database database() const {
    Database database;
    for (const auto& [node, announced] : prefixes) {
      if (node == 0) continue;
      LsaContent content;
      content.attributes = NodeAttributes{"n", {}, !end_points.contains(node), false};
      content.prefixes = announced;
      for (const TestLink& link : links) {
        if (silent.contains(node)) continue;
        if (link.a == node) content.links.push_back({id(link.b), link.from_a, 0, 0, 0});
        if (link.b == node) content.links.push_back({id(link.a), link.from_b, 0, 0, 0});
      }
      database.store(kStart, make_lsa({id(node), 0}, 1, 3600, content, [](Bytes) { return Signature{}; }), kStart + 1h);
    }
    return database;
  }
  Graph graph() const {
    std::vector<LocalLink> local;
    for (const TestLink& link : links) {
      if (link.a == 0) local.push_back({id(link.b), 100u + link.b, link.from_a});
    }
    return build_graph(database(), id(0), local);
  }
  PrefixTable table() const { return build_prefix_table(database(), id(0), own, ImportPolicy(), {}); }
  RouteUpdate update(RouteTable& routes) const {
    ShortestPaths paths;
    const Graph current = graph();
    shortest_paths(current, current.root, paths);
    return routes.update(table(), current, paths);
  }
  std::vector<IngressChange> update(IngressTable& ingress, Time now) const {
    return ingress.update(now, table(), graph());
  }
};

TestNetwork diamond() {
  TestNetwork network;
  network.links = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};
  network.prefixes = {{0, {}}, {1, {}}, {2, {}}, {3, {prefix("10.3.0.0/16"), prefix("10.33.0.0/16")}}};
  return network;
}

std::vector<NeighborId> allowed(const IngressTable& ingress, const char* text) {
  for (const auto& entry : ingress.table()) {
    if (entry.prefix == prefix(text)) return entry.allowed;
  }
  return {kNoNeighbor};
}

}  // namespace

TEST_CASE("equal-cost next hops are members of one group that all prefixes of the origin share") {
  RouteTable routes;
  const auto update = diamond().update(routes);
  REQUIRE(update.delta.groups.size() == 1);
  const RouteGroup& group = update.delta.groups[0];
  CHECK(group.members == std::vector<NeighborId>{101, 102});
  CHECK(group.metric == 20);
  CHECK(group.origins == std::vector{id(3)});
  CHECK(update.delta.routes.size() == 2);
  CHECK(update.added.size() == 2);
  for (const Route& route : routes.routes()) CHECK(route.group == group.id);
}

TEST_CASE("a lost next hop changes the group and no prefix") {
  RouteTable routes;
  TestNetwork network = diamond();
  const auto before = network.update(routes).delta.groups.at(0);
  network.links = {{0, 1}, {0, 2}, {1, 3}};
  const auto update = network.update(routes);
  REQUIRE(update.delta.groups.size() == 1);
  CHECK(update.delta.groups[0].id == before.id);
  CHECK(update.delta.groups[0].members == std::vector<NeighborId>{101});
  CHECK(update.delta.routes.empty());
  CHECK(update.delta.removed_routes.empty());
  CHECK(network.update(routes).delta.empty());
}

TEST_CASE("a prefix that becomes unreachable loses its route and its group") {
  RouteTable routes;
  TestNetwork network = diamond();
  const auto group = network.update(routes).delta.groups.at(0).id;
  network.links = {{0, 1}, {0, 2}};
  const auto update = network.update(routes);
  CHECK(update.delta.removed_routes.size() == 2);
  CHECK(update.delta.removed_groups == std::vector{group});
  CHECK(routes.routes().empty());
  CHECK(routes.groups().empty());
}

TEST_CASE("a link that only one end announces does not count") {
  RouteTable routes;
  TestNetwork network = diamond();
  network.silent = {3};  // 1 and 2 say that they reach it; it says nothing
  CHECK(network.update(routes).delta.routes.empty());
  network.silent = {1};  // it does not announce us, though we hold it in Full
  CHECK(network.update(routes).delta.groups.at(0).members == std::vector<NeighborId>{102});
  CHECK(feasible_neighbors(network.graph())[1] == std::vector<NeighborId>{101});  // yet it may already send
}

TEST_CASE("the larger metric of both ends counts in both directions") {
  RouteTable routes;
  TestNetwork network = diamond();
  network.links[1].from_b = 15;  // node 2 says 15, we say 10
  CHECK(network.update(routes).delta.groups.at(0).members == std::vector<NeighborId>{101});
  network.links[0].from_a = 17;  // we say 17, node 1 says 10
  CHECK(network.update(routes).delta.groups.at(0).members == std::vector<NeighborId>{102});
}

TEST_CASE("of several origins of one prefix the nearest wins") {
  TestNetwork network;
  network.links = {{0, 1}, {1, 2}, {0, 3}, {3, 4}, {4, 5}};
  network.prefixes = {{0, {}}, {1, {}}, {2, {prefix("10.9.0.0/16")}}, {3, {}}, {4, {}}, {5, {prefix("10.9.0.0/16")}}};
  RouteTable routes;
  const auto group = network.update(routes).delta.groups.at(0);
  CHECK(group.origins == std::vector{id(2), id(5)});
  CHECK(group.members == std::vector<NeighborId>{101});
  CHECK(group.metric == 20);
  network.links = {{0, 1}, {0, 3}, {3, 4}, {4, 5}};
  const auto later = network.update(routes).delta;
  CHECK(later.groups.at(0).members == std::vector<NeighborId>{103});
  CHECK(later.groups.at(0).id == group.id);
  CHECK(later.routes.empty());
}

TEST_CASE("our own prefixes are never routed away, refused ones not used") {
  TestNetwork network = diamond();
  network.prefixes[3] = {prefix("10.3.0.0/16"), prefix("10.33.0.0/16"), prefix("8.8.8.0/24")};
  network.own = {prefix("10.33.0.0/16")};
  RouteTable routes;
  const auto update = network.update(routes);
  REQUIRE(update.delta.routes.size() == 1);
  CHECK(update.delta.routes[0].prefix == prefix("10.3.0.0/16"));
  CHECK(network.table().at(prefix("8.8.8.0/24")).verdict == ImportVerdict::not_in_accept);
  CHECK(network.table().at(prefix("10.33.0.0/16")).verdict == ImportVerdict::own_prefix);
}

TEST_CASE("two deltas that were not drained in between apply as one") {
  RouteTable routes;
  TestNetwork network = diamond();
  RouteDelta sum;
  merge(sum, network.update(routes).delta);
  network.links = {{0, 1}, {0, 2}};
  merge(sum, network.update(routes).delta);
  CHECK(sum.routes.empty());
  CHECK(sum.groups.empty());
  CHECK(sum.removed_routes.size() == 2);
  network = diamond();
  merge(sum, network.update(routes).delta);
  CHECK(sum.routes.size() == 2);
  CHECK(sum.removed_routes.empty());
  CHECK(sum.groups.size() == 1);
}

TEST_CASE("a neighbour may send what lies in its component of the graph without us") {
  TestNetwork network;  // 1 - 2 on one side of us, 3 on the other, 4 behind both
  network.links = {{0, 1}, {1, 2}, {0, 3}};
  network.prefixes = {
      {0, {}}, {1, {prefix("10.1.0.0/16")}}, {2, {prefix("10.2.0.0/16")}}, {3, {prefix("10.3.0.0/16")}}};
  network.own = {prefix("10.0.0.0/16")};
  IngressTable ingress;
  network.update(ingress, kStart);
  CHECK(allowed(ingress, "10.1.0.0/16") == std::vector<NeighborId>{101});
  CHECK(allowed(ingress, "10.2.0.0/16") == std::vector<NeighborId>{101});
  CHECK(allowed(ingress, "10.3.0.0/16") == std::vector<NeighborId>{103});
  CHECK(allowed(ingress, "10.0.0.0/16").empty());  // nobody else is the source of ours

  network.links.push_back({2, 3});  // now all are one component
  const auto changes = network.update(ingress, kStart + 1s);
  CHECK(changes.size() == 3);
  CHECK(allowed(ingress, "10.2.0.0/16") == std::vector<NeighborId>{101, 103});
}

TEST_CASE("an end point joins no components and speaks only for itself") {
  TestNetwork network;  // 1 - 2 - 3, and 2 is an end point: 1 and 3 are not connected by it
  network.links = {{0, 1}, {0, 3}, {1, 2}, {2, 3}, {0, 4}, {4, 1}};
  network.end_points = {2, 4};
  network.prefixes = {{0, {}},
                      {1, {prefix("10.1.0.0/16")}},
                      {2, {prefix("10.2.0.0/16")}},
                      {3, {prefix("10.3.0.0/16")}},
                      {4, {prefix("10.4.0.0/16")}}};
  IngressTable ingress;
  network.update(ingress, kStart);
  CHECK(allowed(ingress, "10.1.0.0/16") == std::vector<NeighborId>{101});
  CHECK(allowed(ingress, "10.2.0.0/16") == std::vector<NeighborId>{101, 103});
  CHECK(allowed(ingress, "10.3.0.0/16") == std::vector<NeighborId>{103});
  CHECK(allowed(ingress, "10.4.0.0/16") == std::vector<NeighborId>{101, 104});
}

TEST_CASE("a right to send is added at once and goes only after the hold time") {
  TestNetwork network;
  network.links = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};
  network.prefixes = {{0, {}}, {1, {}}, {2, {}}, {3, {prefix("10.3.0.0/16")}}};
  IngressTable ingress;
  network.update(ingress, kStart);
  CHECK(ingress.next_expiry() == kNever);
  network.links = {{0, 1}, {0, 2}, {1, 3}};
  CHECK(network.update(ingress, kStart + 1s).empty());
  CHECK(allowed(ingress, "10.3.0.0/16") == std::vector<NeighborId>{101, 102});
  CHECK(ingress.next_expiry() == kStart + 1s + kIngressHold);
  CHECK(ingress.expire(kStart + kIngressHold).empty());
  CHECK(ingress.expire(kStart + 1s + kIngressHold).size() == 1);
  CHECK(allowed(ingress, "10.3.0.0/16") == std::vector<NeighborId>{101});

  network.links = {{0, 1}, {0, 2}, {2, 3}};
  network.update(ingress, kStart + 20s);
  network.links = {{0, 1}, {0, 2}, {1, 3}, {2, 3}};  // back before the hold time is over
  network.update(ingress, kStart + 21s);
  CHECK(ingress.next_expiry() == kNever);
  CHECK(allowed(ingress, "10.3.0.0/16") == std::vector<NeighborId>{101, 102});
}

TEST_CASE("a prefix that nobody announces any more is removed after the hold time") {
  TestNetwork network = diamond();
  IngressTable ingress;
  network.update(ingress, kStart);
  network.prefixes[3] = {prefix("10.33.0.0/16")};
  CHECK(network.update(ingress, kStart).empty());
  const auto changes = ingress.expire(kStart + kIngressHold);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0] == IngressChange{prefix("10.3.0.0/16"), {}, true});
  CHECK(ingress.table().size() == 1);
}
