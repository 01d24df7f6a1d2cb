// What a node's Router is told of its configuration: the same for starlingd and for the simulator.
#pragma once

#include "daemon/config/config.h"
#include "routing/router.h"

namespace starling::daemon {

// Without id and wireguard_key, which come from the private key, and without `connected`, which the kernel knows.
routing::RouterConfig router_config(const Config& config);
routing::NeighborConfig neighbor_config(const Config& config, const PeerEntry& peer);

}  // namespace starling::daemon
