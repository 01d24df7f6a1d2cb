#include "topologies/lab/sim/fault.h"

#include <algorithm>
#include <array>

namespace starling::sim {

namespace {

constexpr const char* kNames[] = {"cut",  "one-way", "down", "stop",  "restart", "freeze",  "partition",
                                  "clog", "loss",    "mtu",  "clock", "cost",    "prefixes"};
constexpr std::uint32_t kHeavyLoss_permille = 333;
constexpr std::uint32_t kSmallMtu = 600;  // bytes
constexpr Duration kClogMax = std::chrono::seconds(2);
constexpr int kTriesMax = 64;  // to find a place by chance

bool is_about_node(FaultKind kind) {
  return kind == FaultKind::stop || kind == FaultKind::restart || kind == FaultKind::freeze ||
         kind == FaultKind::clock || kind == FaultKind::prefixes;
}

LinkEnds sorted(LinkEnds ends) {
  return {std::min(ends.first, ends.second), std::max(ends.first, ends.second)};
}

std::optional<NodeIndex> choose_node(const Network& network, const Busy& busy, RandomSource& random) {
  for (int i = 0; i < kTriesMax; i++) {
    const auto node = static_cast<NodeIndex>(random.below(network.size()));
    if (!network.running(node) || network.frozen(node) || busy.nodes.contains(node)) continue;
    return node;
  }
  return std::nullopt;
}

std::optional<LinkEnds> choose_link(const Network& network, const Busy& busy, RandomSource& random) {
  for (int i = 0; i < kTriesMax; i++) {
    const auto a = static_cast<NodeIndex>(random.below(network.size()));
    const auto neighbors = network.neighbors(a);
    if (neighbors.empty()) continue;
    const NodeIndex b = neighbors[random.below(neighbors.size())];
    const LinkEnds ends = sorted({a, b});
    if (busy.links.contains(ends) || !network.links().at(ends).carries()) continue;
    if (!network.running(a) || !network.running(b) || network.frozen(a) || network.frozen(b)) continue;
    return random.below(2) == 0 ? LinkEnds{a, b} : LinkEnds{b, a};
  }
  return std::nullopt;
}

// A half that is connected, as far as it goes: grown from one node.
std::vector<LinkEnds> choose_partition(const Network& network, const Busy& busy, RandomSource& random) {
  std::vector<NodeIndex> side{static_cast<NodeIndex>(random.below(network.size()))};
  std::vector<bool> inside(network.size(), false);
  inside[side.front()] = true;
  const std::size_t wanted = 1 + random.below(std::max<std::size_t>(network.size() / 2, 1));
  for (std::size_t i = 0; i < side.size() && side.size() < wanted; i++) {
    for (const NodeIndex next : network.neighbors(side[i])) {
      if (inside[next] || side.size() >= wanted) continue;
      inside[next] = true;
      side.push_back(next);
    }
  }
  std::vector<LinkEnds> crossing;
  for (const auto& [ends, link] : network.links()) {
    if (inside[ends.first] == inside[ends.second] || !link.carries() || busy.links.contains(ends)) continue;
    crossing.push_back(ends);
  }
  return crossing;
}

void set_mtu(Network& network, const LinkEnds& ends, std::uint32_t mtu) {
  for (const auto& [from, to] : {ends, LinkEnds{ends.second, ends.first}}) {
    Quality quality = network.channel(from, to).quality;
    quality.mtu = mtu;
    network.set_quality(from, to, quality);
  }
}

void set_loss(Network& network, const LinkEnds& ends, std::uint32_t loss_permille) {
  for (const auto& [from, to] : {ends, LinkEnds{ends.second, ends.first}}) {
    Quality quality = network.channel(from, to).quality;
    quality.loss_permille = loss_permille;
    network.set_quality(from, to, quality);
  }
}

Prefix one_more(NodeIndex node) {
  return Prefix(IpAddress::v4({10, 251, static_cast<std::uint8_t>(node >> 8), static_cast<std::uint8_t>(node)}), 32);
}

}  // namespace

const char* to_string(FaultKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

std::optional<FaultKind> parse_fault_kind(std::string_view text) {
  for (const FaultKind kind : kFaultKinds) {
    if (text == to_string(kind)) return kind;
  }
  return std::nullopt;
}

std::optional<Fault> choose_fault(FaultKind kind, const Network& network, const Busy& busy, RandomSource& random) {
  Fault fault;
  fault.kind = kind;
  if (is_about_node(kind)) {
    const auto node = choose_node(network, busy, random);
    if (!node) return std::nullopt;
    fault.node = *node;
    const auto hours = static_cast<std::int64_t>(random.below(48)) - 24;
    fault.by = std::chrono::hours(hours);
    return fault;
  }
  if (kind == FaultKind::partition) {
    fault.links = choose_partition(network, busy, random);
    if (fault.links.empty()) return std::nullopt;
    return fault;
  }
  const auto link = choose_link(network, busy, random);
  if (!link) return std::nullopt;
  fault.links = {*link};
  fault.by = Duration(static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(kClogMax.count()))));
  fault.cost = static_cast<routing::Metric>(10 * (1 + random.below(8)));
  return fault;
}

void occupy(const Fault& fault, Busy& busy) {
  for (const LinkEnds& ends : fault.links) busy.links.insert(sorted(ends));
  if (fault.node != kNoNode) busy.nodes.insert(fault.node);
}

void release(const Fault& fault, Busy& busy) {
  for (const LinkEnds& ends : fault.links) busy.links.erase(sorted(ends));
  if (fault.node != kNoNode) busy.nodes.erase(fault.node);
}

void apply(Network& network, Fault& fault) {
  for (const auto& [a, b] : fault.links)
    fault.before.emplace_back(network.channel(a, b).quality, network.channel(b, a).quality);
  const LinkEnds ends = fault.links.empty() ? LinkEnds{} : fault.links.front();
  switch (fault.kind) {
    case FaultKind::cut:
    case FaultKind::partition:
      for (const auto& [a, b] : fault.links) network.cut(a, b);
      break;
    case FaultKind::one_way: network.set_open(ends.first, ends.second, false); break;
    case FaultKind::down: network.lose_carrier(ends.first, ends.second); break;
    case FaultKind::stop: network.stop(fault.node); break;
    case FaultKind::restart:
      network.stop(fault.node);
      network.start(fault.node);
      break;
    case FaultKind::freeze: network.freeze(fault.node); break;
    case FaultKind::clog:
      network.clog(ends.first, ends.second, fault.by);
      network.clog(ends.second, ends.first, fault.by);
      break;
    case FaultKind::loss: set_loss(network, ends, kHeavyLoss_permille); break;
    case FaultKind::mtu: set_mtu(network, ends, kSmallMtu); break;
    case FaultKind::clock:
      network.set_wall_offset(fault.node, network.options(fault.node).wall_offset + fault.by);
      break;
    case FaultKind::cost:
      fault.cost_before = network.links().at(sorted(ends)).options.cost;
      network.set_cost(ends.first, ends.second, fault.cost);
      break;
    case FaultKind::prefixes: {
      std::vector<Prefix> prefixes = network.options(fault.node).prefixes;
      prefixes.push_back(one_more(fault.node));
      network.set_prefixes(fault.node, std::move(prefixes));
      break;
    }
  }
}

void undo(Network& network, const Fault& fault) {
  const LinkEnds ends = fault.links.empty() ? LinkEnds{} : fault.links.front();
  switch (fault.kind) {
    case FaultKind::cut:
    case FaultKind::partition:
    case FaultKind::down:
      for (const auto& [a, b] : fault.links) network.restore(a, b);
      break;
    case FaultKind::one_way: network.set_open(ends.first, ends.second, true); break;
    case FaultKind::stop: network.start(fault.node); break;
    case FaultKind::freeze: network.thaw(fault.node); break;
    case FaultKind::clog:
      network.clog(ends.first, ends.second, {});
      network.clog(ends.second, ends.first, {});
      break;
    case FaultKind::loss:
    case FaultKind::mtu:
      network.set_quality(ends.first, ends.second, fault.before.front().first);
      network.set_quality(ends.second, ends.first, fault.before.front().second);
      break;
    case FaultKind::clock:
      network.set_wall_offset(fault.node, network.options(fault.node).wall_offset - fault.by);
      break;
    case FaultKind::cost: network.set_cost(ends.first, ends.second, fault.cost_before); break;
    case FaultKind::prefixes: {
      std::vector<Prefix> prefixes = network.options(fault.node).prefixes;
      std::erase(prefixes, one_more(fault.node));
      network.set_prefixes(fault.node, std::move(prefixes));
      break;
    }
    case FaultKind::restart: break;
  }
}

std::string describe(const Network& network, const Fault& fault) {
  const std::string kind = to_string(fault.kind);
  if (fault.node != kNoNode) return kind + " " + network.name(fault.node);
  if (fault.links.size() != 1) return kind + " of " + std::to_string(fault.links.size()) + " links";
  const auto& [a, b] = fault.links.front();
  return kind + " " + network.name(a) + (fault.kind == FaultKind::one_way ? "→" : "–") + network.name(b);
}

std::vector<std::pair<NodeIndex, NodeIndex>> ended_adjacencies(const Network& network, const Fault& fault) {
  std::vector<std::pair<NodeIndex, NodeIndex>> ended;
  switch (fault.kind) {
    case FaultKind::cut:
    case FaultKind::one_way:
    case FaultKind::down:
    case FaultKind::partition:
      for (const auto& [a, b] : fault.links) {
        if (!network.running(a) || !network.running(b)) continue;
        ended.emplace_back(a, b);
        ended.emplace_back(b, a);
      }
      break;
    case FaultKind::stop:
    case FaultKind::freeze:
      for (const NodeIndex neighbor : network.neighbors(fault.node)) {
        if (network.running(neighbor) && network.channel(fault.node, neighbor).open &&
            network.links().at(sorted({fault.node, neighbor})).up)
          ended.emplace_back(neighbor, fault.node);
      }
      break;
    default: break;
  }
  return ended;
}

}  // namespace starling::sim
