// Shortest paths from one node (Dijkstra), with all equal-cost first hops. Pure: the result depends on the arguments
// alone. A result that is used again keeps its memory, so in steady state nothing is allocated.
//
// Invariants: a path leads through no node whose `through` is false, the root excepted; metrics add up and saturate at
// kUnreachable; first hops are exactly the root's edges with which some shortest path begins.
#pragma once

#include <cstdint>
#include <vector>

#include "routing/graph.h"

namespace starling::routing {

class ShortestPaths {
 public:
  Metric distance(std::uint32_t node) const { return distance_[node]; }
  bool reachable(std::uint32_t node) const { return distance_[node] != kUnreachable; }
  std::uint32_t reached() const { return reached_; }  // nodes, the root included

  // Whether the root's edge of this index (in its own list of edges) begins a shortest path to the node.
  bool has_first_hop(std::uint32_t node, std::size_t root_edge) const {
    return (hops_[node * words_ + root_edge / 64] >> (root_edge % 64) & 1) != 0;
  }

 private:
  friend void shortest_paths(const Graph& graph, std::uint32_t root, ShortestPaths& out);

  struct Candidate {
    Metric distance;
    std::uint32_t node;
    friend auto operator<=>(const Candidate&, const Candidate&) = default;
  };

  void relax(std::uint32_t from, const Graph::Edge& edge);
  void relax_root(const Graph& graph, std::uint32_t root);

  std::vector<Metric> distance_;
  std::vector<std::uint64_t> hops_;  // words_ per node
  std::vector<std::uint8_t> final_;
  std::vector<Candidate> heap_;
  std::size_t words_ = 0;
  std::uint32_t reached_ = 0;
};

void shortest_paths(const Graph& graph, std::uint32_t root, ShortestPaths& out);

}  // namespace starling::routing
