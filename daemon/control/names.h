// How events and views call neighbours and nodes: by the name in their own announcement, or in their last one if they
// have none now; where none is known yet, by public key (a neighbour) or by the first 8 hex digits of the NodeId.
#pragma once

#include <functional>
#include <string>

#include "base/key.h"
#include "routing/types.h"

namespace starling::routing {
class Router;
}

namespace starling::daemon {

struct Names {
  std::function<std::string(routing::NeighborId)> neighbor;
  std::function<std::string(const routing::NodeId&)> node;
};

// Names that are asked of the router at each use. `key_of` gives the public key of a tunnel that the router does not
// know (a stock WireGuard peer, or a peer being removed); may return all zeros, which prints as "peer N". The router
// must outlive the result.
Names names_from(const routing::Router& router, std::function<PublicKey(routing::NeighborId)> key_of);

}  // namespace starling::daemon
