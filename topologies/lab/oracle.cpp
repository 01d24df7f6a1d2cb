#include "topologies/lab/oracle.h"

#include <algorithm>

namespace starling::lab {

std::set<Prefix> announced_prefixes(const daemon::Config& config) {
  std::set<Prefix> prefixes(config.announce.begin(), config.announce.end());
  for (const InterfaceAddress& address : config.addresses) prefixes.insert(Prefix::host(address.address));
  return prefixes;
}

Oracle::Oracle(const Topology& topology, const std::vector<daemon::Config>& configs,
               const std::vector<std::vector<Prefix>>& connected)
    : topology_(topology), configs_(configs), connected_(connected) {
  for (std::size_t node = 0; node < configs.size(); node++)
    for (const Prefix& prefix : announced_prefixes(configs[node])) origins_[prefix].insert(node);
}

Oracle::Distances Oracle::distances_from(std::size_t source, const NetworkState& state) const {
  const std::size_t count = topology_.nodes.size();
  Distances found{std::vector<std::optional<std::uint64_t>>(count), std::vector<NextHops>(count)};
  found.cost[source] = 0;

  // Calls `step(from, to, cost)` for every link that is up, both ways round, where a path from the source may use it.
  const auto each_step = [&](const auto& step) {
    for (std::size_t i = 0; i < topology_.links.size(); i++) {
      if (!state.carries(topology_, i)) continue;
      const Link& link = topology_.links[i];
      for (const auto& [from, to] : {std::pair(link.a, link.b), std::pair(link.b, link.a)})
        if (found.cost[from] && (from == source || configs_[from].transit))
          step(from, to, *found.cost[from] + link.cost);
    }
  };
  for (std::size_t round = 0; round < count; round++)
    each_step([&](std::size_t, std::size_t to, std::uint64_t cost) {
      if (!found.cost[to] || cost < *found.cost[to]) found.cost[to] = cost;
    });
  // The same number of rounds carries every first hop along every shortest path.
  for (std::size_t round = 0; round < count; round++)
    each_step([&](std::size_t from, std::size_t to, std::uint64_t cost) {
      if (cost != *found.cost[to]) return;
      if (from == source)
        found.next_hops[to].insert(to);
      else
        found.next_hops[to].insert(found.next_hops[from].begin(), found.next_hops[from].end());
    });
  return found;
}

RoutingTable Oracle::table_of(std::size_t node, const NetworkState& state) const {
  RoutingTable table;
  if (!state.node_up[node]) return table;
  const Distances distances = distances_from(node, state);
  for (const auto& [prefix, origins] : origins_) {
    if (origins.contains(node)) continue;
    using Verdict = decltype(configs_[node].accept.check(prefix, connected_[node]));
    if (configs_[node].accept.check(prefix, connected_[node]) != Verdict::accepted) continue;
    std::optional<std::uint64_t> nearest;
    for (const std::size_t origin : origins)
      if (const auto cost = distances.cost[origin]; cost && (!nearest || *cost < *nearest)) nearest = cost;
    if (!nearest) continue;
    for (const std::size_t origin : origins)
      if (distances.cost[origin] == nearest)
        table[prefix].insert(distances.next_hops[origin].begin(), distances.next_hops[origin].end());
  }
  return table;
}

std::vector<NodeSet> Oracle::partitions(const NetworkState& state) const {
  std::vector<NodeSet> found;
  std::vector<bool> placed(topology_.nodes.size(), false);
  for (std::size_t first = 0; first < topology_.nodes.size(); first++) {
    if (placed[first] || !state.node_up[first]) continue;
    NodeSet members;
    std::vector<std::size_t> open{first};
    while (!open.empty()) {
      const std::size_t node = open.back();
      open.pop_back();
      if (placed[node]) continue;
      placed[node] = true;
      members.insert(node);
      for (const std::size_t neighbor : neighbors_of(node, state)) open.push_back(neighbor);
    }
    found.push_back(std::move(members));
  }
  return found;
}

NodeSet Oracle::neighbors_of(std::size_t node, const NetworkState& state) const {
  NodeSet neighbors;
  for (std::size_t i = 0; i < topology_.links.size(); i++) {
    if (!state.carries(topology_, i)) continue;
    if (topology_.links[i].a == node) neighbors.insert(topology_.links[i].b);
    if (topology_.links[i].b == node) neighbors.insert(topology_.links[i].a);
  }
  return neighbors;
}

bool Oracle::reaches(std::size_t from, std::size_t to, const NetworkState& state) const {
  return state.node_up[from] && distances_from(from, state).cost[to].has_value();
}

}  // namespace starling::lab
