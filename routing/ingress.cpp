#include "routing/ingress.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace starling::routing {

namespace {

// Union-find over the graph minus the root; end points stay alone.
class Components {
 public:
  explicit Components(const Graph& graph) : parent_(graph.size()) {
    std::iota(parent_.begin(), parent_.end(), 0u);
    for (std::uint32_t node = 0; node < graph.size(); node++) {
      for (const Graph::Edge& edge : graph.edges_of(node)) {
        if (joins(graph, node) && joins(graph, edge.to)) parent_[find(node)] = find(edge.to);
      }
    }
  }
  std::uint32_t find(std::uint32_t node) {
    while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
    return node;
  }
  static bool joins(const Graph& graph, std::uint32_t node) {
    return node != graph.root && !graph.nodes[node].end_point;
  }

 private:
  std::vector<std::uint32_t> parent_;
};

void insert_sorted(std::vector<NeighborId>& list, NeighborId id) {
  const auto at = std::lower_bound(list.begin(), list.end(), id);
  if (at == list.end() || *at != id) list.insert(at, id);
}

}  // namespace

std::vector<std::vector<NeighborId>> feasible_neighbors(const Graph& graph) {
  Components components(graph);
  std::vector<std::vector<NeighborId>> of_component(graph.size());
  std::vector<std::vector<NeighborId>> of_node(graph.size());
  for (const Graph::Adjacent& adjacent : graph.adjacent) {
    insert_sorted(of_node[adjacent.node], adjacent.neighbor);
    if (!Components::joins(graph, adjacent.node)) continue;
    insert_sorted(of_component[components.find(adjacent.node)], adjacent.neighbor);
  }
  for (std::uint32_t node = 0; node < graph.size(); node++) {
    if (node == graph.root) continue;
    if (Components::joins(graph, node)) {
      of_node[node] = of_component[components.find(node)];
      continue;
    }
    for (const Graph::Edge& edge : graph.edges_of(node)) {  // an end point hangs on each component that it touches
      if (!Components::joins(graph, edge.to)) continue;
      for (const NeighborId id : of_component[components.find(edge.to)]) insert_sorted(of_node[node], id);
    }
  }
  return of_node;
}

std::vector<IngressChange> IngressTable::update(Time now, const PrefixTable& prefixes, const Graph& graph) {
  const auto feasible = feasible_neighbors(graph);
  std::set<Prefix> changed;
  const auto wanted = [&](const PrefixEntry& entry) {
    return entry.verdict == ImportVerdict::accepted || entry.verdict == ImportVerdict::own_prefix;
  };
  for (const auto& [prefix, announced] : prefixes) {
    if (!wanted(announced)) continue;
    const auto [at, is_new] = entries_.try_emplace(prefix);
    Entry& entry = at->second;
    entry.announced = true;
    entry.gone_at = kNever;
    if (is_new) changed.insert(prefix);
    std::set<NeighborId> target;
    for (const NodeId& origin : announced.origins) {
      if (const auto node = graph.index_of(origin)) target.insert(feasible[*node].begin(), feasible[*node].end());
    }
    for (const NeighborId id : target) {
      if (entry.allowed.insert_or_assign(id, kNever).second) changed.insert(prefix);
    }
    for (auto& [id, until] : entry.allowed) {
      if (until == kNever && !target.contains(id)) until = now + kIngressHold;
    }
  }
  for (auto& [prefix, entry] : entries_) {
    const auto announced = prefixes.find(prefix);
    if (!entry.announced || (announced != prefixes.end() && wanted(announced->second))) continue;
    entry.announced = false;
    entry.gone_at = now + kIngressHold;
  }
  find_next_expiry();
  std::vector<IngressChange> changes;
  for (const Prefix& prefix : changed) changes.push_back(describe(prefix, entries_.at(prefix)));
  return changes;
}

std::vector<IngressChange> IngressTable::expire(Time now) {
  std::vector<IngressChange> changes;
  if (now < next_expiry_) return changes;
  for (auto at = entries_.begin(); at != entries_.end();) {
    Entry& entry = at->second;
    if (entry.gone_at <= now) {
      changes.push_back({at->first, {}, true});
      at = entries_.erase(at);
      continue;
    }
    if (std::erase_if(entry.allowed, [now](const auto& right) { return right.second <= now; }) > 0) {
      changes.push_back(describe(at->first, entry));
    }
    ++at;
  }
  find_next_expiry();
  return changes;
}

void IngressTable::find_next_expiry() {
  next_expiry_ = kNever;
  for (const auto& [prefix, entry] : entries_) {
    next_expiry_ = std::min(next_expiry_, entry.gone_at);
    for (const auto& [id, until] : entry.allowed) next_expiry_ = std::min(next_expiry_, until);
  }
}

std::vector<IngressChange> IngressTable::table() const {
  std::vector<IngressChange> list;
  for (const auto& [prefix, entry] : entries_) list.push_back(describe(prefix, entry));
  return list;
}

IngressChange IngressTable::describe(const Prefix& prefix, const Entry& entry) {
  IngressChange change{prefix, {}, false};
  for (const auto& [id, until] : entry.allowed) change.allowed.push_back(id);
  return change;
}

}  // namespace starling::routing
