// The neighbour state machine as one table: state × event → state and action. docs/protocol.md prints it again, and a
// test compares the two. Modelled on the two-way check of RFC 2328 10.3, reduced to point-to-point links.
//
//   Down      nothing heard for the detection time
//   Init      the neighbour is heard; whether it hears us is not known
//   Exchange  both hear each other; the databases are being compared
//   Full      the databases agreed, and the neighbour's own signed announcement names this tunnel's WireGuard key
#pragma once

#include <array>
#include <cstdint>

#include "routing/types.h"

namespace starling::routing {

enum class NeighborEvent : std::uint8_t {
  one_way_heard,  // a Hello that does not name our instance
  two_way_heard,  // any packet that names our instance
  exchange_done,  // everything that the neighbour has is here, and its key is bound to this tunnel
  binding_lost,   // the neighbour's announcement is withdrawn, expired, or does not name this tunnel's key any more
  restarted,      // the neighbour's instance changed
  silence,        // nothing heard for the detection time
  goodbye,        // the neighbour stops
  carrier_lost,   // the link below is gone, or the neighbour was removed from the configuration
};
inline constexpr std::size_t kNeighborEventCount = 8;
inline constexpr std::size_t kNeighborStateCount = 4;

enum class NeighborAction : std::uint8_t {
  none,
  answer,    // send a Hello at once
  exchange,  // send a Hello at once, start the exchange, send our own announcements
  announce,  // announce the link
  withdraw,  // stop announcing the link; the exchange starts again
  drop,      // forget the adjacency (queues, exchange; the link is no longer announced), send a Hello at once
};

struct NeighborTransition {
  NeighborState to;
  NeighborAction action;
};

const char* to_string(NeighborEvent event);
const char* to_string(NeighborAction action);

namespace neighbor_table_detail {
using S = NeighborState;
using A = NeighborAction;
using Row = std::array<NeighborTransition, kNeighborEventCount>;

// The columns in the order of NeighborEvent.
// clang-format off
inline constexpr std::array<Row, kNeighborStateCount> kTable{{
    //    one_way_heard          two_way_heard               exchange_done            binding_lost                 restarted              silence              goodbye              carrier_lost
    Row{{ {S::init, A::answer},  {S::exchange, A::exchange}, {S::down, A::none},      {S::down, A::none},          {S::init, A::answer},  {S::down, A::none},  {S::down, A::none},  {S::down, A::none} }},
    Row{{ {S::init, A::none},    {S::exchange, A::exchange}, {S::init, A::none},      {S::init, A::none},          {S::init, A::answer},  {S::down, A::drop},  {S::down, A::drop},  {S::down, A::drop} }},
    Row{{ {S::init, A::drop},    {S::exchange, A::none},     {S::full, A::announce},  {S::exchange, A::none},      {S::init, A::drop},    {S::down, A::drop},  {S::down, A::drop},  {S::down, A::drop} }},
    Row{{ {S::init, A::drop},    {S::full, A::none},         {S::full, A::none},      {S::exchange, A::withdraw},  {S::init, A::drop},    {S::down, A::drop},  {S::down, A::drop},  {S::down, A::drop} }},
}};
// clang-format on
}  // namespace neighbor_table_detail

constexpr NeighborTransition neighbor_transition(NeighborState state, NeighborEvent event) {
  return neighbor_table_detail::kTable[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

}  // namespace starling::routing
