// Which neighbour carries which prefix, in the engine's terms: the router's groups (keyed by its own ids) become a
// dense list, and the prefixes of stock WireGuard peers stand behind them. Invariant: as long as apply() reports only
// changed groups, groups() has the length and the order of the last description(), so that a reroute swaps groups and
// never touches prefixes.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "daemon/control/views.h"
#include "routing/router.h"
#include "wg/tables.h"

namespace starling::daemon {

struct EgressChange {
  std::size_t groups = 0;    // how many are new, gone or have other members
  std::size_t prefixes = 0;  // how many are new, gone or in another group
  bool groups_only = false;  // set_egress_groups is enough

  bool empty() const { return groups == 0 && prefixes == 0; }
};

class EgressPlan {
 public:
  explicit EgressPlan(std::vector<StaticPeer> static_peers) : static_peers_(std::move(static_peers)) {}

  EgressChange apply(const routing::RouteDelta& delta);

  wg::EgressDescription description() const;
  std::vector<wg::NextHopGroup> groups() const;

  // The group of a routed prefix; nullptr for one that is not routed, or only statically.
  const routing::RouteGroup* group_of(const Prefix& prefix) const;
  const std::map<Prefix, std::uint32_t>& routes() const { return routes_; }
  const std::vector<StaticPeer>& static_peers() const { return static_peers_; }
  // The prefixes of one group, for those who must follow a change of its members.
  std::vector<Prefix> prefixes_of(std::uint32_t group) const;

 private:
  std::vector<StaticPeer> static_peers_;
  std::map<std::uint32_t, routing::RouteGroup> groups_;  // by the router's id
  std::map<Prefix, std::uint32_t> routes_;
};

}  // namespace starling::daemon
