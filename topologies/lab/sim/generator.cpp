#include "topologies/lab/sim/generator.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/random.h"

namespace starling::sim {

using lab::Link;
using lab::Node;
using lab::Topology;
using nlohmann::json;

namespace {

constexpr const char* kShapes = "must be grid:ROWSxCOLUMNS, ring:N, line:N, random:N,DEGREE or fat-tree:K";

Error error(std::string_view shape, std::string_view what) {
  return Error{fmt::format("{}: {}", shape, what)};
}

std::optional<std::size_t> number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Pair {
  std::size_t first = 0;
  std::size_t second = 0;
};

std::optional<Pair> two_numbers(std::string_view text, char between) {
  const std::size_t at = text.find(between);
  if (at == std::string_view::npos) return std::nullopt;
  const auto first = number(text.substr(0, at));
  const auto second = number(text.substr(at + 1));
  if (!first || !second) return std::nullopt;
  return Pair{*first, *second};
}

// Adds nodes and links; the nodes get their order, and the links their ends, when all are there (Topology sorts by
// name).
class Builder {
 public:
  std::size_t add_node(std::string name) {
    names_.push_back(std::move(name));
    return names_.size() - 1;
  }
  void add_link(std::size_t a, std::size_t b) { links_.push_back({std::min(a, b), std::max(a, b)}); }
  bool has_link(std::size_t a, std::size_t b) const { return known_.contains({std::min(a, b), std::max(a, b)}); }
  void add_new_link(std::size_t a, std::size_t b) {
    add_link(a, b);
    known_.insert({std::min(a, b), std::max(a, b)});
  }
  std::size_t link_count() const { return links_.size(); }

  Topology build(std::string name, const GeneratorOptions& options) const {
    Topology topology;
    topology.name = std::move(name);
    std::vector<std::size_t> order(names_.size());
    for (std::size_t i = 0; i < order.size(); i++) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return names_[a] < names_[b]; });
    std::vector<std::size_t> place(names_.size());
    SeededRandom random(options.seed ^ 0x6d69786564u);
    for (std::size_t i = 0; i < order.size(); i++) {
      place[order[i]] = i;
      topology.nodes.push_back({names_[order[i]], overrides(i, options, random)});
    }
    for (const auto& [a, b] : links_) {
      Link link;
      link.a = place[a];
      link.b = place[b];
      if (options.mixed) link.cost = static_cast<std::uint32_t>(10 * (1 + random.below(4)));
      topology.links.push_back(link);
    }
    return topology;
  }

 private:
  // One address and so one prefix a node: what a network of thousands has room for.
  static json overrides(std::size_t index, const GeneratorOptions& options, RandomSource& random) {
    const std::size_t host = index + 1;
    json node;
    node["addresses"] = json::array({fmt::format("10.{}.{}.{}/32", host >> 16 & 255, host >> 8 & 255, host & 255)});
    if (!options.mixed) return node;
    if (index >= 2 && random.below(8) == 0) node["transit"] = false;
    if (random.below(4) == 0) node["announce"] = json::array({fmt::format("10.250.{}.0/24", random.below(3))});
    return node;
  }

  std::vector<std::string> names_;
  std::vector<std::pair<std::size_t, std::size_t>> links_;
  std::set<std::pair<std::size_t, std::size_t>> known_;
};

Result<Builder> grid(std::string_view shape, const Pair& size) {
  const auto [rows, columns] = size;
  if (rows < 1 || columns < 1 || rows > kGeneratedNodesMax || columns > kGeneratedNodesMax || rows * columns < 2)
    return error(shape, "must have at least two nodes, and no more than 20000");
  Builder builder;
  const auto index = [columns = columns](std::size_t row, std::size_t column) { return row * columns + column; };
  for (std::size_t row = 0; row < rows; row++)
    for (std::size_t column = 0; column < columns; column++)
      builder.add_node(fmt::format("r{}c{}", row + 1, column + 1));
  for (std::size_t row = 0; row < rows; row++)
    for (std::size_t column = 0; column < columns; column++) {
      if (column + 1 < columns) builder.add_link(index(row, column), index(row, column + 1));
      if (row + 1 < rows) builder.add_link(index(row, column), index(row + 1, column));
    }
  return builder;
}

Result<Builder> chain(std::string_view shape, std::size_t size, bool closed) {
  if (size < (closed ? 3u : 2u))
    return error(shape, closed ? "a ring has at least 3 nodes" : "a line has at least 2 nodes");
  Builder builder;
  for (std::size_t i = 0; i < size; i++) builder.add_node(fmt::format("n{}", i + 1));
  for (std::size_t i = 0; i + 1 < size; i++) builder.add_link(i, i + 1);
  if (closed) builder.add_link(size - 1, 0);
  return builder;
}

Result<Builder> random_graph(std::string_view shape, const Pair& size, std::uint64_t seed) {
  const auto [nodes, degree] = size;
  if (nodes < 2) return error(shape, "must have at least two nodes");
  if (degree < 1 || degree >= nodes)
    return error(shape, "the mean degree must be at least 1 and less than the number of nodes");
  Builder builder;
  SeededRandom random(seed);
  for (std::size_t i = 0; i < nodes; i++) builder.add_node(fmt::format("n{}", i + 1));
  for (std::size_t i = 1; i < nodes; i++) builder.add_new_link(random.below(i), i);
  while (builder.link_count() < nodes * degree / 2) {
    const std::size_t a = random.below(nodes);
    const std::size_t b = random.below(nodes);
    if (a != b && !builder.has_link(a, b)) builder.add_new_link(a, b);
  }
  return builder;
}

Result<Builder> fat_tree(std::string_view shape, std::size_t k) {
  if (k < 2 || k % 2 != 0 || k > 64) return error(shape, "K must be even, 2 to 64");
  Builder builder;
  const std::size_t half = k / 2;
  std::vector<std::size_t> cores;
  for (std::size_t i = 0; i < half * half; i++) cores.push_back(builder.add_node(fmt::format("core{}", i + 1)));
  for (std::size_t pod = 0; pod < k; pod++) {
    std::vector<std::size_t> edges;
    for (std::size_t i = 0; i < half; i++)
      edges.push_back(builder.add_node(fmt::format("pod{}-edge{}", pod + 1, i + 1)));
    for (std::size_t i = 0; i < half; i++) {
      const std::size_t aggregation = builder.add_node(fmt::format("pod{}-agg{}", pod + 1, i + 1));
      for (const std::size_t edge : edges) builder.add_link(aggregation, edge);
      for (std::size_t j = 0; j < half; j++) builder.add_link(aggregation, cores[i * half + j]);
    }
  }
  return builder;
}

Result<Builder> build(std::string_view shape, std::uint64_t seed) {
  const std::size_t colon = shape.find(':');
  const std::string_view kind = shape.substr(0, colon);
  const std::string_view rest = colon == std::string_view::npos ? "" : shape.substr(colon + 1);
  const auto one = number(rest);
  const std::size_t most = kGeneratedNodesMax;
  if (one && *one > most) return error(shape, fmt::format("at most {} nodes", most));
  if (kind == "grid") {
    if (const auto size = two_numbers(rest, 'x')) return grid(shape, *size);
  } else if (kind == "random") {
    if (const auto size = two_numbers(rest, ','); size && size->first <= most) return random_graph(shape, *size, seed);
  } else if (kind == "ring" || kind == "line") {
    if (one) return chain(shape, *one, kind == "ring");
  } else if (kind == "fat-tree" && one) {
    return fat_tree(shape, *one);
  }
  return error(shape, kShapes);
}

// What a name of a topology may contain.
std::string name_of(std::string_view shape) {
  std::string name(shape);
  for (char& c : name) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) c = '-';
  }
  return name.substr(0, lab::kTopologyNameSizeMax);
}

}  // namespace

Result<Topology> generate(std::string_view shape, const GeneratorOptions& options) {
  const auto builder = build(shape, options.seed);
  if (!builder) return builder.error();
  Topology topology = builder->build(name_of(shape), options);
  if (topology.nodes.size() > kGeneratedNodesMax || topology.links.size() > kGeneratedLinksMax)
    return error(shape, fmt::format("has {} nodes and {} links; at most {} and {}", topology.nodes.size(),
                                    topology.links.size(), kGeneratedNodesMax, kGeneratedLinksMax));
  topology.description =
      fmt::format("{} made by `starling sim generate {}`, seed {}", topology.name, shape, options.seed);
  return topology;
}

std::string to_json_text(const Topology& topology) {
  nlohmann::ordered_json document;
  document["name"] = topology.name;
  document["description"] = topology.description;
  for (const Node& node : topology.nodes) document["nodes"][node.name] = node.overrides;
  document["links"] = json::array();
  for (const Link& link : topology.links)
    document["links"].push_back(
        {{"nodes", {topology.nodes[link.a].name, topology.nodes[link.b].name}}, {"cost", link.cost}});
  return document.dump(2) + "\n";
}

}  // namespace starling::sim
