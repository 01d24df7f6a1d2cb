// Who may send which source.
#include "routing/ingress.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "base/random.h"
#include "graph_builder.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};
using Allowed = std::vector<NeighborId>;

Prefix prefix_of(std::uint32_t node) {
  return Prefix(IpAddress::v4({10, static_cast<std::uint8_t>(node), 0, 0}), 16);
}

struct TestRouter {
  GraphBuilder network;
  IngressTable ingress{network.prefixes, network.graph};

  std::vector<IngressChange> update(Time now) {
    network.tell();
    auto changes = ingress.update(now);
    network.settle();
    return changes;
  }
  Allowed allowed(std::uint32_t node) const {
    for (const auto& entry : ingress.table()) {
      if (entry.prefix == prefix_of(node)) return entry.allowed;
    }
    return {kNoNeighbor};
  }
  void announce(std::initializer_list<std::uint32_t> nodes) {
    for (const std::uint32_t node : nodes) network.nodes[node].prefixes = {prefix_of(node)};
  }
};

// By the definition, for one node: search from each neighbour without us.
Allowed naive_allowed(const GraphBuilder& network, std::uint32_t wanted) {
  Allowed allowed;
  const Graph& graph = network.graph;
  for (const Graph::Hop& hop : graph.hops()) {
    if (hop.node == kNoNode) continue;
    std::set<NodeIndex> seen{hop.node};
    std::vector<NodeIndex> open{hop.node};
    while (!open.empty()) {
      const NodeIndex node = open.back();
      open.pop_back();
      if (graph.end_point(node)) continue;
      for (const Graph::Edge& edge : graph.edges_of(node)) {
        if (edge.to != kRoot && seen.insert(edge.to).second) open.push_back(edge.to);
      }
    }
    if (seen.contains(network.index(wanted))) allowed.push_back(hop.neighbor);
  }
  std::sort(allowed.begin(), allowed.end());
  return allowed;
}

}  // namespace

TEST_CASE("a neighbour may send what lies in its component of the graph without us") {
  TestRouter router;  // 1 - 2 on one side of us, 3 on the other
  for (const auto& [a, b] : {std::pair(0u, 1u), {1u, 2u}, {0u, 3u}}) router.network.link(a, b);
  router.announce({1, 2, 3});
  router.network.prefixes.set_local({prefix_of(0)}, {});
  router.update(kStart);
  CHECK(router.allowed(1) == Allowed{101});
  CHECK(router.allowed(2) == Allowed{101});
  CHECK(router.allowed(3) == Allowed{103});
  CHECK(router.allowed(0).empty());  // nobody else is the source of ours

  router.network.link(2, 3);  // now all are one component
  CHECK(router.update(kStart + 1s).size() == 3);
  CHECK(router.allowed(2) == Allowed{101, 103});
}

TEST_CASE("a neighbour that does not announce us yet may already send") {
  TestRouter router;
  router.network.link(0, 1);
  router.network.nodes[1].links.clear();
  router.announce({1});
  router.update(kStart);
  CHECK(router.allowed(1) == Allowed{101});
}

TEST_CASE("an end point joins no components and speaks only for itself") {
  TestRouter router;  // 1 - 2 - 3, and 2 is an end point: 1 and 3 are not connected by it
  for (const auto& [a, b] : {std::pair(0u, 1u), {0u, 3u}, {1u, 2u}, {2u, 3u}, {0u, 4u}, {4u, 1u}}) {
    router.network.link(a, b);
  }
  for (const std::uint32_t node : {2u, 4u}) router.network.nodes[node].end_point = true;
  router.announce({1, 2, 3, 4});
  router.update(kStart);
  CHECK(router.allowed(1) == Allowed{101});
  CHECK(router.allowed(2) == Allowed{101, 103});
  CHECK(router.allowed(3) == Allowed{103});
  CHECK(router.allowed(4) == Allowed{101, 104});
}

TEST_CASE("a right to send is added at once and goes only after the hold time") {
  TestRouter router;
  for (const auto& [a, b] : {std::pair(0u, 1u), {0u, 2u}, {1u, 3u}, {2u, 3u}}) router.network.link(a, b);
  router.announce({3});
  router.update(kStart);
  CHECK(router.ingress.next_expiry() == kNever);
  router.network.unlink(2, 3);
  CHECK(router.update(kStart + 1s).empty());
  CHECK(router.allowed(3) == Allowed{101, 102});
  CHECK(router.ingress.next_expiry() == kStart + 1s + kIngressHold);
  CHECK(router.ingress.expire(kStart + kIngressHold).empty());
  CHECK(router.ingress.expire(kStart + 1s + kIngressHold).size() == 1);
  CHECK(router.allowed(3) == Allowed{101});

  router.network.link(2, 3);
  router.update(kStart + 20s);
  router.network.unlink(1, 3);
  router.update(kStart + 21s);
  router.network.link(1, 3);  // back before the hold time is over
  router.update(kStart + 22s);
  CHECK(router.ingress.next_expiry() == kNever);
  CHECK(router.allowed(3) == Allowed{101, 102});
}

TEST_CASE("a prefix that nobody announces any more is removed after the hold time") {
  TestRouter router;
  router.network.link(0, 1);
  router.network.nodes[1].prefixes = {prefix_of(3), prefix_of(4)};
  router.update(kStart);
  router.network.nodes[1].prefixes = {prefix_of(4)};
  CHECK(router.update(kStart).empty());
  CHECK(router.ingress.table().size() == 2);
  const auto changes = router.ingress.expire(kStart + kIngressHold);
  REQUIRE(changes.size() == 1);
  CHECK(changes[0] == IngressChange{prefix_of(3), {}, true});
  CHECK(router.ingress.table().size() == 1);
}

TEST_CASE("a prefix that comes back within the hold time keeps its rights") {
  TestRouter router;
  router.network.link(0, 1);
  router.announce({1});
  router.update(kStart);
  router.network.nodes[1].prefixes = {};
  router.update(kStart + 1s);
  router.announce({1});
  CHECK(router.update(kStart + 2s).empty());
  CHECK(router.allowed(1) == Allowed{101});
  CHECK(router.ingress.next_expiry() == kNever);
}

TEST_CASE("after any changes rights are those of the definition once the hold time is over, and changes add up") {
  for (std::uint64_t seed = 1; seed <= 25; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    TestRouter router;
    std::map<Prefix, Allowed> applied;
    const auto apply = [&](const std::vector<IngressChange>& changes) {
      for (const IngressChange& change : changes) {
        if (change.removed) {
          CHECK(applied.erase(change.prefix) == 1);
        } else {
          applied[change.prefix] = change.allowed;
        }
      }
    };
    Time now = kStart;
    for (int step = 0; step < 50; step++) {
      CAPTURE(step);
      now += 1s;
      for (std::uint64_t i = random.below(4); i <= 3; i++) change_at_random(router.network, 10, random);
      for (std::uint32_t node = 1; node < 10; node++) {
        if (random.below(6) == 0) router.network.nodes[node].prefixes.clear();
        if (random.below(4) == 0) router.announce({node});
      }
      apply(router.ingress.expire(now));
      apply(router.update(now));
      const bool calm = random.below(4) == 0;
      if (calm) {
        now += kIngressHold;
        apply(router.ingress.expire(now));
        CHECK(router.ingress.next_expiry() == kNever);
      }
      const auto table = router.ingress.table();
      REQUIRE(table.size() == applied.size());
      for (const IngressChange& entry : table) REQUIRE(applied.at(entry.prefix) == entry.allowed);
      for (std::uint32_t node = 1; node < 10; node++) {
        const auto& announced = router.network.nodes[node];
        if (!announced.present || announced.prefixes.empty()) continue;
        const Allowed expected = naive_allowed(router.network, node);
        const Allowed found = router.allowed(node);
        CHECK(std::includes(found.begin(), found.end(), expected.begin(), expected.end()));
        if (calm) CHECK(found == expected);
      }
    }
  }
}
