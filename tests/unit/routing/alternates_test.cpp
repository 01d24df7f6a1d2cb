// Loop-free alternates, held against what they promise: packets are sent along the alternate while everybody else still
// forwards as before, and must arrive.
#include "routing/alternates.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/random.h"
#include "graph_builder.h"

using namespace starling;
using namespace starling::routing;

namespace {

constexpr std::uint32_t kNobody = 999;

struct Computed {
  ShortestPaths paths;
  Alternates alternates;
  std::vector<NodeIndex> changed;

  explicit Computed(GraphBuilder& network) {
    network.tell();
    paths.run(network.graph, changed);
    alternates.run(network.graph);
    network.settle();
  }
};

std::size_t only_hop(const Graph& graph, const ShortestPaths& paths, NodeIndex node) {
  std::size_t found = graph.hops().size(), count = 0;
  for (std::size_t hop = 0; hop < graph.hops().size(); hop++) {
    if (!paths.has_first_hop(node, hop)) continue;
    found = hop;
    count++;
  }
  return count == 1 ? found : graph.hops().size();
}

Alternates::Choice choice(const GraphBuilder& network, const Computed& computed, std::uint32_t destination) {
  const NodeIndex node = network.index(destination);
  return computed.alternates.choose(network.graph, {&node, 1}, only_hop(network.graph, computed.paths, node),
                                    computed.paths.distance(node));
}

// The handle of the alternate, or kNobody's.
NeighborId backup(const GraphBuilder& network, const Computed& computed, std::uint32_t destination) {
  const auto chosen = choice(network, computed, destination);
  return chosen.hop == Alternates::kNoHop ? handle_of(kNobody) : network.graph.hops()[chosen.hop].neighbor;
}

// Distances to one node from all others, by the rules of paths.
std::vector<Metric> distances_to(const Graph& graph, NodeIndex destination) {
  std::vector<Metric> distance(graph.size(), kUnreachable);
  distance[destination] = 0;
  for (NodeIndex round = 0; round < graph.size(); round++) {
    for (NodeIndex node = 0; node < graph.size(); node++) {
      for (const auto& edge : graph.edges_of(node)) {
        if (edge.to != destination && !graph.through(edge.to)) continue;
        if (distance[edge.to] != kUnreachable)
          distance[node] = std::min(distance[node], distance[edge.to] + edge.metric);
      }
    }
  }
  return distance;
}

// Whether packets to the destination arrive from every next hop that `from` may choose, all others unaware, and without
// coming back to us or through `avoided`.
bool arrives(const Graph& graph, const std::vector<Metric>& distance, NodeIndex from, NodeIndex destination,
             NodeIndex avoided) {
  if (from == kRoot || from == avoided) return false;
  if (from == destination) return true;
  for (const auto& edge : graph.edges_of(from)) {
    if (edge.to != destination && !graph.through(edge.to)) continue;
    if (distance[edge.to] == kUnreachable || distance[edge.to] + edge.metric != distance[from]) continue;
    if (!arrives(graph, distance, edge.to, destination, avoided)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("the third side of a triangle is the alternate, and protects the node where it does") {
  GraphBuilder network;  // 0-1-2-0
  network.link(0, 1);
  network.link(1, 2);
  network.link(2, 0);
  const Computed computed(network);
  CHECK(backup(network, computed, 1) == handle_of(2));
  CHECK(choice(network, computed, 1).kind == BackupKind::link);  // if the destination dies, nothing helps
}

TEST_CASE("a ring of four has no alternate for the neighbour, and one for a cheaper one") {
  GraphBuilder network;  // 0-1-2-3-0: 3 would send packets for 1 as gladly back to us as on to 2
  for (const auto& [a, b] : {std::pair(0u, 1u), {1u, 2u}, {2u, 3u}, {3u, 0u}}) network.link(a, b);
  const Computed equal(network);
  CHECK(choice(network, equal, 1).kind == BackupKind::none);
  network.link(3, 0, 15);
  const Computed longer(network);
  CHECK(backup(network, longer, 1) == handle_of(3));
}

TEST_CASE("a node-protecting alternate is preferred to a nearer one that protects the link only") {
  GraphBuilder network;  // to 9 by 1; 2 goes through 1, too; 3 does not
  network.link(0, 1, 10);
  network.link(1, 9, 10);
  network.link(0, 2, 10);
  network.link(2, 1, 5);
  network.link(0, 3, 40);
  network.link(3, 9, 20);
  const Computed computed(network);
  CHECK(backup(network, computed, 9) == handle_of(3));
  CHECK(choice(network, computed, 9).kind == BackupKind::node);
  network.unlink(3, 9);
  const Computed without(network);
  CHECK(backup(network, without, 9) == handle_of(2));
  CHECK(choice(network, without, 9).kind == BackupKind::link);
}

TEST_CASE("of alternates that protect the link only, a downstream one is preferred to a nearer one") {
  GraphBuilder network;  // 9 hangs on 1, which is 20 away; 2 is farther from 9 than we are, 3 nearer
  network.link(0, 1, 20);
  network.link(1, 9, 10);
  network.link(0, 2, 1);
  network.link(2, 1, 20);
  network.link(0, 3, 30);
  network.link(3, 1, 5);
  const Computed computed(network);
  CHECK(backup(network, computed, 9) == handle_of(3));
}

TEST_CASE("a neighbour without transit is an alternate for itself only, and a last resort is taken last") {
  GraphBuilder network;
  network.link(0, 1, 10);
  network.link(1, 9, 10);
  network.link(0, 2, 10);
  network.link(2, 9, 30);
  network.nodes[2].end_point = true;
  const Computed none(network);
  CHECK(choice(network, none, 9).kind == BackupKind::none);
  network.link(0, 2, 50);
  network.link(1, 2, 10);  // now it is nearer by 1, and its own link is the alternate
  const Computed itself(network);
  CHECK(backup(network, itself, 2) == handle_of(2));
  CHECK(choice(network, itself, 2).kind == BackupKind::node);

  network.nodes[2].end_point = false;
  network.link(0, 2, kLastResortMetric);
  network.link(2, 9, 1);
  network.link(0, 3, 500);
  network.link(3, 1, 5);  // protects the link only, by a long way
  const Computed resort(network);
  CHECK(backup(network, resort, 9) == handle_of(3));
  network.unlink(0, 3);
  const Computed last(network);
  CHECK(backup(network, last, 9) == handle_of(2));
}

TEST_CASE("equal alternates are told apart by their handles, whatever came first") {
  for (const bool reversed : {false, true}) {
    GraphBuilder network;
    std::vector<std::uint32_t> order{2, 3, 4};
    if (reversed) std::reverse(order.begin(), order.end());
    network.link(0, 1, 10);
    network.link(1, 9, 10);
    for (const std::uint32_t node : order) {
      network.link(0, node, 20);
      network.link(node, 9, 20);
      network.tell();
    }
    const Computed computed(network);
    CHECK(backup(network, computed, 9) == handle_of(2));
  }
}

TEST_CASE("what an alternate promises holds in random networks while nobody else has heard of the failure") {
  std::uint32_t protecting = 0;
  for (std::uint64_t seed = 1; seed <= 60; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    GraphBuilder network;
    for (int i = 0; i < 40; i++) change_at_random(network, 11, random);
    const Computed computed(network);
    const Graph& graph = network.graph;
    for (NodeIndex node = 1; node < graph.size(); node++) {
      const std::size_t primary = computed.paths.reachable(node) ? only_hop(graph, computed.paths, node) : 0;
      if (!computed.paths.reachable(node) || primary == graph.hops().size()) continue;
      const auto chosen = computed.alternates.choose(graph, {&node, 1}, primary, computed.paths.distance(node));
      if (chosen.kind == BackupKind::none) continue;
      CAPTURE(node);
      protecting++;
      const bool node_too = chosen.kind == BackupKind::node;
      const NodeIndex avoided = node_too ? graph.hops()[primary].node : kNoNode;
      CHECK(arrives(graph, distances_to(graph, node), graph.hops()[chosen.hop].node, node, avoided));
    }
  }
  CHECK(protecting > 100);
}

TEST_CASE("where no alternate is chosen, no neighbour would have been one") {
  for (std::uint64_t seed = 1; seed <= 40; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    GraphBuilder network;
    for (int i = 0; i < 40; i++) change_at_random(network, 9, random);
    const Computed computed(network);
    const Graph& graph = network.graph;
    for (NodeIndex node = 1; node < graph.size(); node++) {
      const std::size_t primary = computed.paths.reachable(node) ? only_hop(graph, computed.paths, node) : 0;
      if (!computed.paths.reachable(node) || primary == graph.hops().size()) continue;
      const auto chosen = computed.alternates.choose(graph, {&node, 1}, primary, computed.paths.distance(node));
      const auto distance = distances_to(graph, node);
      for (std::size_t hop = 0; hop < graph.hops().size(); hop++) {
        const NodeIndex via = graph.hops()[hop].node;
        if (hop == primary || via == kNoNode || graph.metric(kRoot, via) == kUnreachable) continue;
        if (via != node && !graph.through(via)) continue;
        const bool reaches = distance[via] != kUnreachable;
        const bool protects_link = reaches && arrives(graph, distance, via, node, kNoNode);
        const bool protects_node = reaches && arrives(graph, distance, via, node, graph.hops()[primary].node);
        if (protects_link) CHECK(chosen.kind != BackupKind::none);
        if (protects_node) CHECK(chosen.kind == BackupKind::node);
      }
    }
  }
}

TEST_CASE("alternates that follow changes are those from scratch, and say where they may differ") {
  for (std::uint64_t seed = 1; seed <= 20; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    GraphBuilder network;
    for (int i = 0; i < 30; i++) change_at_random(network, 12, random);
    Computed computed(network);
    for (int step = 0; step < 30; step++) {
      CAPTURE(step);
      const auto all_choices = [&](const Alternates& alternates) {
        std::map<NodeIndex, Alternates::Choice> choices;
        for (NodeIndex node = 1; node < network.graph.size(); node++) {
          if (!computed.paths.reachable(node)) continue;
          const std::size_t primary = only_hop(network.graph, computed.paths, node);
          if (primary == network.graph.hops().size()) continue;
          choices[node] = alternates.choose(network.graph, {&node, 1}, primary, computed.paths.distance(node));
        }
        return choices;
      };
      const auto before = all_choices(computed.alternates);
      for (int i = 0; i < 2; i++) change_at_random(network, 12, random);
      network.tell();
      if (network.graph.bulk()) break;
      std::vector<NodeIndex> moved, reconsidered;
      computed.paths.update(network.graph, moved);
      const bool all = computed.alternates.update(network.graph, reconsidered);
      Alternates fresh;
      fresh.run(network.graph);
      const auto now = all_choices(computed.alternates);
      REQUIRE(now == all_choices(fresh));
      for (const auto& [node, chosen] : now) {
        const bool said = all || std::count(moved.begin(), moved.end(), node) > 0 ||
                          std::count(reconsidered.begin(), reconsidered.end(), node) > 0;
        const auto was = before.find(node);
        if (!said) CHECK((was != before.end() && was->second == chosen));
      }
      network.settle();
    }
  }
}
