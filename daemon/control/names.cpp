#include "daemon/control/names.h"

#include <fmt/format.h>

#include "routing/router.h"

namespace starling::daemon {

Names names_from(const routing::Router& router, std::function<PublicKey(routing::NeighborId)> key_of) {
  Names names;
  names.node = [&router](const routing::NodeId& id) { return router.display_name(id); };
  names.neighbor = [&router, key_of = std::move(key_of)](routing::NeighborId id) {
    for (const routing::NeighborView& neighbor : router.neighbors()) {
      if (neighbor.id == id) return neighbor.name.empty() ? to_base64(neighbor.wireguard_key) : neighbor.name;
    }
    const PublicKey key = key_of ? key_of(id) : PublicKey{};
    return key == PublicKey{} ? fmt::format("peer {}", id) : to_base64(key);
  };
  return names;
}

}  // namespace starling::daemon
