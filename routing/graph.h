// The network as dense integers, built from the database: what SPF, routes and the ingress filter compute on.
//
// Invariants: node 0..size-1 in NodeId order, only nodes with a live fragment 0 (and ourselves); an edge is there only
// if both ends announce it (RFC 2328 16.1 (2b)), and carries the larger of the two metrics in both directions. Our own
// edges come from our neighbours in Full, not from what we announced: they are known sooner.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "routing/database.h"
#include "routing/types.h"

namespace starling::routing {

// Our own side of a link to a neighbour in Full.
struct LocalLink {
  NodeId node;
  NeighborId neighbor = kNoNeighbor;
  Metric metric = kDefaultCost;
};

struct Graph {
  struct Edge {
    std::uint32_t to = 0;
    Metric metric = 0;
  };
  struct Node {
    NodeId id;
    bool end_point = false;  // joins no component: only what it announces itself comes from it
    bool through = true;     // paths may lead through it
  };

  struct Adjacent {
    std::uint32_t node = 0;
    NeighborId neighbor = kNoNeighbor;
  };

  std::vector<Node> nodes;
  std::vector<std::uint32_t> first_edge;  // of node i; one more than nodes
  std::vector<Edge> edges;                // by node, then by `to`
  std::uint32_t root = 0;                 // ourselves
  std::vector<NeighborId> root_hops;      // for each edge of the root, the neighbour
  std::vector<Adjacent> adjacent;         // our neighbours in Full, also those that do not announce us yet

  std::uint32_t size() const { return static_cast<std::uint32_t>(nodes.size()); }
  std::span<const Edge> edges_of(std::uint32_t node) const {
    return std::span(edges).subspan(first_edge[node], first_edge[node + 1] - first_edge[node]);
  }
  std::optional<std::uint32_t> index_of(const NodeId& id) const;
};

// `links`: each node at most once.
Graph build_graph(const Database& database, const NodeId& self, const std::vector<LocalLink>& links);

}  // namespace starling::routing
