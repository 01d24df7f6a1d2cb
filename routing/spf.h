// Shortest paths (Dijkstra): distances from any node, and from ourselves also the first hops of all shortest paths.
// Pure: the result depends on the graph alone. Each has two ways to the same result: run() from scratch, and update()
// from the graph's changes since the last time (after Ramalingam and Reps, "An incremental algorithm for a
// generalization of the shortest-path problem", 1996), which touches only nodes whose paths may differ and their
// neighbours.
//
// Invariants: a path leads through no node whose `through` is false, its source excepted; metrics add up and saturate
// at kUnreachable; first hops are exactly the hops with which some shortest path begins. update() must see every batch
// of changes, before the graph is settled; after a bulk change only run() will do. What is needed in passing is kept
// per thread, not per result, so in steady state nothing is allocated and thousands of routers share it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "routing/graph.h"

namespace starling::routing {

// Saturates, so that a path of too many large metrics is none.
constexpr Metric add_metrics(Metric a, Metric b) {
  return a > kUnreachable - b ? kUnreachable : a + b;
}

class Distances {
 public:
  Metric to(NodeIndex node) const { return distance_[node]; }
  NodeIndex source() const { return source_; }  // kNoNode before the first run and after clear()

  void run(const Graph& graph, NodeIndex source);
  // Appends the nodes whose distance is another now, each once, in no particular order.
  void update(const Graph& graph, std::vector<NodeIndex>& changed);
  void clear();

 private:
  NodeIndex source_ = kNoNode;
  std::vector<Metric> distance_;
};

class ShortestPaths {
 public:
  // Both append the nodes whose distance or first hops are others now, each once.
  void run(const Graph& graph, std::vector<NodeIndex>& changed);
  void update(const Graph& graph, std::vector<NodeIndex>& changed);

  Metric distance(NodeIndex node) const { return node < distance_.size() ? distance_[node] : kUnreachable; }
  bool reachable(NodeIndex node) const { return distance(node) != kUnreachable; }
  std::uint32_t reached() const { return reached_; }  // nodes, ourselves included
  // A set of the graph's hops, bit by bit. Empty for ourselves and for what is not reachable.
  std::span<const std::uint64_t> hops(NodeIndex node) const { return std::span(hops_).subspan(node * words_, words_); }
  bool has_first_hop(NodeIndex node, std::size_t hop) const {
    return (hops_[node * words_ + hop / 64] >> (hop % 64) & 1) != 0;
  }

  // Room for so many nodes.
  void reserve(std::size_t nodes) {
    distance_.reserve(nodes);
    hops_.reserve(nodes);
  }

 private:
  void grow(const Graph& graph);
  bool collect_hops(const Graph& graph, NodeIndex node);

  std::vector<Metric> distance_;
  std::vector<std::uint64_t> hops_;  // words_ per node
  std::size_t words_ = 1;
  std::uint32_t reached_ = 1;
};

}  // namespace starling::routing
