#include "routing/event.h"

namespace starling::routing {

const char* to_string(EventKind kind) {
  switch (kind) {
    case EventKind::neighbor_state: return "neighbor.state";
    case EventKind::neighbor_suspect: return "neighbor.suspect";
    case EventKind::link_grey: return "link.grey";
    case EventKind::link_healed: return "link.healed";
    case EventKind::lsa_originate: return "lsa.originate";
    case EventKind::lsa_accept: return "lsa.accept";
    case EventKind::lsa_withdraw: return "lsa.withdraw";
    case EventKind::lsa_expire: return "lsa.expire";
    case EventKind::lsa_reject: return "lsa.reject";
    case EventKind::spf_run: return "spf.run";
    case EventKind::route_group: return "route.group";
    case EventKind::route_add: return "route.add";
    case EventKind::route_remove: return "route.remove";
    case EventKind::route_refused: return "route.refused";
    case EventKind::packet_reject: return "packet.reject";
    case EventKind::grant_accept: return "grant.accept";
    case EventKind::grant_expire: return "grant.expire";
    case EventKind::grant_missing: return "grant.missing";
    case EventKind::prefix_duplicate: return "prefix.duplicate";
    case EventKind::prefix_more_specific: return "prefix.more_specific";
    case EventKind::identity_duplicate: return "identity.duplicate";
    case EventKind::sequence_jump: return "sequence.jump";
  }
  return "unknown";
}

}  // namespace starling::routing
