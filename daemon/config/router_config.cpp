#include "daemon/config/router_config.h"

namespace starling::daemon {

routing::RouterConfig router_config(const Config& config) {
  routing::RouterConfig router;
  router.name = config.name;
  router.transit = config.transit;
  router.hello = config.hello;
  router.network_key = config.network_key;
  router.grants = config.grants;
  router.metric = config.metric;
  router.path_probe_interval = config.path_probe_interval;
  router.accept = config.accept;
  router.announced = config.announced();
  return router;
}

routing::NeighborConfig neighbor_config(const Config& config, const PeerEntry& peer) {
  routing::NeighborConfig neighbor;
  neighbor.wireguard_key = peer.public_key;
  neighbor.cost = peer.cost;
  neighbor.mtu = static_cast<std::uint16_t>(config.mtu);
  return neighbor;
}

}  // namespace starling::daemon
