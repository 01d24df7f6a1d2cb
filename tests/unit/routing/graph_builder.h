// A network as its nodes announce it, for tests of what is computed from it. Node 0 is ourselves: its links are our
// neighbours in Full, and its neighbour node i has the handle 100 + i. Each change is told to the graph and the prefix
// table as Router tells them.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "routing/graph.h"
#include "routing/import_policy.h"
#include "routing/prefix_table.h"

namespace starling::routing {

inline NodeId numbered_node(std::uint32_t number) {
  NodeId node;
  for (std::size_t i = 0; i < node.bytes.size(); i++) {
    node.bytes[i] = static_cast<std::uint8_t>(number >> (8 * (i % 4)));
  }
  node.bytes[31] = 0x5a;  // none is all zeros
  return node;
}

// Of a node, by the handle that our neighbours have here.
constexpr NeighborId handle_of(std::uint32_t node) {
  return 100 + node;
}

class GraphBuilder {
 public:
  struct Node {
    std::map<std::uint32_t, LinkCost> links;
    std::vector<Prefix> prefixes;
    bool end_point = false;
    bool present = false;
  };

  GraphBuilder() : graph(numbered_node(0)), prefixes(accept) { nodes[0].present = true; }

  // Both ends announce it, with these costs.
  void link(std::uint32_t a, std::uint32_t b, Metric from_a = 10, Metric from_b = 0) {
    nodes[a].links[b] = {from_a, false};
    nodes[b].links[a] = {from_b == 0 ? from_a : from_b, false};
    for (const std::uint32_t node : {a, b}) nodes[node].present = true;
  }
  void unlink(std::uint32_t a, std::uint32_t b) {
    nodes[a].links.erase(b);
    nodes[b].links.erase(a);
  }

  // Tells the graph all that is different from what it was told before.
  void tell() {
    for (const auto& [number, node] : nodes) {
      if (number != 0) tell(number, node);
    }
    std::vector<LocalLink> local;
    for (const auto& [other, cost] : nodes[0].links) {
      if (nodes[other].present) local.push_back({numbered_node(other), handle_of(other), cost});
    }
    graph.set_local_links(local);
  }
  void settle() {
    graph.settle();
    prefixes.settle();
  }

  NodeIndex index(std::uint32_t number) const {
    const auto found = graph.index_of(numbered_node(number));
    return found ? *found : kNoNode;
  }

  std::map<std::uint32_t, Node> nodes;
  ImportPolicy accept;
  Graph graph;
  PrefixTable prefixes;

 private:
  struct Told {
    LsaHandle lsa;
    std::uint64_t sequence = 0;
  };

  void tell(std::uint32_t number, const Node& node) {
    Told& told = told_[number];
    LsaContent content;
    if (node.present) content.attributes = NodeAttributes{"n", {}, !node.end_point, false};
    for (const auto& [other, cost] : node.links) {
      content.links.push_back({numbered_node(other), cost.metric, 0, 0, 0, cost.manual});
    }
    content.prefixes = node.prefixes;
    if (!node.present) content = {};
    if (told.lsa ? told.lsa->content() == content : content.empty()) return;
    const LsaHandle before = told.lsa;
    told.lsa = nullptr;
    if (node.present) {
      told.lsa =
          make_lsa({numbered_node(number), 0}, ++told.sequence, 3600, content, [](Bytes) { return Signature{}; });
    }
    const Graph::Replaced replaced = graph.replace(before.get(), told.lsa.get());
    for (const Prefix& prefix : before ? before->content().prefixes : std::vector<Prefix>{}) {
      if (!graph.announces(replaced.node, prefix)) prefixes.remove(replaced.node, prefix);
    }
    if (!told.lsa) return;
    for (const Prefix& prefix : told.lsa->content().prefixes) prefixes.add(replaced.node, prefix);
  }

  std::map<std::uint32_t, Told> told_;
};

// A change such as happens in networks: links and nodes come and go, costs change, end points become routers.
template <typename Random>
void change_at_random(GraphBuilder& network, std::uint32_t size, Random& random) {
  const auto draw = [&](std::uint64_t bound) { return static_cast<std::uint32_t>(random.below(bound)); };
  const std::uint32_t a = draw(size), b = draw(size);
  switch (draw(8)) {
    case 0:
      if (a != 0) network.nodes[a].end_point = !network.nodes[a].end_point;
      break;
    case 1:
      if (a == 0) break;
      network.nodes[a].present = !network.nodes[a].present;
      break;
    case 2:
      if (a != b) network.unlink(a, b);
      break;
    case 3:  // only one end says so
      network.nodes[a].links.erase(b);
      break;
    default:
      if (a != b) network.link(a, b, 1 + draw(4), 1 + draw(4));
      break;
  }
}

}  // namespace starling::routing
