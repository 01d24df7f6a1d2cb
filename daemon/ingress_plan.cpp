#include "daemon/ingress_plan.h"

namespace starling::daemon {

IngressPlan::IngressPlan(const std::vector<StaticPeer>& static_peers) {
  for (const StaticPeer& route : static_peers)
    for (const Prefix& prefix : route.prefixes) static_.emplace(prefix, std::vector<wg::PeerId>{route.peer});
}

void IngressPlan::apply(const std::vector<routing::IngressChange>& changes) {
  for (const routing::IngressChange& change : changes) {
    if (change.removed)
      routed_.erase(change.prefix);
    else
      routed_[change.prefix] = change.allowed;
  }
}

wg::IngressDescription IngressPlan::description() const {
  wg::IngressDescription description;
  std::map<std::vector<wg::PeerId>, std::uint32_t> index_of;
  const auto add = [&](const Prefix& prefix, const std::vector<wg::PeerId>& allowed) {
    const auto [at, fresh] = index_of.emplace(allowed, static_cast<std::uint32_t>(description.sets.size()));
    if (fresh) description.sets.push_back(allowed);
    description.entries.push_back({prefix, at->second});
  };
  for (const auto& [prefix, allowed] : static_) add(prefix, allowed);
  for (const auto& [prefix, allowed] : routed_)
    if (!static_.contains(prefix)) add(prefix, allowed);
  return description;
}

}  // namespace starling::daemon
