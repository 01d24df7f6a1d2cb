#include "topologies/lab/sim/oracle.h"

#include <algorithm>
#include <functional>
#include <map>
#include <queue>

namespace starling::sim {

using routing::kUnreachable;
using routing::Metric;

IpAddress address_of(const Network& network, NodeIndex node) {
  return network.options(node).prefixes.front().address();
}

RouteOracle::RouteOracle(const Network& network) : network_(network), edges_(network.size()) {
  for (const auto& [ends, link] : network.links()) {
    const auto [a, b] = ends;
    if (!link.carries() || !works(a) || !works(b)) continue;
    edges_[a].push_back({b, link.options.cost});
    edges_[b].push_back({a, link.options.cost});
  }
  find_origin_sets();
  find_components();
}

void RouteOracle::find_origin_sets() {
  std::map<PrefixNumber, std::vector<NodeIndex>> origins_of;
  for (NodeIndex node = 0; node < network_.size(); node++) {
    if (!works(node)) continue;
    for (const Prefix& prefix : network_.options(node).prefixes) {
      if (!network_.may_announce(node, prefix)) continue;
      origins_of[network_.tables().prefixes().find(prefix).value()].push_back(node);
    }
  }
  std::map<std::vector<NodeIndex>, std::vector<PrefixNumber>> prefixes_of;
  for (auto& [prefix, origins] : origins_of) prefixes_of[std::move(origins)].push_back(prefix);
  for (auto& [origins, prefixes] : prefixes_of) origin_sets_.push_back({origins, std::move(prefixes)});
}

void RouteOracle::find_components() {
  component_.assign(network_.size(), kNoNode);
  std::vector<NodeIndex> open;
  for (NodeIndex first = 0; first < network_.size(); first++) {
    if (!works(first) || component_[first] != kNoNode) continue;
    open.push_back(first);
    component_[first] = first;
    while (!open.empty()) {
      const NodeIndex node = open.back();
      open.pop_back();
      for (const Edge& edge : edges_[node]) {
        if (component_[edge.to] != kNoNode) continue;
        component_[edge.to] = first;
        open.push_back(edge.to);
      }
    }
  }
}

bool RouteOracle::may_pass(NodeIndex node, const std::vector<NodeIndex>& origins) const {
  return network_.options(node).transit || std::binary_search(origins.begin(), origins.end(), node);
}

// From the origins outwards, which is the same as towards them: a link costs the same both ways.
std::vector<Metric> RouteOracle::distances_to(const std::vector<NodeIndex>& origins) const {
  std::vector<Metric> distance(network_.size(), kUnreachable);
  using Open = std::pair<Metric, NodeIndex>;
  std::priority_queue<Open, std::vector<Open>, std::greater<>> open;
  for (const NodeIndex origin : origins) {
    if (!works(origin)) continue;
    distance[origin] = 0;
    open.push({0, origin});
  }
  while (!open.empty()) {
    const auto [cost, node] = open.top();
    open.pop();
    if (cost > distance[node] || !may_pass(node, origins)) continue;
    for (const Edge& edge : edges_[node]) {
      if (cost + edge.cost >= distance[edge.to]) continue;
      distance[edge.to] = cost + edge.cost;
      open.push({distance[edge.to], edge.to});
    }
  }
  return distance;
}

bool RouteOracle::reaches(NodeIndex from, NodeIndex to) const {
  return works(from) && distances_to({to})[from] != kUnreachable;
}

std::string RouteOracle::find_fault_in_neighbors() const {
  for (NodeIndex node = 0; node < network_.size(); node++) {
    if (!works(node)) continue;
    for (const routing::NeighborView& view : network_.router(node).neighbors()) {
      const bool heard =
          std::any_of(edges_[node].begin(), edges_[node].end(), [&](const Edge& edge) { return edge.to == view.id; });
      const bool full = view.state == routing::NeighborState::full;
      if (heard == full && !view.suspect) continue;
      return network_.name(node) + ": " + network_.name(view.id) + " is " + to_string(view.state) +
             (view.suspect ? " and suspect" : "") + (heard ? ", should be Full" : ", should not be Full");
    }
  }
  return "";
}

std::string RouteOracle::find_fault_in_databases() const {
  for (NodeIndex node = 0; node < network_.size(); node++) {
    const NodeIndex first = component_[node];
    if (first == kNoNode || network_.router(node).digest() == network_.router(first).digest()) continue;
    return network_.name(node) + ": its digest differs from " + network_.name(first) + "'s";
  }
  return "";
}

std::string RouteOracle::find_fault_in_routes(const OriginSet& set) const {
  const std::vector<Metric> distance = distances_to(set.origins);
  for (NodeIndex node = 0; node < network_.size(); node++) {
    if (!works(node)) continue;
    for (const PrefixNumber prefix : set.prefixes) {
      if (std::string fault = compare(node, prefix, set.origins, distance); !fault.empty()) return fault;
    }
  }
  return "";
}

std::string RouteOracle::compare(NodeIndex node, PrefixNumber number, const std::vector<NodeIndex>& origins,
                                 const std::vector<Metric>& distance) const {
  const Prefix& prefix = network_.tables().prefixes().at(number);
  const routing::RouterConfig& config = network_.config(node);
  const bool own = std::binary_search(origins.begin(), origins.end(), node);
  const bool wanted = !own && distance[node] != kUnreachable &&
                      config.accept.check(prefix, config.connected) == routing::ImportVerdict::accepted;
  const Hops* hops = network_.tables().hops(node, number);
  const auto fault = [&](const std::string& what) {
    return network_.name(node) + ": " + prefix.to_string() + ": " + what;
  };
  if (!wanted) return hops == nullptr ? "" : fault("has a route, should have none");
  if (hops == nullptr) return fault("has no route, should have one of metric " + std::to_string(distance[node]));
  const std::vector<Port> members = expected_members(node, origins, distance);
  if (hops->metric == distance[node] && hops->members == members) return "";
  return fault("metric " + std::to_string(hops->metric) + " by" + names_of(node, hops->members) + ", should be " +
               std::to_string(distance[node]) + " by" + names_of(node, members));
}

std::vector<Port> RouteOracle::expected_members(NodeIndex node, const std::vector<NodeIndex>& origins,
                                                const std::vector<Metric>& distance) const {
  std::vector<Port> ports;
  const auto neighbors = network_.neighbors(node);
  for (const Edge& edge : edges_[node]) {
    if (distance[edge.to] == kUnreachable || !may_pass(edge.to, origins)) continue;
    if (distance[edge.to] + edge.cost != distance[node]) continue;
    const auto at = std::lower_bound(neighbors.begin(), neighbors.end(), edge.to);
    ports.push_back(static_cast<Port>(at - neighbors.begin()));
  }
  std::sort(ports.begin(), ports.end());
  return ports;
}

std::string RouteOracle::names_of(NodeIndex node, const std::vector<Port>& ports) const {
  std::string names;
  for (const Port port : ports) names += " " + network_.name(network_.neighbors(node)[port]);
  return names.empty() ? " nobody" : names;
}

std::string RouteOracle::find_fault_in_forwarding(NodeIndex destination, std::size_t sources_max) const {
  if (!works(destination)) return "";
  const auto stride = static_cast<NodeIndex>((network_.size() + sources_max - 1) / sources_max);
  const std::vector<Metric> distance = distances_to({destination});
  FlowOptions flow;
  flow.to = destination;
  flow.destination = address_of(network_, destination);
  for (NodeIndex node = destination % stride; node < network_.size(); node += stride) {
    if (!works(node) || node == destination) continue;
    flow.from = node;
    flow.source = address_of(network_, node);
    const Walk walk = network_.walk(network_.route_between(flow));
    const bool arrives = walk.fate == Fate::delivered && walk.nodes.back() == destination;
    if (arrives == (distance[node] != kUnreachable)) continue;
    return network_.name(node) + " to " + network_.name(destination) + ": " + to_string(walk.fate) + " at " +
           network_.name(walk.nodes.back());
  }
  return "";
}

std::string RouteOracle::find_fault(std::size_t destinations_max, std::size_t sources_max) const {
  if (std::string fault = find_fault_in_databases(); !fault.empty()) return fault;
  if (std::string fault = find_fault_in_neighbors(); !fault.empty()) return fault;
  const std::size_t sets = origin_sets_.size();
  for (std::size_t i = 0; i < std::min(sets, destinations_max); i++) {
    const OriginSet& set = origin_sets_[i * sets / std::min(sets, destinations_max)];
    if (std::string fault = find_fault_in_routes(set); !fault.empty()) return fault;
  }
  const std::size_t nodes = network_.size();
  for (std::size_t i = 0; i < std::min(nodes, destinations_max); i++) {
    const auto node = static_cast<NodeIndex>(i * nodes / std::min(nodes, destinations_max));
    if (std::string fault = find_fault_in_forwarding(node, sources_max); !fault.empty()) return fault;
  }
  return "";
}

}  // namespace starling::sim
