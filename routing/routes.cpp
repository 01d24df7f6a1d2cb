#include "routing/routes.h"

#include <algorithm>
#include <bit>
#include <unordered_map>
#include <unordered_set>

#include "routing/resize_tightly.h"

namespace starling::routing {

namespace {

template <typename Visitor>
void for_each_bit(std::span<const std::uint64_t> words, Visitor visit) {
  for (std::size_t word = 0; word < words.size(); word++) {
    for (std::uint64_t rest = words[word]; rest != 0; rest &= rest - 1) {
      visit(word * 64 + static_cast<std::size_t>(std::countr_zero(rest)));
    }
  }
}

int count_bits(std::span<const std::uint64_t> words) {
  int count = 0;
  for (const std::uint64_t word : words) count += std::popcount(word);
  return count;
}

bool has_bit(std::span<const std::uint64_t> words, std::size_t bit) {
  return bit / 64 < words.size() && (words[bit / 64] >> (bit % 64) & 1) != 0;
}

}  // namespace

const char* to_string(BackupKind kind) {
  switch (kind) {
    case BackupKind::none: return "none";
    case BackupKind::link: return "link";
    case BackupKind::node: return "node";
  }
  return "unknown";
}

// --- groups ---

RouteTable::Group RouteTable::group_of(OriginSet set) const {
  if (set == kNoOrigins) return {};
  if ((set & kMultiple) != 0) {
    const std::uint32_t number = set & ~kMultiple;
    return number < shared_.size() ? shared_[number].group : Group{};
  }
  return set < single_.size() ? single_[set] : Group{};
}

Alternates::Choice RouteTable::choose(std::span<const NodeIndex> origins, std::span<const std::uint64_t> hops,
                                      Metric best) const {
  if (!alternates_.known() || count_bits(hops) != 1) return {};
  std::size_t primary = 0;
  for_each_bit(hops, [&](std::size_t hop) { primary = hop; });
  return alternates_.choose(graph_, origins, primary, best);
}

// The nearest origins' first hops (anycast).
RouteTable::SharedGroup RouteTable::compute_shared(OriginSet set) const {
  SharedGroup result;
  const auto origins = prefixes_.origins(set);
  for (const NodeIndex node : origins) {
    const Metric distance = paths_.distance(node);
    if (distance == kUnreachable || distance > result.metric) continue;
    if (distance < result.metric) result.hops.clear();
    result.metric = distance;
    const auto hops = paths_.hops(node);
    result.hops.resize(hops.size(), 0);
    for (std::size_t i = 0; i < hops.size(); i++) result.hops[i] |= hops[i];
  }
  result.group.backup = choose(origins, result.hops, result.metric);
  return result;
}

// Gives the group an id if it is wanted and has none, and takes it if it is not. True if it is wanted.
bool RouteTable::keep(Group& group, bool wanted, RouteDelta& delta) {
  if (wanted) {
    if (group.id == 0) group.id = next_id_++;
    return true;
  }
  if (group.id != 0) delta.removed_groups.push_back(group.id);
  group = {};
  return false;
}

void RouteTable::review(OriginSet set, bool moved, RouteDelta& delta) {
  if (set == kNoOrigins) return;
  const std::uint32_t before = group_of(set).id;
  if ((set & kMultiple) != 0) {
    review_shared(set, delta);
  } else {
    review_single(set, moved, delta);
  }
  if ((before == 0) != (group_of(set).id == 0)) reachability_changed_ = true;
}

// Ourselves have no group: what we announce too is not routed.
void RouteTable::review_single(NodeIndex node, bool moved, RouteDelta& delta) {
  if (node >= single_.size()) resize_tightly(single_, graph_.size());
  Group& group = single_[node];
  const bool is_new = group.id == 0;
  const bool wanted = node != kRoot && prefixes_.uses(node) > 0 && paths_.reachable(node);
  if (!keep(group, wanted, delta)) return;
  const Alternates::Choice before = group.backup;
  group.backup = choose({&node, 1}, paths_.hops(node), paths_.distance(node));
  if (is_new || moved || group.backup != before) delta.groups.push_back(describe(node));
}

void RouteTable::review_shared(OriginSet set, RouteDelta& delta) {
  const std::uint32_t number = set & ~kMultiple;
  if (number >= shared_.size()) shared_.resize(number + std::size_t{1});
  SharedGroup now = compute_shared(set);
  now.group.id = shared_[number].group.id;
  const bool is_new = now.group.id == 0;
  const bool wanted = prefixes_.uses(set) > 0 && now.metric != kUnreachable;
  const bool same = now == shared_[number];
  shared_[number] = std::move(now);
  if (!keep(shared_[number].group, wanted, delta)) {
    shared_[number] = {};
  } else if (is_new || !same) {
    delta.groups.push_back(describe(set));
  }
}

RouteUpdate RouteTable::update(std::span<const NodeIndex> moved, std::span<const NodeIndex> reconsidered,
                               bool reconsider_all) {
  RouteUpdate update;
  mark_unusable(unusable_hops_);
  reachability_changed_ = false;
  for (const NodeIndex node : moved) review(node, true, update.delta);
  if (reconsider_all) {
    for (NodeIndex node = 0; node < single_.size(); node++) {
      if (single_[node].id != 0) review(node, false, update.delta);
    }
  } else {
    for (const NodeIndex node : reconsidered) review(node, false, update.delta);
  }
  const bool any_moved = !moved.empty() || !reconsidered.empty() || reconsider_all;
  for (std::uint32_t number = 0; any_moved && number < prefixes_.multiple_count(); number++) {
    if (prefixes_.uses(kMultiple | number) > 0) review(kMultiple | number, false, update.delta);
  }
  const bool scan = reachability_changed_;  // else only what is announced otherwise has another group
  for (const OriginSet set : prefixes_.touched_sets()) review(set, false, update.delta);
  reachability_changed_ = scan;
  review_routes(update);
  return update;
}

// --- prefixes ---

void RouteTable::review_routes(RouteUpdate& update) {
  if (routes_.size() < prefixes_.size()) resize_tightly(routes_, prefixes_.size());
  const auto review_route = [&](PrefixIndex index) {
    const PrefixTable::Entry& entry = prefixes_.entry(index);
    const std::uint32_t group = entry.verdict == ImportVerdict::accepted ? group_of(entry.origins).id : 0;
    const std::uint32_t before = std::exchange(routes_[index], group);
    if (group == before) return;
    if (group == 0) {
      update.delta.removed_routes.push_back(entry.prefix);
      return;
    }
    update.delta.routes.push_back({entry.prefix, group});
    if (before == 0) update.added.push_back(entry.prefix);
  };
  if (reachability_changed_) {
    for (PrefixIndex index = 0; index < prefixes_.size(); index++) review_route(index);
  } else {
    for (const PrefixIndex index : prefixes_.touched()) review_route(index);
  }
}

// --- what is unusable ---

void RouteTable::mark_unusable(Words& words) const {
  words.assign(graph_.hop_words(), 0);
  for (std::size_t hop = 0; hop < graph_.hops().size(); hop++) {
    const NeighborId neighbor = graph_.hops()[hop].neighbor;
    if (neighbor == kNoNeighbor || !std::binary_search(unusable_.begin(), unusable_.end(), neighbor)) continue;
    words[hop / 64] |= std::uint64_t{1} << (hop % 64);
  }
}

// The members of a group as it carries: sorted, empty if there is no group.
void RouteTable::members_of(OriginSet set, const Words& unusable, std::vector<NeighborId>& members,
                            bool& by_backup) const {
  members.clear();
  by_backup = false;
  const Group group = group_of(set);
  if (group.id == 0) return;
  const auto hops =
      (set & kMultiple) != 0 ? std::span<const std::uint64_t>(shared_[set & ~kMultiple].hops) : paths_.hops(set);
  const auto& neighbors = graph_.hops();
  for_each_bit(hops, [&](std::size_t hop) {
    if (!has_bit(unusable, hop)) members.push_back(neighbors[hop].neighbor);
  });
  if (members.empty() && group.backup.hop != Alternates::kNoHop && !has_bit(unusable, group.backup.hop)) {
    members.push_back(neighbors[group.backup.hop].neighbor);
    by_backup = true;
  }
  if (members.empty()) for_each_bit(hops, [&](std::size_t hop) { members.push_back(neighbors[hop].neighbor); });
  std::sort(members.begin(), members.end());
}

RouteDelta RouteTable::flip(std::vector<NeighborId> unusable) {
  RouteDelta delta;
  std::sort(unusable.begin(), unusable.end());
  if (unusable == unusable_) return delta;
  const Words before = unusable_hops_;
  unusable_ = std::move(unusable);
  mark_unusable(unusable_hops_);
  if (before == unusable_hops_) return delta;
  std::vector<NeighborId> was, is;
  bool was_backup = false, is_backup = false;
  for_each_group([&](OriginSet set) {
    members_of(set, before, was, was_backup);
    members_of(set, unusable_hops_, is, is_backup);
    if (was != is || was_backup != is_backup) delta.groups.push_back(describe(set));
  });
  return delta;
}

// --- reading ---

template <typename Visitor>
void RouteTable::for_each_group(Visitor visit) const {
  for (NodeIndex node = 0; node < single_.size(); node++) {
    if (single_[node].id != 0) visit(OriginSet{node});
  }
  for (std::uint32_t number = 0; number < shared_.size(); number++) {
    if (shared_[number].group.id != 0) visit(OriginSet{kMultiple | number});
  }
}

RouteGroup RouteTable::describe(OriginSet set) const {
  const Group group = group_of(set);
  RouteGroup result;
  result.id = group.id;
  bool by_backup = false;
  members_of(set, unusable_hops_, result.members, by_backup);
  if (!by_backup && group.backup.hop != Alternates::kNoHop) {
    result.backup = graph_.hops()[group.backup.hop].neighbor;
    result.backup_kind = group.backup.kind;
  }
  result.metric = (set & kMultiple) != 0 ? shared_[set & ~kMultiple].metric : paths_.distance(set);
  for (const NodeIndex node : prefixes_.origins(set)) result.origins.push_back(graph_.id(node));
  std::sort(result.origins.begin(), result.origins.end());
  return result;
}

std::vector<Route> RouteTable::routes() const {
  std::vector<Route> list;
  for (PrefixIndex index = 0; index < routes_.size(); index++) {
    if (routes_[index] != 0) list.push_back({prefixes_.entry(index).prefix, routes_[index]});
  }
  std::sort(list.begin(), list.end(), [](const Route& a, const Route& b) { return a.prefix < b.prefix; });
  return list;
}

std::vector<RouteGroup> RouteTable::groups() const {
  std::vector<RouteGroup> list;
  for_each_group([&](OriginSet set) { list.push_back(describe(set)); });
  std::sort(list.begin(), list.end(), [](const RouteGroup& a, const RouteGroup& b) { return a.id < b.id; });
  return list;
}

void RouteTable::next_hops(const Prefix& prefix, std::vector<NeighborId>& members) const {
  members.clear();
  bool by_backup = false;
  const PrefixTable::Entry* entry = prefixes_.find(prefix);
  if (entry == nullptr || entry->verdict != ImportVerdict::accepted) return;
  members_of(entry->origins, unusable_hops_, members, by_backup);
}

BackupCoverage RouteTable::coverage() const {
  BackupCoverage result;
  for (NodeIndex node = 0; node < graph_.size(); node++) {
    if (node == kRoot || !graph_.takes_part(node) || !paths_.reachable(node)) continue;
    result.destinations++;
    if (count_bits(paths_.hops(node)) > 1) {
      result.ecmp++;
      continue;
    }
    switch (choose({&node, 1}, paths_.hops(node), paths_.distance(node)).kind) {
      case BackupKind::node: result.node_protecting++; break;
      case BackupKind::link: result.link_protecting++; break;
      case BackupKind::none: break;
    }
  }
  return result;
}

// --- deltas ---

void merge(RouteDelta& earlier, RouteDelta later) {
  if (later.empty()) return;
  if (earlier.empty()) {
    earlier = std::move(later);
    return;
  }
  std::unordered_map<std::uint32_t, std::size_t> group_at;
  for (std::size_t i = 0; i < earlier.groups.size(); i++) group_at[earlier.groups[i].id] = i;
  for (RouteGroup& group : later.groups) {  // an id is never used again, so it is in no earlier removal
    const auto [at, is_new] = group_at.try_emplace(group.id, earlier.groups.size());
    if (is_new) {
      earlier.groups.push_back(std::move(group));
    } else {
      earlier.groups[at->second] = std::move(group);
    }
  }
  const std::unordered_set<std::uint32_t> gone(later.removed_groups.begin(), later.removed_groups.end());
  std::erase_if(earlier.groups, [&](const RouteGroup& group) { return gone.contains(group.id); });
  earlier.removed_groups.insert(earlier.removed_groups.end(), later.removed_groups.begin(), later.removed_groups.end());

  std::unordered_set<Prefix> said;
  for (const Route& route : later.routes) said.insert(route.prefix);
  std::erase_if(earlier.removed_routes, [&](const Prefix& prefix) { return said.contains(prefix); });
  said.insert(later.removed_routes.begin(), later.removed_routes.end());
  std::erase_if(earlier.routes, [&](const Route& route) { return said.contains(route.prefix); });
  earlier.routes.insert(earlier.routes.end(), later.routes.begin(), later.routes.end());
  const std::unordered_set<Prefix> removed(earlier.removed_routes.begin(), earlier.removed_routes.end());
  for (const Prefix& prefix : later.removed_routes) {
    if (!removed.contains(prefix)) earlier.removed_routes.push_back(prefix);
  }
}

}  // namespace starling::routing
