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
  link_grey,  // link.grey: neighbor, reason, count: bytes that pass (full_size_lost) or thousandths lost, 0: not known
  link_healed,           // link.healed: neighbor, reason why it was grey
  lsa_originate,         // lsa.originate: lsa, sequence, reason
  lsa_accept,            // lsa.accept: lsa, sequence, neighbor it came from
  lsa_withdraw,          // lsa.withdraw: a signed empty announcement was accepted
  lsa_expire,            // lsa.expire: its lifetime ended
  lsa_reject,            // lsa.reject: neighbor, reason (a named drop)
  spf_run,               // spf.run: reason: full, incremental; count = nodes reached; the host adds how long it took
  route_group,           // egress group of an origin set changed (the daemon's egress.swap lists them)
  route_add,             // a prefix became reachable
  route_remove,          // a prefix became unreachable
  route_refused,         // `accept` refuses a prefix that appeared: prefix, reason
  packet_reject,         // a control packet was dropped: neighbor, reason; rate-limited, `count` since the last
  grant_accept,          // grant.accept: lsa (of the holder), sequence = serial, reason: new, changed, revoked
  grant_expire,          // grant.expire: likewise; its time is over
  grant_missing,         // grant.missing: there is a network key, and this node has no grant of its own
  prefix_duplicate,      // prefix.duplicate: prefix, lsa.origin and other announce it; count more findings are not told
  prefix_more_specific,  // prefix.more_specific: prefix of lsa.origin, inside that of other; count likewise
  identity_duplicate,  // identity.duplicate: two machines use the key of lsa.origin; neighbor through whom, count signs
  sequence_jump,       // this node saw its own announcement with a newer sequence and jumped past it (restart)
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
  std::optional<Prefix> inside;
  NodeId other;
  std::uint64_t count = 0;
  const char* reason = "";  // a string literal
};

}  // namespace starling::routing
