#include "routing/alternates.h"

#include <algorithm>
#include <tuple>

namespace starling::routing {

namespace {

// A neighbour with no link but ours has no way that does not lead through us.
bool can_carry(const Graph& graph, NodeIndex node) {
  return node != kNoNode && graph.through(node) && graph.degree(node) > 1;
}

}  // namespace

void Alternates::clear() {
  known_ = false;
}

void Alternates::run(const Graph& graph) {
  known_ = true;
  neighbors_.resize(graph.hops().size());
  for (std::size_t hop = 0; hop < neighbors_.size(); hop++) review(graph, hop, false);
}

bool Alternates::update(const Graph& graph, std::vector<NodeIndex>& changed) {
  bool all = neighbors_.size() != graph.hops().size();
  neighbors_.resize(graph.hops().size());
  for (std::size_t hop = 0; hop < neighbors_.size(); hop++) {
    const Distances& before = neighbors_[hop].distances;
    const bool follows = before.source() != kNoNode && before.source() == graph.hops()[hop].node &&
                         can_carry(graph, graph.hops()[hop].node);
    const std::size_t first = changed.size();
    if (follows) neighbors_[hop].distances.update(graph, changed);
    if (review(graph, hop, true)) all = true;
    // Its distance to us, or to another neighbour, is in the inequalities of every destination.
    const auto is_ours = [&](NodeIndex node) { return node == kRoot || graph.metric(kRoot, node) != kUnreachable; };
    all = all || std::any_of(changed.begin() + static_cast<std::ptrdiff_t>(first), changed.end(), is_ours);
  }
  return all;
}

// What the hop is now. True if it is not what it was. `follows_changes`: its distances are up to date if it is.
bool Alternates::review(const Graph& graph, std::size_t hop, bool follows_changes) {
  Neighbor& neighbor = neighbors_[hop];
  const NodeIndex node = graph.hops()[hop].node;
  const Metric cost = node == kNoNode ? kUnreachable : graph.metric(kRoot, node);
  const bool same = neighbor.node == node && neighbor.cost == cost;
  neighbor.node = node;
  neighbor.cost = cost;
  const NodeIndex wanted = can_carry(graph, node) ? node : kNoNode;
  if (follows_changes && neighbor.distances.source() == wanted) return !same;
  if (wanted == kNoNode) {
    neighbor.distances.clear();
  } else {
    neighbor.distances.run(graph, wanted);
  }
  return true;
}

Metric Alternates::distance(const Neighbor& neighbor, NodeIndex node) const {
  if (neighbor.distances.source() != kNoNode) return neighbor.distances.to(node);
  return neighbor.node == node ? 0 : kUnreachable;
}

Metric Alternates::distance(const Neighbor& neighbor, std::span<const NodeIndex> origins) const {
  Metric nearest = kUnreachable;
  for (const NodeIndex origin : origins) nearest = std::min(nearest, distance(neighbor, origin));
  return nearest;
}

Alternates::Choice Alternates::choose(const Graph& graph, std::span<const NodeIndex> origins, std::size_t primary,
                                      Metric best) const {
  Choice choice;
  if (!known_ || primary >= neighbors_.size()) return choice;
  const Neighbor& next_hop = neighbors_[primary];
  const Metric from_next_hop = distance(next_hop, origins);
  using Rank = std::tuple<bool, bool, bool, Metric, NeighborId>;  // the smaller the better
  Rank chosen{true, true, true, kUnreachable, kNoNeighbor};
  for (std::size_t hop = 0; hop < neighbors_.size(); hop++) {
    const Neighbor& neighbor = neighbors_[hop];
    if (hop == primary || neighbor.cost == kUnreachable) continue;
    const Metric onward = distance(neighbor, origins);
    if (onward == kUnreachable) continue;
    if (graph.through(kRoot) && onward >= add_metrics(distance(neighbor, kRoot), best)) continue;
    const bool avoids_node = onward < add_metrics(distance(neighbor, next_hop.node), from_next_hop);
    const Rank rank{neighbor.cost >= kLastResortMetric, !avoids_node, !avoids_node && onward >= best,
                    add_metrics(neighbor.cost, onward), graph.hops()[hop].neighbor};
    if (choice.hop != kNoHop && rank >= chosen) continue;
    chosen = rank;
    choice = {static_cast<std::uint16_t>(hop), avoids_node ? BackupKind::node : BackupKind::link};
  }
  return choice;
}

}  // namespace starling::routing
