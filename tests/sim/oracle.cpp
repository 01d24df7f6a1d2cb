#include "sim/oracle.h"

#include <algorithm>

namespace starling::sim {

using routing::kUnreachable;
using routing::Metric;

Oracle::Oracle(const Network& network) : network_(network) {
  const auto size = static_cast<NodeIndex>(network.size());
  distance_.assign(size, std::vector<Metric>(size, kUnreachable));
  for (const auto& [ends, link] : network.links()) {
    if (!link.up || !network.running(ends.first) || !network.running(ends.second)) continue;
    metric_[ends] = link.options.cost;
    metric_[{ends.second, ends.first}] = link.options.cost;
  }
  for (NodeIndex node = 0; node < size; node++) {
    if (network.running(node)) distance_[node][node] = 0;
  }
  relax_until_stable();
}

// distance[from][to] over one more first link; the node behind that link must carry transit unless it is the goal.
void Oracle::relax_until_stable() {
  bool changed = true;
  while (changed) {
    changed = false;
    for (const auto& [ends, metric] : metric_) {
      const auto [from, via] = ends;
      for (NodeIndex to = 0; to < network_.size(); to++) {
        if (to != via && !network_.options(via).transit) continue;
        if (distance_[via][to] == kUnreachable || distance_[via][to] + metric >= distance_[from][to]) continue;
        distance_[from][to] = distance_[via][to] + metric;
        changed = true;
      }
    }
  }
}

std::map<Prefix, Network::Reached> Oracle::reached(NodeIndex node) const {
  std::map<Prefix, std::set<NodeIndex>> origins;
  for (NodeIndex origin = 0; origin < network_.size(); origin++) {
    if (!network_.running(origin)) continue;
    for (const Prefix& prefix : network_.options(origin).prefixes) origins[prefix].insert(origin);
  }
  std::map<Prefix, Network::Reached> all;
  for (const auto& [prefix, announcers] : origins) {
    if (!announcers.contains(node)) add_route(node, prefix, announcers, all);
  }
  return all;
}

void Oracle::add_route(NodeIndex node, const Prefix& prefix, const std::set<NodeIndex>& origins,
                       std::map<Prefix, Network::Reached>& all) const {
  Network::Reached route{kUnreachable, {}};
  for (const NodeIndex origin : origins) route.metric = std::min(route.metric, distance_[node][origin]);
  if (route.metric == kUnreachable) return;
  for (const auto& [ends, metric] : metric_) {
    const auto [from, via] = ends;
    if (from != node) continue;
    const auto leads = [&, via = via, metric = metric](NodeIndex origin) {
      return (origin == via || network_.options(via).transit) && distance_[via][origin] != kUnreachable &&
             distance_[via][origin] + metric == route.metric;
    };
    if (std::any_of(origins.begin(), origins.end(), leads)) route.hops.push_back(via);
  }
  all[prefix] = route;
}

std::string first_difference(Network& network, const Oracle& oracle) {
  std::vector<NodeIndex> running;
  std::vector<routing::DatabaseDigest> digests;
  for (NodeIndex node = 0; node < network.size(); node++) {
    if (!network.running(node)) continue;
    const std::string name = "n" + std::to_string(node);
    const routing::DatabaseDigest digest = network.router(node).digest();
    for (std::size_t i = 0; i < running.size(); i++) {
      if (digests[i] == digest || oracle.distance(running[i], node) == kUnreachable) continue;
      return name + ": its digest differs from n" + std::to_string(running[i]) + "'s";
    }
    running.push_back(node);
    digests.push_back(digest);
  }
  for (const NodeIndex node : running) {
    const std::string name = "n" + std::to_string(node);
    if (network.reached(node) != oracle.reached(node)) return name + ": routes differ from the oracle's";
    if (!network.mirror_is_exact(node)) return name + ": the deltas do not add up to the table";
  }
  return "";
}

}  // namespace starling::sim
