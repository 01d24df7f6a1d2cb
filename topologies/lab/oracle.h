// What every node's tables should say, found without any of the daemon's routing code: Bellman and Ford's relaxation
// over the links that are up, as often as there are nodes. Slow and plain on purpose.
//
// The rules (docs/protocol.md): a path's cost is the sum of its links'; a node with transit false begins and ends paths
// but is inside none; a prefix leads to the nearest of its origins; all next hops of equal cost count; own prefixes and
// those that `accept` refuses are in no table.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/ip.h"
#include "daemon/config/config.h"
#include "topologies/lab/network_state.h"
#include "topologies/lab/topology.h"

namespace starling::lab {

using NextHops = std::set<std::size_t>;           // nodes
using RoutingTable = std::map<Prefix, NextHops>;  // none is empty
using NodeSet = std::set<std::size_t>;

class Oracle {
 public:
  // `configs` and `connected` (subnets of the underlay) are by node. All three must outlive it.
  Oracle(const Topology& topology, const std::vector<daemon::Config>& configs,
         const std::vector<std::vector<Prefix>>& connected);

  // Empty for a node that does not run.
  RoutingTable table_of(std::size_t node, const NetworkState& state) const;
  // Running nodes that hear of each other, in the order of their first members. Every running node is in exactly one.
  std::vector<NodeSet> partitions(const NetworkState& state) const;
  // The neighbours to which there is a tunnel that works.
  NodeSet neighbors_of(std::size_t node, const NetworkState& state) const;
  // Whether packets from one node's own address can reach the other's (some path through nodes that carry transit).
  bool reaches(std::size_t from, std::size_t to, const NetworkState& state) const;

 private:
  struct Distances {
    std::vector<std::optional<std::uint64_t>> cost;  // by node
    std::vector<NextHops> next_hops;                 // by node
  };
  Distances distances_from(std::size_t source, const NetworkState& state) const;

  const Topology& topology_;
  const std::vector<daemon::Config>& configs_;
  const std::vector<std::vector<Prefix>>& connected_;
  std::map<Prefix, NodeSet> origins_;
};

// A node's own prefixes: its addresses as /32 and /128, and what it announces beyond.
std::set<Prefix> announced_prefixes(const daemon::Config& config);

}  // namespace starling::lab
