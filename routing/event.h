// Every change that a person may want to see, with its cause, so that one failure can be followed across nodes (design
// §6). Compact and without text of its own: the daemon renders it, the simulator counts it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/ip.h"
#include "base/time.h"
#include "routing/types.h"

namespace starling::routing {

// Why something happened: an announcement (ours or another's), or something that this node saw itself.
struct Cause {
  enum class Kind : std::uint8_t {
    none,          // start-up, configuration
    announcement,  // origin, fragment, sequence
    neighbor,      // a neighbour's state as this node detected it
    timer,         // ageing, refresh, a hold time that ran out
  };
  Kind kind = Kind::none;
  LsaKey lsa;
  std::uint64_t sequence = 0;
  NeighborId neighbor = kNoNeighbor;

  friend bool operator==(const Cause&, const Cause&) = default;
};

enum class EventKind : std::uint8_t {
  neighbor_state,    // neighbor.state: neighbor, from, to, reason
  neighbor_suspect,  // neighbor.suspect: neighbor, count 1: it does not answer, traffic keeps off it; 0: it does again
  lsa_originate,     // lsa.originate: lsa, sequence, reason
  lsa_accept,        // lsa.accept: lsa, sequence, neighbor it came from
  lsa_withdraw,      // lsa.withdraw: a signed empty announcement was accepted
  lsa_expire,        // lsa.expire: its lifetime ended
  lsa_reject,        // lsa.reject: neighbor, reason (a named drop)
  spf_run,           // spf.run: count = nodes reached, duration unknown to a core: the host adds it
  route_group,       // egress group of an origin set changed (the daemon's egress.swap lists them)
  route_add,         // a prefix became reachable
  route_remove,      // a prefix became unreachable
  route_refused,     // `accept` refuses a prefix that appeared: prefix, reason
  packet_reject,     // a control packet was dropped: neighbor, reason; rate-limited, `count` since the last
  sequence_jump,     // this node saw its own announcement with a newer sequence and jumped past it (restart)
};
const char* to_string(EventKind kind);  // the stable name, such as "neighbor.state"

struct Event {
  EventKind kind{};
  Time at{};
  Cause cause;
  NeighborId neighbor = kNoNeighbor;
  NeighborState from = NeighborState::down;
  NeighborState to = NeighborState::down;
  LsaKey lsa;
  std::uint64_t sequence = 0;
  std::optional<Prefix> prefix;
  std::uint64_t count = 0;
  const char* reason = "";  // a string literal
};

}  // namespace starling::routing
