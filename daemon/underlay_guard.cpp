#include "daemon/underlay_guard.h"

#include "daemon/netlink/kernel_route.h"

namespace starling::daemon {

std::map<Prefix, Endpoint> prefixes_to_protect(const std::set<Prefix>& routes, const std::vector<Endpoint>& endpoints) {
  std::map<Prefix, Endpoint> covering;
  for (const Endpoint& endpoint : endpoints)
    for (int length = 0; length <= endpoint.address.bits(); length++) {
      const Prefix prefix(endpoint.address, length);
      if (routes.contains(prefix)) covering.emplace(prefix, endpoint);
    }
  for (const IpAddress& any : {IpAddress(), IpAddress::v6({})})
    if (const Prefix everything(any, 0); routes.contains(everything)) covering.emplace(everything, Endpoint{any, 0, 0});
  return covering;
}

std::vector<PolicyRule> underlay_rules(Family family, std::uint32_t mark) {
  PolicyRule main_without_default;
  main_without_default.family = family;
  main_without_default.priority = kSuppressRulePriority;
  main_without_default.table = kMainTable;
  main_without_default.not_mark = mark;  // makes no difference to routing, and keeps two daemons' rules apart
  main_without_default.suppress_prefix_max = 0;
  main_without_default.protocol = kRouteProtocol;
  PolicyRule unmarked_to_mesh;
  unmarked_to_mesh.family = family;
  unmarked_to_mesh.priority = kMeshRulePriority;
  unmarked_to_mesh.table = mark;
  unmarked_to_mesh.not_mark = mark;
  unmarked_to_mesh.protocol = kRouteProtocol;
  return {unmarked_to_mesh, main_without_default};
}

}  // namespace starling::daemon
