// Which peers may send from which source, in the engine's terms: the router's table, and for the prefixes of a stock
// WireGuard peer that peer alone, as its AllowedIPs would have it.
#pragma once

#include <map>
#include <vector>

#include "daemon/egress_plan.h"
#include "routing/router.h"
#include "wg/tables.h"

namespace starling::daemon {

class IngressPlan {
 public:
  explicit IngressPlan(const std::vector<StaticPeer>& static_peers);

  void apply(const std::vector<routing::IngressChange>& changes);
  wg::IngressDescription description() const;

 private:
  std::map<Prefix, std::vector<wg::PeerId>> routed_;
  std::map<Prefix, std::vector<wg::PeerId>> static_;
};

}  // namespace starling::daemon
