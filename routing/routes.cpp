#include "routing/routes.h"

#include <algorithm>

namespace starling::routing {

namespace {

// The nearest origins' first hops (anycast), or no members if none is reachable.
RouteGroup compute_group(const std::vector<NodeId>& origins, const Graph& graph, const ShortestPaths& paths) {
  RouteGroup group;
  group.origins = origins;
  std::vector<std::uint32_t> nearest;
  for (const NodeId& origin : origins) {
    const auto node = graph.index_of(origin);
    if (!node || !paths.reachable(*node) || paths.distance(*node) > group.metric) continue;
    if (paths.distance(*node) < group.metric) nearest.clear();
    group.metric = paths.distance(*node);
    nearest.push_back(*node);
  }
  for (std::size_t edge = 0; edge < graph.root_hops.size(); edge++) {
    const auto begins = [&](std::uint32_t node) { return paths.has_first_hop(node, edge); };
    if (std::any_of(nearest.begin(), nearest.end(), begins)) group.members.push_back(graph.root_hops[edge]);
  }
  std::sort(group.members.begin(), group.members.end());
  return group;
}

template <typename T, typename Same>
void replace_or_append(std::vector<T>& list, T item, Same same) {
  const auto found = std::find_if(list.begin(), list.end(), same);
  if (found == list.end()) {
    list.push_back(std::move(item));
  } else {
    *found = std::move(item);
  }
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

RouteUpdate RouteTable::update(const PrefixTable& prefixes, const Graph& graph, const ShortestPaths& paths) {
  RouteUpdate update;
  RouteDelta& delta = update.delta;
  std::map<std::vector<NodeId>, RouteGroup> groups;
  std::map<Prefix, std::uint32_t> routes;
  for (const auto& [prefix, entry] : prefixes) {
    if (entry.verdict != ImportVerdict::accepted) continue;
    auto [at, is_new] = groups.try_emplace(entry.origins);
    RouteGroup& group = at->second;
    if (is_new) {
      group = compute_group(entry.origins, graph, paths);
      const auto old = groups_.find(entry.origins);
      const bool known = old != groups_.end();
      if (!group.members.empty()) group.id = known ? old->second.id : next_id_++;
      if (!group.members.empty() && (!known || group != old->second)) delta.groups.push_back(group);
    }
    if (group.members.empty()) continue;
    routes.emplace(prefix, group.id);
    const auto old = routes_.find(prefix);
    if (old == routes_.end() || old->second != group.id) delta.routes.push_back({prefix, group.id});
    if (old == routes_.end()) update.added.push_back(prefix);
  }
  std::erase_if(groups, [](const auto& group) { return group.second.members.empty(); });
  for (const auto& [prefix, group] : routes_) {
    if (!routes.contains(prefix)) delta.removed_routes.push_back(prefix);
  }
  for (const auto& [origins, group] : groups_) {
    if (!groups.contains(origins)) delta.removed_groups.push_back(group.id);
  }
  groups_ = std::move(groups);
  routes_ = std::move(routes);
  return update;
}

std::vector<Route> RouteTable::routes() const {
  std::vector<Route> list;
  for (const auto& [prefix, group] : routes_) list.push_back({prefix, group});
  return list;
}

std::vector<RouteGroup> RouteTable::groups() const {
  std::vector<RouteGroup> list;
  for (const auto& [origins, group] : groups_) list.push_back(group);
  std::sort(list.begin(), list.end(), [](const RouteGroup& a, const RouteGroup& b) { return a.id < b.id; });
  return list;
}

void merge(RouteDelta& earlier, RouteDelta later) {
  for (RouteGroup& group : later.groups) {
    const auto id = group.id;  // never used again once removed, so it is in no earlier removal
    replace_or_append(earlier.groups, std::move(group), [id](const RouteGroup& g) { return g.id == id; });
  }
  for (const Route& route : later.routes) {
    std::erase(earlier.removed_routes, route.prefix);
    replace_or_append(earlier.routes, route, [&](const Route& r) { return r.prefix == route.prefix; });
  }
  for (const Prefix& prefix : later.removed_routes) {
    std::erase_if(earlier.routes, [&](const Route& r) { return r.prefix == prefix; });
    earlier.removed_routes.push_back(prefix);
  }
  for (const std::uint32_t id : later.removed_groups) {
    std::erase_if(earlier.groups, [&](const RouteGroup& g) { return g.id == id; });
    earlier.removed_groups.push_back(id);
  }
}

}  // namespace starling::routing
