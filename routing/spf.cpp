#include "routing/spf.h"

#include <algorithm>
#include <functional>

namespace starling::routing {

namespace {

Metric add(Metric a, Metric b) {
  return a > kUnreachable - b ? kUnreachable : a + b;
}

}  // namespace

// `from` is final, so its first hops are complete: metrics are positive, hence all its predecessors were final earlier.
void ShortestPaths::relax(std::uint32_t from, const Graph::Edge& edge) {
  if (final_[edge.to]) return;
  const Metric through = add(distance_[from], edge.metric);
  if (through == kUnreachable || through > distance_[edge.to]) return;
  const auto from_hops = hops_.begin() + static_cast<std::ptrdiff_t>(from * words_);
  const auto to_hops = hops_.begin() + static_cast<std::ptrdiff_t>(edge.to * words_);
  if (through < distance_[edge.to]) {
    distance_[edge.to] = through;
    std::copy(from_hops, from_hops + static_cast<std::ptrdiff_t>(words_), to_hops);
    heap_.push_back({through, edge.to});
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    return;
  }
  for (std::size_t i = 0; i < words_; i++)
    to_hops[static_cast<std::ptrdiff_t>(i)] |= from_hops[static_cast<std::ptrdiff_t>(i)];
}

void ShortestPaths::relax_root(const Graph& graph, std::uint32_t root) {
  const auto edges = graph.edges_of(root);
  for (std::size_t i = 0; i < edges.size(); i++) {
    const Graph::Edge& edge = edges[i];
    distance_[edge.to] = edge.metric;
    hops_[edge.to * words_ + i / 64] |= std::uint64_t{1} << (i % 64);
    heap_.push_back({edge.metric, edge.to});
    std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
  }
}

void shortest_paths(const Graph& graph, std::uint32_t root, ShortestPaths& out) {
  const std::size_t size = graph.nodes.size();
  out.words_ = graph.edges_of(root).size() / 64 + 1;
  out.distance_.assign(size, kUnreachable);
  out.hops_.assign(size * out.words_, 0);
  out.final_.assign(size, 0);
  out.heap_.clear();
  out.distance_[root] = 0;
  out.final_[root] = 1;
  out.reached_ = 1;
  out.relax_root(graph, root);
  while (!out.heap_.empty()) {
    std::pop_heap(out.heap_.begin(), out.heap_.end(), std::greater<>());
    const auto nearest = out.heap_.back();
    out.heap_.pop_back();
    if (out.final_[nearest.node]) continue;  // an older, longer candidate
    out.final_[nearest.node] = 1;
    out.reached_++;
    if (!graph.nodes[nearest.node].through) continue;
    for (const Graph::Edge& edge : graph.edges_of(nearest.node)) out.relax(nearest.node, edge);
  }
}

}  // namespace starling::routing
