#include "routing/graph.h"

#include <algorithm>
#include <tuple>

namespace starling::routing {

namespace {

struct Claim {
  std::uint32_t from;
  std::uint32_t to;
  Metric metric;
};

bool before(const Claim& a, const Claim& b) {
  return std::tie(a.from, a.to, a.metric) < std::tie(b.from, b.to, b.metric);
}

void collect_nodes(const Database& database, const NodeId& self, Graph& graph) {
  bool self_seen = false;
  for (const auto& [key, entry] : database.entries()) {
    if (key.fragment != 0 || entry.tombstone) continue;
    if (!self_seen && self <= key.origin) {
      graph.nodes.push_back({self, false, true});
      self_seen = true;
    }
    if (key.origin == self || !entry.lsa->content().attributes) continue;
    const NodeAttributes& attributes = *entry.lsa->content().attributes;
    graph.nodes.push_back({key.origin, !attributes.transit, attributes.transit && !attributes.overload});
  }
  if (!self_seen) graph.nodes.push_back({self, false, true});
}

// What each node says of its links; of several about one neighbour the smallest counts.
std::vector<Claim> collect_claims(const Database& database, const std::vector<LocalLink>& links, const Graph& graph) {
  std::vector<Claim> claims;
  for (const auto& [key, entry] : database.entries()) {
    if (entry.tombstone) continue;
    const auto from = graph.index_of(key.origin);
    if (!from || *from == graph.root) continue;
    for (const LsaLink& link : entry.lsa->content().links) {
      const auto to = graph.index_of(link.neighbor);
      if (to && *to != *from) claims.push_back({*from, *to, link.metric});
    }
  }
  for (const LocalLink& link : links) {
    if (const auto to = graph.index_of(link.node)) claims.push_back({graph.root, *to, link.metric});
  }
  std::sort(claims.begin(), claims.end(), before);
  const auto same = [](const Claim& a, const Claim& b) { return a.from == b.from && a.to == b.to; };
  claims.erase(std::unique(claims.begin(), claims.end(), same), claims.end());
  return claims;
}

}  // namespace

std::optional<std::uint32_t> Graph::index_of(const NodeId& id) const {
  const auto found = std::lower_bound(nodes.begin(), nodes.end(), id,
                                      [](const Node& node, const NodeId& key) { return node.id < key; });
  if (found == nodes.end() || found->id != id) return std::nullopt;
  return static_cast<std::uint32_t>(found - nodes.begin());
}

Graph build_graph(const Database& database, const NodeId& self, const std::vector<LocalLink>& links) {
  Graph graph;
  collect_nodes(database, self, graph);
  graph.root = *graph.index_of(self);
  const std::vector<Claim> claims = collect_claims(database, links, graph);
  graph.first_edge.assign(graph.nodes.size() + 1, 0);
  for (const Claim& claim : claims) {
    const auto reverse = std::lower_bound(claims.begin(), claims.end(), Claim{claim.to, claim.from, 0}, before);
    if (reverse == claims.end() || reverse->from != claim.to || reverse->to != claim.from) continue;
    graph.edges.push_back({claim.to, std::max(claim.metric, reverse->metric)});
    graph.first_edge[claim.from + 1]++;
  }
  for (std::size_t i = 1; i < graph.first_edge.size(); i++) graph.first_edge[i] += graph.first_edge[i - 1];
  for (const Graph::Edge& edge : graph.edges_of(graph.root)) {
    const NodeId& node = graph.nodes[edge.to].id;
    const auto link = std::find_if(links.begin(), links.end(), [&](const LocalLink& l) { return l.node == node; });
    graph.root_hops.push_back(link->neighbor);
  }
  for (const LocalLink& link : links) {
    if (const auto node = graph.index_of(link.node)) graph.adjacent.push_back({*node, link.neighbor});
  }
  return graph;
}

}  // namespace starling::routing
