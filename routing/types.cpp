#include "routing/types.h"

#include "base/key.h"

namespace starling::routing {

std::string to_string(const NodeId& id) {
  return to_hex(id.bytes);
}

std::string short_string(const NodeId& id) {
  return to_hex(Bytes(id.bytes).first(4));
}

const char* to_string(NeighborState state) {
  switch (state) {
    case NeighborState::down: return "Down";
    case NeighborState::init: return "Init";
    case NeighborState::exchange: return "Exchange";
    case NeighborState::full: return "Full";
  }
  return "unknown";
}

}  // namespace starling::routing
