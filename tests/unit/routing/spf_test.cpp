// Shortest paths from scratch against a naive computation, and those that follow changes against those from scratch.
#include "routing/spf.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/random.h"
#include "graph_builder.h"

using namespace starling;
using namespace starling::routing;

namespace {

// Shortest walks from `from` to everywhere, by relaxing all edges as often as there are nodes.
std::vector<Metric> naive_distances(const Graph& graph, NodeIndex from) {
  std::vector<Metric> distance(graph.size(), kUnreachable);
  distance[from] = 0;
  for (NodeIndex round = 0; round < graph.size(); round++) {
    for (NodeIndex node = 0; node < graph.size(); node++) {
      if (distance[node] == kUnreachable || (node != from && !graph.through(node))) continue;
      for (const auto& edge : graph.edges_of(node))
        distance[edge.to] = std::min(distance[edge.to], distance[node] + edge.metric);
    }
  }
  return distance;
}

void compare_with_naive(const Graph& graph, const ShortestPaths& paths) {
  const auto expected = naive_distances(graph, kRoot);
  std::uint32_t reached = 0;
  for (NodeIndex node = 0; node < graph.size(); node++) {
    REQUIRE(paths.distance(node) == expected[node]);
    reached += expected[node] != kUnreachable ? 1 : 0;
  }
  CHECK(paths.reached() == reached);
  for (std::size_t hop = 0; hop < graph.hops().size(); hop++) {
    const NodeIndex via = graph.hops()[hop].node;
    const Metric cost = via == kNoNode ? kUnreachable : graph.metric(kRoot, via);
    const auto onward = via == kNoNode ? std::vector<Metric>(graph.size(), kUnreachable) : naive_distances(graph, via);
    for (NodeIndex node = 0; node < graph.size(); node++) {
      const bool may = cost != kUnreachable && node != kRoot && (via == node || graph.through(via));
      const bool best = may && onward[node] != kUnreachable && onward[node] + cost == expected[node];
      REQUIRE(paths.has_first_hop(node, hop) == best);
    }
  }
}

std::vector<NodeIndex> sorted(std::vector<NodeIndex> list) {
  std::sort(list.begin(), list.end());
  return list;
}

}  // namespace

TEST_CASE("random graphs give the distances and first hops of the naive computation") {
  ShortestPaths paths;  // used again and again, as a router does
  for (std::uint64_t seed = 1; seed <= 60; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    GraphBuilder network;
    const auto size = static_cast<std::uint32_t>(2 + random.below(14));
    for (std::uint64_t i = random.below(3 * size); i > 0; i--) {
      const auto a = static_cast<std::uint32_t>(random.below(size));
      const auto b = static_cast<std::uint32_t>(random.below(size));
      if (a != b) network.link(a, b, static_cast<Metric>(1 + random.below(3)));
      if (random.below(5) == 0 && a != 0) network.nodes[a].end_point = true;
    }
    network.tell();
    ShortestPaths fresh;
    std::vector<NodeIndex> changed;
    fresh.run(network.graph, changed);
    compare_with_naive(network.graph, fresh);
  }
}

TEST_CASE("paths that follow changes are those from scratch, and say exactly where they changed") {
  for (std::uint64_t seed = 1; seed <= 30; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    GraphBuilder network;
    const auto size = static_cast<std::uint32_t>(4 + random.below(16));
    for (std::uint32_t i = 0; i < 2 * size; i++) change_at_random(network, size, random);
    network.tell();
    ShortestPaths paths;
    std::vector<NodeIndex> changed;
    paths.run(network.graph, changed);
    network.settle();
    for (int step = 0; step < 40; step++) {
      CAPTURE(step);
      for (std::uint64_t i = random.below(3); i <= 2; i++) change_at_random(network, size, random);
      network.tell();
      const ShortestPaths before = paths;
      changed.clear();
      if (network.graph.bulk()) {
        paths.run(network.graph, changed);
      } else {
        paths.update(network.graph, changed);
      }
      ShortestPaths fresh = before;
      std::vector<NodeIndex> expected;
      fresh.run(network.graph, expected);
      REQUIRE(sorted(changed) == sorted(expected));
      compare_with_naive(network.graph, paths);
      network.settle();
    }
  }
}

TEST_CASE("distances from any node that follow changes are those from scratch") {
  for (std::uint64_t seed = 1; seed <= 30; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    GraphBuilder network;
    for (std::uint32_t node = 0; node < 12; node++) network.link(node, node + 1);
    network.tell();
    network.settle();
    Distances distances;
    const NodeIndex source = network.index(5);
    distances.run(network.graph, source);
    for (int step = 0; step < 40; step++) {
      CAPTURE(step);
      for (std::uint64_t i = random.below(3); i <= 2; i++) change_at_random(network, 13, random);
      network.nodes[5].present = true;
      network.tell();
      std::vector<Metric> before;
      const NodeIndex known = network.graph.size();
      std::vector<NodeIndex> changed;
      distances.update(network.graph, changed);
      const auto expected = naive_distances(network.graph, source);
      for (NodeIndex node = 0; node < known; node++) REQUIRE(distances.to(node) == expected[node]);
      network.settle();
    }
  }
}

TEST_CASE("all equal-cost first hops are kept, also more than a machine word of them") {
  GraphBuilder network;  // 101 by 120 to 127, each by ten of our neighbours
  for (std::uint32_t middle = 0; middle < 8; middle++) network.link(120 + middle, 101, 5);
  const auto add = [&](std::uint32_t neighbor) {
    network.link(0, neighbor, 5);
    network.link(neighbor, 120 + neighbor % 8, 5);
  };
  for (std::uint32_t neighbor = 1; neighbor <= 60; neighbor++) add(neighbor);
  network.tell();
  ShortestPaths paths;
  std::vector<NodeIndex> changed;
  paths.run(network.graph, changed);
  network.settle();
  for (std::uint32_t neighbor = 61; neighbor <= 80; neighbor++) {  // at some point a second word is needed
    add(neighbor);
    network.tell();
    REQUIRE_FALSE(network.graph.bulk());
    paths.update(network.graph, changed);
    network.settle();
  }
  CHECK(paths.distance(network.index(101)) == 15);
  CHECK(paths.reached() == 90);
  for (std::size_t hop = 0; hop < 80; hop++) CHECK(paths.has_first_hop(network.index(101), hop));
}

TEST_CASE("a node that carries no transit is reached and not passed, unless it is ourselves") {
  GraphBuilder network;
  network.link(0, 1);
  network.link(0, 2);
  network.link(1, 3);
  network.nodes[1].end_point = true;
  network.tell();
  ShortestPaths paths;
  std::vector<NodeIndex> changed;
  paths.run(network.graph, changed);
  CHECK(paths.reachable(network.index(1)));
  CHECK(paths.reachable(network.index(2)));
  CHECK_FALSE(paths.reachable(network.index(3)));
}

TEST_CASE("a path of too many large metrics is no path, and does not wrap around") {
  GraphBuilder network;
  for (std::uint32_t node = 0; node < 300; node++) network.link(node, node + 1, kMaxLinkMetric);
  network.tell();
  ShortestPaths paths;
  std::vector<NodeIndex> changed;
  paths.run(network.graph, changed);
  CHECK(paths.distance(network.index(256)) == 256 * kMaxLinkMetric);
  CHECK_FALSE(paths.reachable(network.index(257)));
  CHECK_FALSE(paths.reachable(network.index(300)));
}

TEST_CASE("a change touches only what it concerns") {
  GraphBuilder network;  // a grid of 20 × 20 with ourselves in a corner
  const auto at = [](std::uint32_t row, std::uint32_t column) { return row * 20 + column; };
  for (std::uint32_t row = 0; row < 20; row++) {
    for (std::uint32_t column = 0; column < 20; column++) {
      if (column < 19) network.link(at(row, column), at(row, column + 1));
      if (row < 19) network.link(at(row, column), at(row + 1, column));
    }
  }
  network.tell();
  ShortestPaths paths;
  std::vector<NodeIndex> changed;
  paths.run(network.graph, changed);
  CHECK(changed.size() == 399);
  network.settle();
  network.unlink(at(10, 10), at(10, 11));  // there are as good ways around it
  network.tell();
  changed.clear();
  paths.update(network.graph, changed);
  CHECK(changed.empty());
  network.settle();
  network.unlink(at(0, 18), at(0, 19));  // the edge has none
  network.tell();
  paths.update(network.graph, changed);
  CHECK(!changed.empty());
  CHECK(changed.size() < 20);
}
