#include "routing/neighbor_table.h"

namespace starling::routing {

const char* to_string(NeighborEvent event) {
  switch (event) {
    case NeighborEvent::one_way_heard: return "one_way_heard";
    case NeighborEvent::two_way_heard: return "two_way_heard";
    case NeighborEvent::exchange_done: return "exchange_done";
    case NeighborEvent::binding_lost: return "binding_lost";
    case NeighborEvent::restarted: return "restarted";
    case NeighborEvent::silence: return "silence";
    case NeighborEvent::goodbye: return "goodbye";
    case NeighborEvent::carrier_lost: return "carrier_lost";
  }
  return "unknown";
}

const char* to_string(NeighborAction action) {
  switch (action) {
    case NeighborAction::none: return "none";
    case NeighborAction::answer: return "answer";
    case NeighborAction::exchange: return "exchange";
    case NeighborAction::announce: return "announce";
    case NeighborAction::withdraw: return "withdraw";
    case NeighborAction::drop: return "drop";
  }
  return "unknown";
}

}  // namespace starling::routing
