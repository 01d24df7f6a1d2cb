// What it costs to compute paths and alternates, from scratch and after a change, for networks of several shapes and
// sizes. Everything is announced as in a router: the graph follows announcements, so what is measured is what a router
// does between an announcement and its routes.
//
// "full" is shortest paths with all first hops; "protected" adds the distances from each neighbour and the choice of an
// alternate for every destination. "link" is the whole way from one end's announcement that a link has gone, or come
// back, to changed groups and rights; "leaf" the same for a node that hangs on one link; "prefix" for a node that
// announces one more prefix, or one less.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "base/system.h"
#include "routing/alternates.h"
#include "routing/graph.h"
#include "routing/ingress.h"
#include "routing/prefix_table.h"
#include "routing/routes.h"
#include "routing/spf.h"

namespace {

using namespace starling;
using namespace starling::routing;

struct Shape {
  std::string name;
  std::uint32_t nodes = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> links;
  std::uint32_t root = 0;
};

Shape grid(std::uint32_t side) {
  Shape shape{fmt::format("grid {0}x{0}", side), side * side, {}, side * (side / 2) + side / 2};
  for (std::uint32_t node = 0; node < side * side; node++) {
    if (node % side + 1 < side) shape.links.push_back({node, node + 1});
    if (node + side < side * side) shape.links.push_back({node, node + side});
  }
  return shape;
}

// A tree, so that it hangs together, and random links besides. The root is the first node with eight links or the most
// below that.
Shape random_network(std::uint32_t nodes, std::uint32_t links) {
  Shape shape{fmt::format("random {}", nodes), nodes, {}, 0};
  SeededRandom random(nodes);
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t node = 1; node < nodes; node++)
    pairs.insert({static_cast<std::uint32_t>(random.below(node)), node});
  while (pairs.size() < links) {
    const auto a = static_cast<std::uint32_t>(random.below(nodes)), b = static_cast<std::uint32_t>(random.below(nodes));
    if (a != b) pairs.insert({std::min(a, b), std::max(a, b)});
  }
  shape.links.assign(pairs.begin(), pairs.end());
  std::vector<std::uint32_t> degree(nodes, 0);
  for (const auto& [a, b] : shape.links) {
    degree[a]++;
    degree[b]++;
  }
  for (std::uint32_t node = 0; node < nodes; node++) {
    if (degree[node] <= 8 && degree[node] > (degree[shape.root] <= 8 ? degree[shape.root] : 0)) shape.root = node;
  }
  return shape;
}

Shape fat_tree(std::uint32_t k) {  // switches only: (k/2)² core, k pods of k
  const std::uint32_t half = k / 2, core = half * half;
  Shape shape{fmt::format("fat-tree {}", k), core + k * k, {}, core + half};
  for (std::uint32_t pod = 0; pod < k; pod++) {
    for (std::uint32_t up = 0; up < half; up++) {
      const std::uint32_t aggregation = core + pod * k + up;
      for (std::uint32_t i = 0; i < half; i++) {
        shape.links.push_back({up * half + i, aggregation});
        shape.links.push_back({aggregation, core + pod * k + half + i});
      }
    }
  }
  return shape;
}

Shape ring(std::uint32_t nodes) {
  Shape shape{fmt::format("ring {}", nodes), nodes, {}, 0};
  for (std::uint32_t node = 0; node < nodes; node++) shape.links.push_back({node, (node + 1) % nodes});
  return shape;
}

NodeId id_of(std::uint32_t node) {
  NodeId id;
  SeededRandom random(node + std::uint64_t{1});
  random.fill(id.bytes);
  return id;
}

// Everything that a router computes with, fed with what the nodes announce.
class Network {
 public:
  explicit Network(const Shape& shape)
      : shape_(shape), graph(id_of(shape.root)), routes(prefixes, graph, paths, alternates), ingress(prefixes, graph) {
    nodes_.resize(shape.nodes);
    for (const auto& [a, b] : shape.links) {
      nodes_[a].links.insert(b);
      nodes_[b].links.insert(a);
    }
    for (std::uint32_t node = 0; node < shape.nodes; node++) {
      const auto high = static_cast<std::uint8_t>(node >> 8), low = static_cast<std::uint8_t>(node);
      nodes_[node].prefixes.push_back(Prefix(IpAddress::v4({10, high, low, 0}), 24));
      announce(node);
    }
    std::vector<LocalLink> local;
    for (const std::uint32_t other : nodes_[shape.root].links) local.push_back({id_of(other), other, {}});
    graph.set_local_links(local);
    follow();
    alternates.run(graph);
    routes.update({}, {}, true);
  }

  // A node's announcement as it is now, in place of the one before.
  void announce(std::uint32_t node) {
    if (node == shape_.root) return;
    prepare(node);
    give(node);
  }
  // In two steps: what its origin does, and what arrives.
  void prepare(std::uint32_t node) {
    LsaContent content;
    content.attributes = NodeAttributes{"n", {}, true, false};
    for (const std::uint32_t other : nodes_[node].links) content.links.push_back({id_of(other), 10, 0, 0, 0, false});
    content.prefixes = nodes_[node].prefixes;
    nodes_[node].next = make_lsa({id_of(node), 0}, 1, 3600, content, [](Bytes) { return Signature{}; });
  }
  void give(std::uint32_t node) {
    const LsaHandle before = std::exchange(nodes_[node].lsa, nodes_[node].next);
    const auto replaced = graph.replace(before.get(), nodes_[node].lsa.get());
    const auto& is = nodes_[node].lsa->content().prefixes;
    if (before && before->content().prefixes == is) return;
    for (const Prefix& prefix : before ? before->content().prefixes : std::vector<Prefix>{}) {
      if (!graph.announces(replaced.node, prefix)) prefixes.remove(replaced.node, prefix);
    }
    for (const Prefix& prefix : is) prefixes.add(replaced.node, prefix);
  }
  // Acts upon all that has been announced.
  void follow() {
    moved_.clear();
    reconsidered_.clear();
    bool all = false;
    if (graph.bulk()) {
      paths.run(graph, moved_);
    } else if (graph.changed()) {
      paths.update(graph, moved_);
      all = alternates.update(graph, reconsidered_);
    }
    routes.update(moved_, reconsidered_, all);
    ingress.update(Time{});
    graph.settle();
    prefixes.settle();
  }

  struct Node {
    std::set<std::uint32_t> links;
    std::vector<Prefix> prefixes;
    LsaHandle lsa, next;
  };
  Node& node(std::uint32_t number) { return nodes_[number]; }
  const Shape& shape() const { return shape_; }

 private:
  const Shape& shape_;
  std::vector<Node> nodes_;
  std::vector<NodeIndex> moved_, reconsidered_;

 public:
  ImportPolicy accept;
  Graph graph;
  PrefixTable prefixes{accept};
  ShortestPaths paths;
  Alternates alternates;
  RouteTable routes;
  IngressTable ingress;
};

struct Effort {
  int full = 200;     // computations
  int changes = 200;  // each there and back
};

double median_us(int times, const std::function<void(int)>& prepare, const std::function<void(int)>& work) {
  std::vector<double> taken;
  for (int i = 0; i < times; i++) {
    prepare(i);
    const Time begin = monotonic_now();
    work(i);
    taken.push_back(std::chrono::duration<double, std::micro>(monotonic_now() - begin).count());
  }
  std::nth_element(taken.begin(), taken.begin() + times / 2, taken.end());
  return taken[static_cast<std::size_t>(times / 2)];
}

double median_full_us(Network& network, const Effort& effort) {
  std::vector<NodeIndex> changed;
  return median_us(
      effort.full, [&](int) { changed.clear(); }, [&](int) { network.paths.run(network.graph, changed); });
}

double median_protected_us(Network& network, const Effort& effort) {
  std::vector<NodeIndex> changed;
  std::uint64_t chosen = 0;
  const double median = median_us(
      effort.full / 4 + 1, [&](int) { changed.clear(); },
      [&](int) {
        network.paths.run(network.graph, changed);
        network.alternates.run(network.graph);
        chosen += network.routes.coverage().node_protecting;
      });
  if (chosen == 1) throw std::runtime_error("an alternate was computed once only");  // and so that it is computed
  return median;
}

// One end says that a link has gone, then that it is back; each is measured.
double median_link_us(Network& network, const Effort& effort) {
  SeededRandom random(7);
  std::pair<std::uint32_t, std::uint32_t> link;
  const auto prepare = [&](int i) {
    if (i % 2 == 0) {
      do {
        link = network.shape().links[random.below(network.shape().links.size())];
      } while (link.first == network.shape().root || link.second == network.shape().root);
      network.node(link.first).links.erase(link.second);
    } else {
      network.node(link.first).links.insert(link.second);
    }
    network.prepare(link.first);
  };
  return median_us(effort.changes * 2, prepare, [&](int) {
    network.give(link.first);
    network.follow();
  });
}

// A node that has one link raises its cost, by leaving and coming back.
double median_leaf_us(Network& network, const Effort& effort, std::uint32_t leaf) {
  const std::uint32_t other = *network.node(leaf).links.begin();
  const auto prepare = [&](int i) {
    if (i % 2 == 0) {
      network.node(leaf).links.erase(other);
    } else {
      network.node(leaf).links.insert(other);
    }
    network.prepare(leaf);
  };
  return median_us(effort.changes * 2, prepare, [&](int) {
    network.give(leaf);
    if (!network.graph.only_leaves_changed()) throw std::runtime_error("the leaf was none");
    network.follow();
  });
}

double median_prefix_us(Network& network, const Effort& effort) {
  SeededRandom random(8);
  std::uint32_t node = 0;
  const auto prepare = [&](int i) {
    if (i % 2 == 0) {
      do {
        node = static_cast<std::uint32_t>(random.below(network.shape().nodes));
      } while (node == network.shape().root);
      network.node(node).prefixes.push_back(Prefix(IpAddress::v4({172, 16, 1, 0}), 24));
    } else {
      network.node(node).prefixes.pop_back();
    }
    network.prepare(node);
  };
  return median_us(effort.changes * 2, prepare, [&](int) {
    network.give(node);
    if (network.graph.changed()) throw std::runtime_error("a prefix changed the graph");
    network.follow();
  });
}

nlohmann::ordered_json measure(Shape shape, const Effort& effort) {
  const std::uint32_t leaf = shape.nodes++;  // hangs on the first node that is not the root
  shape.links.push_back({shape.root == 0 ? 1u : 0u, leaf});
  Network network(shape);
  if (network.paths.reached() != shape.nodes) throw std::runtime_error(shape.name + " does not hang together");
  const BackupCoverage coverage = network.routes.coverage();
  nlohmann::ordered_json figures{{"shape", shape.name},
                                 {"nodes", shape.nodes},
                                 {"links", shape.links.size()},
                                 {"degree", network.graph.degree(kRoot)}};
  figures["full_us"] = median_full_us(network, effort);
  figures["protected_us"] = median_protected_us(network, effort);
  figures["link_us"] = median_link_us(network, effort);
  figures["leaf_us"] = median_leaf_us(network, effort, leaf);
  figures["prefix_us"] = median_prefix_us(network, effort);
  const auto percent = [&](std::uint32_t count) { return 100.0 * count / coverage.destinations; };
  figures["ecmp_percent"] = percent(coverage.ecmp);
  figures["node_protected_percent"] = percent(coverage.node_protecting);
  figures["link_protected_percent"] = percent(coverage.link_protecting);
  return figures;
}

void print_table(const nlohmann::ordered_json& all) {
  fmt::print("{:<14}{:>7}{:>7}{:>7}{:>10}{:>12}{:>10}{:>10}{:>10}{:>8}{:>8}{:>8}\n", "shape", "nodes", "links",
             "degree", "full us", "protected us", "link us", "leaf us", "prefix us", "ECMP %", "node %", "link %");
  for (const auto& f : all) {
    fmt::print("{:<14}{:>7}{:>7}{:>7}{:>10.1f}{:>12.1f}{:>10.1f}{:>10.1f}{:>10.1f}{:>8.1f}{:>8.1f}{:>8.1f}\n",
               f["shape"].get<std::string>(), f["nodes"].get<int>(), f["links"].get<int>(), f["degree"].get<int>(),
               f["full_us"].get<double>(), f["protected_us"].get<double>(), f["link_us"].get<double>(),
               f["leaf_us"].get<double>(), f["prefix_us"].get<double>(), f["ecmp_percent"].get<double>(),
               f["node_protected_percent"].get<double>(), f["link_protected_percent"].get<double>());
  }
}

constexpr const char* kHelp = R"(usage: tests/bench/spf [--quick] [--json]

What it costs to compute paths and alternates, in microseconds (medians): from scratch ("full"; "protected" with an
alternate for every destination), and from one announcement to changed groups and rights to send ("link": a link goes
or comes back; "leaf": of a node that has no other; "prefix": a prefix comes or goes). The percentages say how many
destinations have several next hops, or one and a loop-free alternate that protects its node or its link.

  --quick   small networks, few turns: to see whether it works, not how fast
  --json    as JSON
)";

}  // namespace

int main(int argc, char** argv) try {
  bool quick = false, json = false;
  for (const std::string_view word : std::span(argv + 1, argv + argc)) {
    if (word == "--quick") {
      quick = true;
    } else if (word == "--json") {
      json = true;
    } else {
      const bool asked = word == "--help" || word == "-h";
      fmt::print(asked ? stdout : stderr, "{}", kHelp);
      return asked ? EXIT_SUCCESS : 2;
    }
  }
  std::vector<Shape> shapes{grid(10), ring(100), random_network(100, 200), fat_tree(8)};
  if (!quick) {
    for (Shape& shape : std::vector<Shape>{grid(32), random_network(1000, 2000), grid(70), fat_tree(18), ring(10'000),
                                           grid(100), random_network(10'000, 20'000)}) {
      shapes.push_back(std::move(shape));
    }
  }
  const Effort effort = quick ? Effort{5, 5} : Effort{};
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (Shape& shape : shapes) {
    if (!json) fmt::print(stderr, "{}\n", shape.name);
    all.push_back(measure(std::move(shape), effort));
  }
  if (json) {
    fmt::print("{}\n", all.dump());
  } else {
    print_table(all);
  }
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  fmt::print(stderr, "tests/bench/spf: {}\n", error.what());
  return EXIT_FAILURE;
}
