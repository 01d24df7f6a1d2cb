// What the simulated hosts have installed: for every node and prefix the next hops, and who may send that source. Built
// from nothing but the Routers' deltas, as the daemon's engine is, and small, because there are nodes × prefixes of it:
// prefixes, sets of next hops and sets of senders are numbered once for all nodes, and neighbours are ports (positions
// among a node's sorted neighbours), so that equal sets of different nodes are the same.
#pragma once

#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "routing/router.h"

namespace starling::sim {

using NodeIndex = std::uint32_t;
inline constexpr NodeIndex kNoNode = ~NodeIndex{0};
using Port = std::uint16_t;
inline constexpr Port kNoPort = 0xffff;
using PrefixNumber = std::uint32_t;

// Every prefix that was ever announced anywhere.
class PrefixNumbers {
 public:
  PrefixNumber number_of(const Prefix& prefix);  // a new one if need be
  std::optional<PrefixNumber> find(const Prefix& prefix) const;
  const Prefix& at(PrefixNumber number) const { return prefixes_[number]; }
  std::size_t size() const { return prefixes_.size(); }
  // Those that contain the address, the longest first.
  std::vector<PrefixNumber> covering(const IpAddress& address) const;

 private:
  std::vector<Prefix> prefixes_;
  std::unordered_map<Prefix, PrefixNumber> numbers_;
  std::bitset<129> lengths_v4_, lengths_v6_;  // that any of them has
};

struct Hops {
  routing::Metric metric = 0;
  std::vector<Port> members;
  Port backup = kNoPort;
  routing::BackupKind backup_kind = routing::BackupKind::none;

  friend auto operator<=>(const Hops&, const Hops&) = default;
};

// Values that are held once, by number.
template <typename T>
class Numbered {
 public:
  std::uint32_t number_of(const T& value) {
    const auto [at, is_new] = numbers_.try_emplace(value, static_cast<std::uint32_t>(values_.size()));
    if (is_new) values_.push_back(&at->first);
    return at->second;
  }
  const T& at(std::uint32_t number) const { return *values_[number]; }

 private:
  std::map<T, std::uint32_t> numbers_;
  std::vector<const T*> values_;
};

class Tables {
 public:
  void add_node() { nodes_.emplace_back(); }
  // What a node that is stopped has: nothing.
  void clear(NodeIndex node) { nodes_[node] = {}; }
  // `neighbors`: the node's, sorted. Applied in the order that RouteDelta demands.
  void apply(NodeIndex node, std::span<const NodeIndex> neighbors, const routing::RouterOutbox& outbox);

  PrefixNumbers& prefixes() { return prefixes_; }
  const PrefixNumbers& prefixes() const { return prefixes_; }
  const Hops* hops(NodeIndex node, PrefixNumber prefix) const;  // nullptr: no route
  bool may_send(NodeIndex node, PrefixNumber source, Port from) const;
  bool knows_source(NodeIndex node, PrefixNumber source) const;
  // Each route of a node with its prefix.
  template <typename Each>
  void each_route(NodeIndex node, const Each& each) const {
    const auto count = static_cast<PrefixNumber>(nodes_[node].group_of.size());
    for (PrefixNumber prefix = 0; prefix < count; prefix++) {
      if (const Hops* found = hops(node, prefix)) each(prefix, *found);
    }
  }
  std::size_t route_count(NodeIndex node) const;
  // Whether the deltas add up to the router's own tables.
  bool is_exact(NodeIndex node, std::span<const NodeIndex> neighbors, const routing::Router& router) const;

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct Node {
    std::vector<std::uint32_t> group_of;    // by prefix: a group's id
    std::vector<std::uint32_t> hops_of;     // by group id: a number of hops_
    std::vector<std::uint32_t> senders_of;  // by prefix: a number of senders_
    std::size_t groups = 0;
  };
  static Port port_of(std::span<const NodeIndex> neighbors, NodeIndex neighbor);
  // Written over `hops` and `ports`, so that their memory is used again.
  static const Hops& hops_from(std::span<const NodeIndex> neighbors, const routing::RouteGroup& group, Hops& hops);
  static const std::vector<Port>& senders_from(std::span<const NodeIndex> neighbors,
                                               const routing::IngressChange& change, std::vector<Port>& ports);
  bool groups_are_exact(const Node& node, std::span<const NodeIndex> neighbors, const routing::Router& router) const;
  bool ingress_is_exact(const Node& node, std::span<const NodeIndex> neighbors, const routing::Router& router) const;

  PrefixNumbers prefixes_;
  Numbered<Hops> hops_;
  Numbered<std::vector<Port>> senders_;
  std::vector<Node> nodes_;
  Hops wanted_hops_;  // as read from a delta
  std::vector<Port> wanted_senders_;
};

}  // namespace starling::sim
