#include "routing/ingress.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "routing/resize_tightly.h"

namespace starling::routing {

namespace {

constexpr std::size_t kNearby = 256;  // nodes that are looked at before all are

bool joins(const Graph& graph, NodeIndex node) {
  return node != kRoot && graph.takes_part(node) && !graph.end_point(node);
}

// Union-find over the graph minus ourselves; end points stay alone.
class Components {
 public:
  explicit Components(const Graph& graph) : parent_(graph.size()) {
    std::iota(parent_.begin(), parent_.end(), NodeIndex{0});
    for (NodeIndex node = 0; node < graph.size(); node++) {
      if (!joins(graph, node)) continue;
      for (const Graph::Edge& edge : graph.edges_of(node)) {
        if (edge.to < node && joins(graph, edge.to)) parent_[find(node)] = find(edge.to);
      }
    }
  }
  NodeIndex find(NodeIndex node) {
    while (parent_[node] != node) node = parent_[node] = parent_[parent_[node]];
    return node;
  }

 private:
  std::vector<NodeIndex> parent_;
};

void insert_sorted(std::vector<NeighborId>& list, NeighborId id) {
  const auto at = std::lower_bound(list.begin(), list.end(), id);
  if (at == list.end() || *at != id) list.insert(at, id);
}

// Whether a link that came or went joins or parts nothing, because its ends hang together nearby by links that have
// been there all along.
bool hangs_together_without(const Graph& graph, NodeIndex a, NodeIndex b) {
  const auto is_new = [&](NodeIndex from, NodeIndex to) {
    const auto& changes = graph.changes();
    return std::any_of(changes.begin(), changes.end(), [&](const Graph::Change& change) {
      return change.from == from && change.to == to && change.before == kUnreachable;
    });
  };
  std::vector<NodeIndex> seen{a};
  for (std::size_t next = 0; next < seen.size() && seen.size() < kNearby; next++) {
    for (const Graph::Edge& edge : graph.edges_of(seen[next])) {
      if (!joins(graph, edge.to) || is_new(seen[next], edge.to)) continue;
      if (edge.to == b) return true;
      if (std::find(seen.begin(), seen.end(), edge.to) == seen.end()) seen.push_back(edge.to);
    }
  }
  return false;
}

bool same_components(const Graph& graph) {
  if (graph.bulk() || graph.structure_changed()) return false;
  const auto harmless = [&](const Graph::Change& change) {
    const bool came_or_went = (change.before == kUnreachable) != (change.after == kUnreachable);
    if (!came_or_went || change.from > change.to || change.from == kRoot) return true;
    if (!joins(graph, change.from) || !joins(graph, change.to)) return false;
    return hangs_together_without(graph, change.from, change.to);
  };
  return std::all_of(graph.changes().begin(), graph.changes().end(), harmless);
}

}  // namespace

// --- feasible neighbours ---

bool FeasibleNeighbors::update(const Graph& graph) {
  if (!graph.changed() || same_components(graph)) return false;
  compute(graph);
  return true;
}

void FeasibleNeighbors::compute(const Graph& graph) {
  sets_ = {{}};
  numbers_ = {{{}, 0}};
  Components components(graph);
  std::map<NodeIndex, std::vector<NeighborId>> of_component;
  std::map<NodeIndex, std::vector<NeighborId>> of_end_point;
  for (const Graph::Hop& hop : graph.hops()) {
    if (hop.node == kNoNode) continue;
    const bool joined = joins(graph, hop.node);
    insert_sorted(joined ? of_component[components.find(hop.node)] : of_end_point[hop.node], hop.neighbor);
  }
  std::vector<std::uint32_t> set_of_component(graph.size(), 0);
  for (const auto& [component, neighbors] : of_component) set_of_component[component] = intern(neighbors);
  resize_tightly(sets_of_nodes_, graph.size());
  for (NodeIndex node = 0; node < graph.size(); node++) {
    sets_of_nodes_[node] = joins(graph, node) ? set_of_component[components.find(node)] : 0;
    if (node == kRoot || !graph.takes_part(node) || !graph.end_point(node)) continue;
    std::vector<NeighborId> neighbors = of_end_point[node];  // it hangs on each component that it touches
    for (const Graph::Edge& edge : graph.edges_of(node)) {
      if (!joins(graph, edge.to)) continue;
      for (const NeighborId id : sets_[set_of_component[components.find(edge.to)]]) insert_sorted(neighbors, id);
    }
    sets_of_nodes_[node] = intern(neighbors);
  }
}

std::uint32_t FeasibleNeighbors::intern(const std::vector<NeighborId>& neighbors) {
  const auto [at, is_new] = numbers_.try_emplace(neighbors, static_cast<std::uint32_t>(sets_.size()));
  if (is_new) sets_.push_back(neighbors);
  return at->second;
}

std::uint32_t FeasibleNeighbors::set_of(std::span<const NodeIndex> nodes) {
  if (nodes.size() == 1) return set_of(nodes.front());
  std::vector<NeighborId> together;
  for (const NodeIndex node : nodes) {
    for (const NeighborId id : of(node)) insert_sorted(together, id);
  }
  return intern(together);
}

// --- rights ---

IngressTable::RightsNumber IngressTable::intern(const Rights& rights) {
  const auto [at, is_new] = numbers_.try_emplace(rights, static_cast<RightsNumber>(kept_.size()));
  if (!is_new) return at->second;
  if (free_.empty()) {
    kept_.emplace_back();
  } else {
    at->second = free_.back();
    free_.pop_back();
  }
  kept_[at->second].rights = rights;
  return at->second;
}

void IngressTable::refer(RightsNumber& place, RightsNumber rights) {
  if (rights != kAbsent) kept_[rights].references++;
  if (place != kAbsent) kept_[place].references--;
  place = rights;
}

// What rights become when a set of neighbours may send: the same for all prefixes that had the same ones.
IngressTable::Step IngressTable::step(Time now, RightsNumber from, std::uint32_t target) {
  const auto [at, is_new] = steps_.try_emplace({from, target});
  if (!is_new) return at->second;
  const Rights before = from == kAbsent ? Rights{} : kept_[from].rights;
  const std::vector<NeighborId>& wanted = feasible_.set(target);
  Rights after;
  for (Right right : before) {
    const bool stays = std::binary_search(wanted.begin(), wanted.end(), right.neighbor);
    if (stays) right.until = kNever;
    if (!stays && right.until == kNever) right.until = now + kIngressHold;
    after.push_back(right);
  }
  for (const NeighborId neighbor : wanted) {
    const auto place = std::lower_bound(after.begin(), after.end(), neighbor,
                                        [](const Right& right, NeighborId id) { return right.neighbor < id; });
    if (place == after.end() || place->neighbor != neighbor) after.insert(place, {neighbor, kNever});
  }
  at->second = {intern(after), after.size() > before.size()};
  return at->second;
}

void IngressTable::review(Time now, PrefixIndex index, std::vector<IngressChange>& changes) {
  const PrefixTable::Entry& entry = prefixes_.entry(index);
  RightsNumber& rights = rights_of_[index];
  const bool wanted =
      entry.announced() && (entry.verdict == ImportVerdict::accepted || entry.verdict == ImportVerdict::own_prefix);
  if (!wanted) {
    if (rights != kAbsent) gone_[entry.prefix] = {std::exchange(rights, kAbsent), now + kIngressHold};
    return;
  }
  bool is_new = rights == kAbsent;
  if (const auto gone = is_new ? gone_.find(entry.prefix) : gone_.end(); gone != gone_.end()) {
    rights = gone->second.rights;
    gone_.erase(gone);
    is_new = false;
  }
  const Step next = step(now, rights, feasible_.set_of(prefixes_.origins(entry.origins)));
  refer(rights, next.rights);
  if (is_new || next.added) changes.push_back(describe(entry.prefix, rights));
}

std::vector<IngressChange> IngressTable::update(Time now) {
  std::vector<IngressChange> changes;
  const bool all = feasible_.update(graph_);
  if (rights_of_.size() < prefixes_.size()) resize_tightly(rights_of_, prefixes_.size(), kAbsent);
  for (const PrefixIndex index : prefixes_.touched()) review(now, index, changes);
  for (PrefixIndex index = 0; all && index < prefixes_.size(); index++) {
    if (prefixes_.entry(index).announced()) review(now, index, changes);
  }
  sweep();
  return changes;
}

std::vector<IngressChange> IngressTable::expire(Time now) {
  std::vector<IngressChange> changes;
  if (now < next_expiry_) return changes;
  std::vector<RightsNumber> after(kept_.size());
  std::iota(after.begin(), after.end(), RightsNumber{0});
  for (RightsNumber number = 0; number < after.size(); number++) {
    Rights rights = kept_[number].rights;
    if (std::erase_if(rights, [now](const Right& right) { return right.until <= now; }) > 0) {
      after[number] = intern(rights);
    }
  }
  const auto advance = [&](const Prefix& prefix, RightsNumber& rights) {
    if (rights == kAbsent || after[rights] == rights) return;
    refer(rights, after[rights]);
    changes.push_back(describe(prefix, rights));
  };
  for (PrefixIndex index = 0; index < rights_of_.size(); index++) {
    advance(prefixes_.entry(index).prefix, rights_of_[index]);
  }
  for (auto at = gone_.begin(); at != gone_.end();) {
    if (at->second.at > now) {
      advance(at->first, at->second.rights);
      ++at;
      continue;
    }
    changes.push_back({at->first, {}, true});
    refer(at->second.rights, kAbsent);
    at = gone_.erase(at);
  }
  sweep();
  return changes;
}

// Forgets sets of rights that nobody has any more, and finds out when something ends next.
void IngressTable::sweep() {
  steps_.clear();
  next_expiry_ = kNever;
  for (auto at = numbers_.begin(); at != numbers_.end();) {
    Kept& kept = kept_[at->second];
    if (kept.references == 0) {
      kept.rights = {};
      free_.push_back(at->second);
      at = numbers_.erase(at);
      continue;
    }
    for (const Right& right : kept.rights) next_expiry_ = std::min(next_expiry_, right.until);
    ++at;
  }
  for (const auto& [prefix, gone] : gone_) next_expiry_ = std::min(next_expiry_, gone.at);
}

std::vector<IngressChange> IngressTable::table() const {
  std::vector<IngressChange> list;
  for (PrefixIndex index = 0; index < rights_of_.size(); index++) {
    if (rights_of_[index] != kAbsent) list.push_back(describe(prefixes_.entry(index).prefix, rights_of_[index]));
  }
  for (const auto& [prefix, gone] : gone_) list.push_back(describe(prefix, gone.rights));
  std::sort(list.begin(), list.end(),
            [](const IngressChange& a, const IngressChange& b) { return a.prefix < b.prefix; });
  return list;
}

IngressChange IngressTable::describe(const Prefix& prefix, RightsNumber rights) const {
  IngressChange change{prefix, {}, false};
  for (const Right& right : kept_[rights].rights) change.allowed.push_back(right.neighbor);
  return change;
}

}  // namespace starling::routing
