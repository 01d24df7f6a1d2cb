// The underlay is never swallowed: a route of the mesh that covers a peer's endpoint would send the tunnel's own
// datagrams into the tunnel. Such routes live in a table of their own, which packets with the tunnel's mark do not look
// into, as wg-quick(8) does it for default routes. Here is the decision alone; KernelRoutes carries it out.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "base/ip.h"
#include "daemon/netlink/policy_rule.h"

namespace starling::daemon {

inline constexpr std::uint32_t kSuppressRulePriority = 4200;  // main, without its default routes
inline constexpr std::uint32_t kMeshRulePriority = 4201;      // what bears no mark: our own table

// One number is the routes' metric, the datagrams' mark and the protected routes' table, so that a person who meets it
// in `ip rule`, `ip route` or `nft` knows whose it is. Numbers up to 255 are taken as tables; 42000 is added to those.
constexpr std::uint32_t underlay_mark(std::uint32_t metric) {
  return metric > 255 ? metric : metric + 42000;
}

// The prefixes among `routes` that must go behind the rules, each with an endpoint that it covers. Default routes
// always go: they cover endpoints that are not known yet. (Their endpoint here is the first of their family, if any.)
std::map<Prefix, Endpoint> prefixes_to_protect(const std::set<Prefix>& routes, const std::vector<Endpoint>& endpoints);

// The two rules of one family.
std::vector<PolicyRule> underlay_rules(Family family, std::uint32_t mark);

}  // namespace starling::daemon
