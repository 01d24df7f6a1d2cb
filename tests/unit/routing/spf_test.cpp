#include "routing/spf.h"

#include <doctest/doctest.h>

#include <set>

#include "base/random.h"

using namespace starling;
using namespace starling::routing;

namespace {

struct TestLink {
  std::uint32_t a;
  std::uint32_t b;
  Metric metric;
};

Graph make_graph(std::uint32_t size, const std::vector<TestLink>& links,
                 const std::set<std::uint32_t>& no_through = {}) {
  Graph graph;
  graph.nodes.resize(size);
  for (const std::uint32_t node : no_through) graph.nodes[node].through = false;
  for (std::uint32_t node = 0; node < size; node++) {
    graph.first_edge.push_back(static_cast<std::uint32_t>(graph.edges.size()));
    for (const TestLink& link : links) {
      if (link.a == node) graph.edges.push_back({link.b, link.metric});
      if (link.b == node) graph.edges.push_back({link.a, link.metric});
    }
  }
  graph.first_edge.push_back(static_cast<std::uint32_t>(graph.edges.size()));
  return graph;
}

// Shortest walks from `from` to everywhere, by relaxing all edges as often as there are nodes.
std::vector<Metric> naive_distances(const Graph& graph, std::uint32_t from) {
  std::vector<Metric> distance(graph.size(), kUnreachable);
  distance[from] = 0;
  for (std::uint32_t round = 0; round < graph.size(); round++) {
    for (std::uint32_t node = 0; node < graph.size(); node++) {
      if (distance[node] == kUnreachable || (node != from && !graph.nodes[node].through)) continue;
      for (const auto& edge : graph.edges_of(node))
        distance[edge.to] = std::min(distance[edge.to], distance[node] + edge.metric);
    }
  }
  return distance;
}

void compare_with_naive(const Graph& graph, std::uint32_t root, const ShortestPaths& paths) {
  const auto expected = naive_distances(graph, root);
  const auto edges = graph.edges_of(root);
  for (std::uint32_t node = 0; node < graph.size(); node++) {
    CHECK(paths.distance(node) == expected[node]);
    for (std::size_t i = 0; i < edges.size(); i++) {
      const std::uint32_t via = edges[i].to;
      const bool may = via == node || graph.nodes[via].through;
      const Metric onward = naive_distances(graph, via)[node];
      const bool best = node != root && may && onward != kUnreachable && onward + edges[i].metric == expected[node];
      CHECK(paths.has_first_hop(node, i) == best);
    }
  }
}

}  // namespace

TEST_CASE("random graphs give the distances and first hops of the naive computation") {
  ShortestPaths paths;  // used again and again, as a router does
  for (std::uint64_t seed = 1; seed <= 60; seed++) {
    SeededRandom random(seed);
    const auto size = static_cast<std::uint32_t>(2 + random.below(14));
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (std::uint64_t i = random.below(3 * size); i > 0; i--) {
      const auto a = static_cast<std::uint32_t>(random.below(size));
      const auto b = static_cast<std::uint32_t>(random.below(size));
      if (a < b) pairs.insert({a, b});
    }
    std::vector<TestLink> links;
    for (const auto& [a, b] : pairs) links.push_back({a, b, static_cast<Metric>(1 + random.below(3))});
    std::set<std::uint32_t> no_through;
    for (std::uint32_t node = 0; node < size; node++) {
      if (random.below(5) == 0) no_through.insert(node);
    }
    const Graph graph = make_graph(size, links, no_through);
    const auto root = static_cast<std::uint32_t>(random.below(size));
    CAPTURE(seed);
    shortest_paths(graph, root, paths);
    compare_with_naive(graph, root, paths);
  }
}

TEST_CASE("all equal-cost first hops are kept, also more than a machine word of them") {
  std::vector<TestLink> links;
  for (std::uint32_t middle = 1; middle <= 100; middle++) {
    links.push_back({0, middle, 5});
    links.push_back({middle, 101, 5});
  }
  const Graph graph = make_graph(102, links);
  ShortestPaths paths;
  shortest_paths(graph, 0, paths);
  CHECK(paths.distance(101) == 10);
  CHECK(paths.reached() == 102);
  for (std::size_t i = 0; i < 100; i++) CHECK(paths.has_first_hop(101, i));
}

TEST_CASE("a node that carries no transit is reached and not passed, unless it is the root") {
  const Graph graph = make_graph(3, {{0, 1, 1}, {1, 2, 1}}, {1});
  ShortestPaths paths;
  shortest_paths(graph, 0, paths);
  CHECK(paths.reachable(1));
  CHECK_FALSE(paths.reachable(2));
  shortest_paths(graph, 1, paths);
  CHECK(paths.reachable(0));
  CHECK(paths.reachable(2));
}

TEST_CASE("a path of too many large metrics is no path, and does not wrap around") {
  std::vector<TestLink> links;
  for (std::uint32_t node = 0; node < 300; node++) links.push_back({node, node + 1, kMaxLinkMetric});
  const Graph graph = make_graph(301, links);
  ShortestPaths paths;
  shortest_paths(graph, 0, paths);
  CHECK(paths.distance(256) == 256 * kMaxLinkMetric);
  CHECK_FALSE(paths.reachable(257));
  CHECK_FALSE(paths.reachable(300));
}
