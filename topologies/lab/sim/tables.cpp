#include "topologies/lab/sim/tables.h"

#include <algorithm>
#include <stdexcept>

namespace starling::sim {

namespace {

std::uint32_t& element(std::vector<std::uint32_t>& values, std::size_t index, std::size_t size_expected) {
  constexpr std::uint32_t kNone = ~std::uint32_t{0};
  if (index >= values.size()) {
    values.reserve(std::max(index + 1, size_expected));
    values.resize(index + 1, kNone);
  }
  return values[index];
}

}  // namespace

PrefixNumber PrefixNumbers::number_of(const Prefix& prefix) {
  const auto [at, is_new] = numbers_.try_emplace(prefix, static_cast<PrefixNumber>(prefixes_.size()));
  if (!is_new) return at->second;
  prefixes_.push_back(prefix);
  (prefix.family() == Family::ipv4 ? lengths_v4_ : lengths_v6_).set(static_cast<std::size_t>(prefix.length()));
  return at->second;
}

std::optional<PrefixNumber> PrefixNumbers::find(const Prefix& prefix) const {
  const auto at = numbers_.find(prefix);
  if (at == numbers_.end()) return std::nullopt;
  return at->second;
}

std::vector<PrefixNumber> PrefixNumbers::covering(const IpAddress& address) const {
  std::vector<PrefixNumber> found;
  const std::bitset<129>& lengths = address.is_v4() ? lengths_v4_ : lengths_v6_;
  for (int length = address.bits(); length >= 0; length--) {
    if (!lengths.test(static_cast<std::size_t>(length))) continue;
    const auto at = numbers_.find(Prefix(address, length));
    if (at != numbers_.end()) found.push_back(at->second);
  }
  return found;
}

Port Tables::port_of(std::span<const NodeIndex> neighbors, NodeIndex neighbor) {
  const auto at = std::lower_bound(neighbors.begin(), neighbors.end(), neighbor);
  if (at == neighbors.end() || *at != neighbor)
    throw std::logic_error("a router names a neighbour that it does not have");
  return static_cast<Port>(at - neighbors.begin());
}

const Hops& Tables::hops_from(std::span<const NodeIndex> neighbors, const routing::RouteGroup& group, Hops& hops) {
  hops.metric = group.metric;
  hops.members.clear();
  for (const routing::NeighborId member : group.members) hops.members.push_back(port_of(neighbors, member));
  hops.backup = group.backup != routing::kNoNeighbor ? port_of(neighbors, group.backup) : kNoPort;
  hops.backup_kind = group.backup_kind;
  return hops;
}

const std::vector<Port>& Tables::senders_from(std::span<const NodeIndex> neighbors,
                                              const routing::IngressChange& change, std::vector<Port>& ports) {
  ports.clear();
  for (const routing::NeighborId neighbor : change.allowed) ports.push_back(port_of(neighbors, neighbor));
  return ports;
}

void Tables::apply(NodeIndex index, std::span<const NodeIndex> neighbors, const routing::RouterOutbox& outbox) {
  Node& node = nodes_[index];
  for (const routing::RouteGroup& group : outbox.routes.groups) {
    std::uint32_t& hops = element(node.hops_of, group.id, prefixes_.size() + 1);
    if (hops == kNone) node.groups++;
    hops = hops_.number_of(hops_from(neighbors, group, wanted_hops_));
  }
  for (const routing::Route& route : outbox.routes.routes)
    element(node.group_of, prefixes_.number_of(route.prefix), prefixes_.size()) = route.group;
  for (const Prefix& prefix : outbox.routes.removed_routes)
    element(node.group_of, prefixes_.number_of(prefix), prefixes_.size()) = kNone;
  for (const std::uint32_t id : outbox.routes.removed_groups) {
    std::uint32_t& hops = element(node.hops_of, id, prefixes_.size() + 1);
    if (hops != kNone) node.groups--;
    hops = kNone;
  }
  for (const routing::IngressChange& change : outbox.ingress) {
    std::uint32_t& senders = element(node.senders_of, prefixes_.number_of(change.prefix), prefixes_.size());
    senders = change.removed ? kNone : senders_.number_of(senders_from(neighbors, change, wanted_senders_));
  }
}

const Hops* Tables::hops(NodeIndex index, PrefixNumber prefix) const {
  const Node& node = nodes_[index];
  if (prefix >= node.group_of.size() || node.group_of[prefix] == kNone) return nullptr;
  const std::uint32_t group = node.group_of[prefix];
  if (group >= node.hops_of.size() || node.hops_of[group] == kNone) return nullptr;
  return &hops_.at(node.hops_of[group]);
}

bool Tables::knows_source(NodeIndex index, PrefixNumber source) const {
  const Node& node = nodes_[index];
  return source < node.senders_of.size() && node.senders_of[source] != kNone;
}

bool Tables::may_send(NodeIndex index, PrefixNumber source, Port from) const {
  if (!knows_source(index, source)) return false;
  const std::vector<Port>& allowed = senders_.at(nodes_[index].senders_of[source]);
  return std::binary_search(allowed.begin(), allowed.end(), from);
}

std::size_t Tables::route_count(NodeIndex index) const {
  const std::vector<std::uint32_t>& groups = nodes_[index].group_of;
  return groups.size() - static_cast<std::size_t>(std::count(groups.begin(), groups.end(), kNone));
}

bool Tables::is_exact(NodeIndex index, std::span<const NodeIndex> neighbors, const routing::Router& router) const {
  const Node& node = nodes_[index];
  const auto routes = router.routes();
  const auto same = [&](const routing::Route& route) {
    const auto number = prefixes_.find(route.prefix);
    if (!number || *number >= node.group_of.size() || node.group_of[*number] != route.group) return false;
    const Hops* found = hops(index, *number);
    return found != nullptr && !found->members.empty();
  };
  return routes.size() == route_count(index) && std::all_of(routes.begin(), routes.end(), same) &&
         groups_are_exact(node, neighbors, router) && ingress_is_exact(node, neighbors, router);
}

bool Tables::groups_are_exact(const Node& node, std::span<const NodeIndex> neighbors,
                              const routing::Router& router) const {
  const auto groups = router.groups();
  Hops hops;
  return groups.size() == node.groups && std::all_of(groups.begin(), groups.end(), [&](const auto& group) {
           return group.id < node.hops_of.size() && node.hops_of[group.id] != kNone &&
                  hops_.at(node.hops_of[group.id]) == hops_from(neighbors, group, hops);
         });
}

bool Tables::ingress_is_exact(const Node& node, std::span<const NodeIndex> neighbors,
                              const routing::Router& router) const {
  const auto ingress = router.ingress();
  const auto count = node.senders_of.size() -
                     static_cast<std::size_t>(std::count(node.senders_of.begin(), node.senders_of.end(), kNone));
  std::vector<Port> ports;
  const auto same = [&](const routing::IngressChange& change) {
    const auto number = prefixes_.find(change.prefix);
    return number && *number < node.senders_of.size() && node.senders_of[*number] != kNone &&
           senders_.at(node.senders_of[*number]) == senders_from(neighbors, change, ports);
  };
  return ingress.size() == count && std::all_of(ingress.begin(), ingress.end(), same);
}

}  // namespace starling::sim
