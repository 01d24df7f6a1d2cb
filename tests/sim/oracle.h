// What the routes of a network must be, computed as naively as possible (Bellman-Ford over the configured topology),
// and whether a network has got there.
#pragma once

#include <string>

#include "topologies/lab/sim/network.h"

namespace starling::sim {

class Oracle {
 public:
  // Reads the network's present topology: running nodes, links that are up, costs, end points, prefixes.
  explicit Oracle(const Network& network);

  routing::Metric distance(NodeIndex from, NodeIndex to) const { return distance_[from][to]; }
  std::map<Prefix, Network::Reached> reached(NodeIndex node) const;

 private:
  void relax_until_stable();
  void add_route(NodeIndex node, const Prefix& prefix, const std::set<NodeIndex>& origins,
                 std::map<Prefix, Network::Reached>& all) const;

  const Network& network_;
  std::map<std::pair<NodeIndex, NodeIndex>, routing::Metric> metric_;
  std::vector<std::vector<routing::Metric>> distance_;
};

// Equal routes to the oracle's on every running node, and equal digests within each partition. Says what is wrong.
std::string first_difference(Network& network, const Oracle& oracle);
inline bool converged(Network& network, const Oracle& oracle) {
  return first_difference(network, oracle).empty();
}

}  // namespace starling::sim
