// The graph that follows announcements one by one, against one that is built anew each time.
#include "routing/graph.h"

#include <doctest/doctest.h>

#include "base/random.h"
#include "graph_builder.h"

using namespace starling;
using namespace starling::routing;

namespace {

// (from, to) → metric, by what both ends say.
std::map<std::pair<std::uint32_t, std::uint32_t>, Metric> expected_edges(const GraphBuilder& network) {
  std::map<std::pair<std::uint32_t, std::uint32_t>, Metric> edges;
  for (const auto& [a, node] : network.nodes) {
    for (const auto& [b, cost] : node.links) {
      const auto other = network.nodes.find(b);
      if (!node.present || other == network.nodes.end() || !other->second.present) continue;
      const auto back = other->second.links.find(a);
      if (back == other->second.links.end()) continue;
      edges[{a, b}] = metric_of_link(cost, back->second);
    }
  }
  return edges;
}

std::map<std::pair<std::uint32_t, std::uint32_t>, Metric> edges_of(const GraphBuilder& network) {
  std::map<NodeIndex, std::uint32_t> number_of;
  for (const auto& [number, node] : network.nodes) number_of[network.index(number)] = number;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Metric> edges;
  for (NodeIndex node = 0; node < network.graph.size(); node++) {
    for (const Graph::Edge& edge : network.graph.edges_of(node)) {
      edges[{number_of.at(node), number_of.at(edge.to)}] = edge.metric;
    }
  }
  return edges;
}

}  // namespace

TEST_CASE("after any changes the graph is what both ends announce, and every change was listed") {
  for (std::uint64_t seed = 1; seed <= 20; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    GraphBuilder network;
    for (int step = 0; step < 80; step++) {
      CAPTURE(step);
      const auto before = edges_of(network);
      std::map<std::pair<NodeIndex, NodeIndex>, Metric> metrics;
      for (NodeIndex node = 0; node < network.graph.size(); node++) {
        for (const Graph::Edge& edge : network.graph.edges_of(node)) metrics[{node, edge.to}] = edge.metric;
      }
      for (std::uint64_t i = random.below(3); i <= 2; i++) change_at_random(network, 9, random);
      network.tell();
      REQUIRE(edges_of(network) == expected_edges(network));
      if (network.graph.bulk()) {
        network.settle();
        continue;
      }
      for (const Graph::Change& change : network.graph.changes()) {
        const auto was = metrics.find({change.from, change.to});
        CHECK(change.before == (was == metrics.end() ? kUnreachable : was->second));
        CHECK(change.after == network.graph.metric(change.from, change.to));
        metrics[{change.from, change.to}] = change.after;
        if (change.after == kUnreachable) metrics.erase({change.from, change.to});
      }
      std::map<std::pair<NodeIndex, NodeIndex>, Metric> now;
      for (NodeIndex node = 0; node < network.graph.size(); node++) {
        for (const Graph::Edge& edge : network.graph.edges_of(node)) now[{node, edge.to}] = edge.metric;
      }
      CHECK(metrics == now);  // so nothing changed that was not listed
      network.settle();
      CHECK_FALSE(network.graph.changed());
    }
  }
}

TEST_CASE("a refresh changes nothing, and neither does what is told of quality") {
  GraphBuilder network;
  network.link(0, 1);
  network.link(1, 2);
  network.tell();
  network.settle();
  const std::uint64_t edits = network.graph.edits();
  LsaContent content;
  content.attributes = NodeAttributes{"n", {}, true, false};
  content.links = {{numbered_node(1), 10, 0, 0, 0, false}};
  const auto sign = [](Bytes) { return Signature{}; };
  const LsaHandle first = make_lsa({numbered_node(2), 0}, 5, 3600, content, sign);
  content.links[0].round_trip_us = 700;
  const LsaHandle second = make_lsa({numbered_node(2), 0}, 6, 3600, content, sign);
  network.graph.replace(nullptr, first.get());
  network.graph.replace(first.get(), second.get());
  CHECK_FALSE(network.graph.changed());
  CHECK(network.graph.edits() == edits);
}

TEST_CASE("a node counts from its fragment 0 on, with the links of all its fragments, in any order of arrival") {
  const auto sign = [](Bytes) { return Signature{}; };
  LsaContent first, second;
  first.attributes = NodeAttributes{"n", {}, true, false};
  second.links = {{numbered_node(0), 10, 0, 0, 0, false}};
  second.prefixes = {Prefix::parse("10.7.0.0/16").value()};
  const LsaHandle lsa0 = make_lsa({numbered_node(7), 0}, 1, 3600, first, sign);
  const LsaHandle lsa1 = make_lsa({numbered_node(7), 1}, 1, 3600, second, sign);
  Graph graph(numbered_node(0));
  graph.set_local_links({{numbered_node(7), 107, {10, false}}});
  CHECK_FALSE(graph.replace(nullptr, lsa1.get()).takes_part);
  CHECK(graph.edge_count() == 0);
  CHECK(graph.replace(nullptr, lsa0.get()).takes_part);
  const NodeIndex node = graph.index_of(numbered_node(7)).value();
  CHECK(graph.metric(kRoot, node) == 10);
  int fragments = 0;
  graph.each_fragment(node, [&](const Lsa&) { fragments++; });
  CHECK(fragments == 2);
  CHECK(graph.announces(node, second.prefixes[0]));
  CHECK(graph.replace(lsa0.get(), nullptr).took_part);
  CHECK(graph.edge_count() == 0);
  CHECK_FALSE(graph.announces(node, second.prefixes[0]));
  graph.replace(lsa1.get(), nullptr);
  CHECK_FALSE(graph.index_of(numbered_node(7)));
}

TEST_CASE("an index is used again only after the graph was settled") {
  GraphBuilder network;
  network.link(0, 1);
  network.tell();
  network.settle();
  const NodeIndex former = network.index(1);
  network.unlink(0, 1);
  network.nodes[1].present = false;
  network.nodes[2].present = true;
  network.tell();
  CHECK(network.index(2) != former);
  CHECK(network.graph.id(former) == numbered_node(1));  // still known by those who have to forget it
  network.settle();
  network.nodes[3].present = true;
  network.tell();
  CHECK(network.index(3) == former);
}

TEST_CASE("a hop keeps its number while its neighbour is Full, and passes it on only once settled") {
  GraphBuilder network;
  network.link(0, 1);
  network.link(0, 2);
  network.tell();
  network.settle();
  const auto hop_of = [&](std::uint32_t number) {
    for (std::size_t hop = 0; hop < network.graph.hops().size(); hop++) {
      if (network.graph.hops()[hop].neighbor == handle_of(number) && !network.graph.hops()[hop].retired) return hop;
    }
    return std::size_t{99};
  };
  const std::size_t first = hop_of(1), second = hop_of(2);
  network.unlink(0, 1);
  network.link(0, 3);
  network.tell();
  CHECK(network.graph.hops_changed());
  CHECK(hop_of(2) == second);
  CHECK(hop_of(3) != first);
  network.settle();
  CHECK_FALSE(network.graph.hops_changed());
  network.link(0, 4);
  network.tell();
  CHECK(hop_of(4) == first);
}

TEST_CASE("a link to a node that has no other is told from one that may carry others' paths") {
  GraphBuilder network;
  for (const auto& [a, b] : {std::pair(0u, 1u), {1u, 2u}, {2u, 3u}, {3u, 1u}}) network.link(a, b);
  network.tell();
  network.settle();
  network.link(3, 9);  // a leaf comes
  network.tell();
  CHECK(network.graph.only_leaves_changed());
  network.settle();
  network.link(3, 9, 20);  // its link costs more
  network.tell();
  CHECK(network.graph.only_leaves_changed());
  network.settle();
  network.link(2, 9);  // it has two links: no leaf
  network.tell();
  CHECK_FALSE(network.graph.only_leaves_changed());
  network.settle();
  network.unlink(2, 9);
  network.unlink(3, 9);  // it loses both at once: it was none
  network.tell();
  CHECK_FALSE(network.graph.only_leaves_changed());
}

TEST_CASE("more changes than are worth listing are a bulk change") {
  GraphBuilder network;
  network.link(0, 1);
  network.tell();
  network.settle();
  for (std::uint32_t node = 2; node < 60; node++) network.link(node - 1, node);
  network.tell();
  CHECK(network.graph.bulk());
  CHECK(network.graph.changes().empty());
  CHECK(network.graph.edge_count() == 2 * 59);
}
