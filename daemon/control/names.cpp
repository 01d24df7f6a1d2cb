#include "daemon/control/names.h"

#include <fmt/format.h>

#include <map>
#include <memory>

#include "routing/router.h"

namespace starling::daemon {

namespace {

constexpr std::size_t kNodesRememberedMax = 10'000;  // then all are learned anew

// The last name that each had: who says goodbye withdraws its name before its links and routes go.
struct NameMemory {
  std::map<routing::NodeId, std::string> nodes;
  std::map<routing::NeighborId, std::string> neighbors;  // no more than there are peers

  // Empty if it never had one.
  std::string of_node(const routing::Router& router, const routing::NodeId& id) {
    std::string name = router.display_name(id);
    if (name == routing::short_string(id)) {
      const auto at = nodes.find(id);
      return at == nodes.end() ? std::string() : at->second;
    }
    if (nodes.size() >= kNodesRememberedMax && !nodes.contains(id)) nodes.clear();
    return nodes[id] = std::move(name);
  }

  std::string of_neighbor(const routing::Router& router, const routing::NeighborView& neighbor) {
    std::string& last = neighbors[neighbor.id];
    if (!neighbor.node) return last;
    std::string name = of_node(router, *neighbor.node);
    if (!name.empty()) last = std::move(name);
    return last;
  }
};

}  // namespace

Names names_from(const routing::Router& router, std::function<PublicKey(routing::NeighborId)> key_of) {
  Names names;
  const auto memory = std::make_shared<NameMemory>();
  names.node = [&router, memory](const routing::NodeId& id) {
    const std::string name = memory->of_node(router, id);
    return name.empty() ? routing::short_string(id) : name;
  };
  names.neighbor = [&router, memory, key_of = std::move(key_of)](routing::NeighborId id) {
    for (const routing::NeighborView& neighbor : router.neighbors()) {
      if (neighbor.id != id) continue;
      const std::string name = memory->of_neighbor(router, neighbor);
      return name.empty() ? to_base64(neighbor.wireguard_key) : name;
    }
    const PublicKey key = key_of ? key_of(id) : PublicKey{};
    return key == PublicKey{} ? fmt::format("peer {}", id) : to_base64(key);
  };
  return names;
}

}  // namespace starling::daemon
