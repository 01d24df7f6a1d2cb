// What a network must have come to once it has rested, found without any of the Router's code: Dijkstra's algorithm
// from every set of origins over the links that carry, and a comparison of what every host has installed. Fast enough
// for thousands of nodes; tests/sim/oracle.h is its slow and naive twin.
//
// The rules (docs/protocol.md): a link counts if both of its ends hear each other; a path's cost is the sum of its
// links'; a node with transit false begins and ends paths but is inside none; a prefix leads to the nearest of its
// origins; all next hops of equal cost count; own prefixes, those that `accept` refuses and those that no grant allows
// are in no table.
#pragma once

#include <string>
#include <vector>

#include "topologies/lab/sim/network.h"

namespace starling::sim {

// Nodes that announce the same prefixes.
struct OriginSet {
  std::vector<NodeIndex> origins;  // sorted
  std::vector<PrefixNumber> prefixes;
};

class RouteOracle {
 public:
  static constexpr std::size_t kEveryNode = kNoNode;  // more than there can be

  // As the network is at this moment; it must outlive this.
  explicit RouteOracle(const Network& network);

  const std::vector<OriginSet>& origin_sets() const { return origin_sets_; }
  // The cost from every node to the nearest of these; kUnreachable where there is no path.
  std::vector<routing::Metric> distances_to(const std::vector<NodeIndex>& origins) const;

  // Each is empty, or the first thing that is not as it must be, for a person.
  std::string find_fault_in_neighbors() const;  // exactly those that it should have are in Full
  std::string find_fault_in_databases() const;  // nodes that hear of each other have equal digests
  std::string find_fault_in_routes(const OriginSet& set) const;
  // Packets from at most so many nodes (others for each destination) arrive at this one where a path exists, and only
  // there.
  std::string find_fault_in_forwarding(NodeIndex destination, std::size_t sources_max) const;
  // All of the above, with routes and forwarding to at most so many destinations, spread evenly.
  std::string find_fault(std::size_t destinations_max, std::size_t sources_max = kEveryNode) const;
  // Of the pairs of different nodes whose one can reach the other by the rules.
  bool reaches(NodeIndex from, NodeIndex to) const;

 private:
  struct Edge {
    NodeIndex to = 0;
    routing::Metric cost = 0;
  };
  bool works(NodeIndex node) const { return network_.running(node) && !network_.frozen(node); }
  bool may_pass(NodeIndex node, const std::vector<NodeIndex>& origins) const;
  void find_origin_sets();
  void find_components();
  std::string compare(NodeIndex node, PrefixNumber prefix, const std::vector<NodeIndex>& origins,
                      const std::vector<routing::Metric>& distance) const;
  std::vector<Port> expected_members(NodeIndex node, const std::vector<NodeIndex>& origins,
                                     const std::vector<routing::Metric>& distance) const;
  std::string names_of(NodeIndex node, const std::vector<Port>& ports) const;

  const Network& network_;
  std::vector<std::vector<Edge>> edges_;  // by node, of links that carry
  std::vector<OriginSet> origin_sets_;
  std::vector<NodeIndex> component_;  // by node: the smallest node that it hears of
};

// A node's own address: that of its first prefix.
IpAddress address_of(const Network& network, NodeIndex node);

}  // namespace starling::sim
