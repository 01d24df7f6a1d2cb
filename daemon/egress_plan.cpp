#include "daemon/egress_plan.h"

#include <set>

namespace starling::daemon {

EgressChange EgressPlan::apply(const routing::RouteDelta& delta) {
  EgressChange change;
  bool same_shape = delta.routes.empty() && delta.removed_routes.empty();
  for (const routing::RouteGroup& group : delta.groups) {
    const auto [at, fresh] = groups_.try_emplace(group.id, group);
    same_shape = same_shape && !fresh;
    const bool moved = fresh || at->second.members != group.members || at->second.backup != group.backup;
    at->second = group;
    change.groups += moved ? 1 : 0;
  }
  for (const routing::Route& route : delta.routes) {
    routes_[route.prefix] = route.group;
    change.prefixes++;
  }
  for (const Prefix& prefix : delta.removed_routes) change.prefixes += routes_.erase(prefix);
  for (const std::uint32_t group : delta.removed_groups) {
    change.groups += groups_.erase(group);
    same_shape = false;
  }
  change.groups_only = same_shape;
  return change;
}

std::vector<wg::NextHopGroup> EgressPlan::groups() const {
  std::vector<wg::NextHopGroup> groups;
  groups.reserve(groups_.size() + static_peers_.size());
  for (const auto& [id, group] : groups_) groups.push_back({group.members, group.backup});
  for (const StaticPeer& route : static_peers_) groups.push_back({{route.peer}, wg::kNoPeer});
  return groups;
}

wg::EgressDescription EgressPlan::description() const {
  wg::EgressDescription description;
  description.groups = groups();
  std::map<std::uint32_t, std::uint32_t> index_of;
  for (const auto& [id, group] : groups_) index_of.emplace(id, static_cast<std::uint32_t>(index_of.size()));
  std::set<Prefix> taken;
  for (std::size_t i = 0; i < static_peers_.size(); i++)
    for (const Prefix& prefix : static_peers_[i].prefixes)
      if (taken.insert(prefix).second)
        description.entries.push_back({prefix, static_cast<std::uint32_t>(groups_.size() + i)});
  for (const auto& [prefix, group] : routes_) {
    const auto index = index_of.find(group);
    if (index != index_of.end() && !taken.contains(prefix)) description.entries.push_back({prefix, index->second});
  }
  return description;
}

const routing::RouteGroup* EgressPlan::group_of(const Prefix& prefix) const {
  const auto route = routes_.find(prefix);
  if (route == routes_.end()) return nullptr;
  const auto group = groups_.find(route->second);
  return group == groups_.end() ? nullptr : &group->second;
}

std::vector<Prefix> EgressPlan::prefixes_of(std::uint32_t group) const {
  std::vector<Prefix> prefixes;
  for (const auto& [prefix, id] : routes_)
    if (id == group) prefixes.push_back(prefix);
  return prefixes;
}

}  // namespace starling::daemon
