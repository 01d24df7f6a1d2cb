#include "wg/drop_reason.h"

namespace starling::wg {

const char* to_string(DropReason reason) {
  switch (reason) {
    case DropReason::malformed: return "malformed";
    case DropReason::receive_overflow: return "receive_overflow";
    case DropReason::no_private_key: return "no_private_key";
    case DropReason::bad_mac1: return "bad_mac1";
    case DropReason::unknown_receiver: return "unknown_receiver";
    case DropReason::unknown_peer: return "unknown_peer";
    case DropReason::bad_handshake: return "bad_handshake";
    case DropReason::handshake_replay: return "handshake_replay";
    case DropReason::handshake_flood: return "handshake_flood";
    case DropReason::cookie_required: return "cookie_required";
    case DropReason::source_rate_limited: return "source_rate_limited";
    case DropReason::low_order_key: return "low_order_key";
    case DropReason::decrypt_failed: return "decrypt_failed";
    case DropReason::replayed: return "replayed";
    case DropReason::session_expired: return "session_expired";
    case DropReason::inner_malformed: return "inner_malformed";
    case DropReason::ecn_not_capable: return "ecn_not_capable";
    case DropReason::ingress_source_not_allowed: return "ingress_source_not_allowed";
    case DropReason::ingress_source_unknown: return "ingress_source_unknown";
    case DropReason::control_invalid: return "control_invalid";
    case DropReason::underlay_loop: return "underlay_loop";
    case DropReason::transit_time_exceeded: return "transit_time_exceeded";
    case DropReason::transit_too_big: return "transit_too_big";
    case DropReason::egress_no_route: return "egress_no_route";
    case DropReason::egress_multicast: return "egress_multicast";
    case DropReason::egress_not_ip: return "egress_not_ip";
    case DropReason::no_endpoint: return "no_endpoint";
    case DropReason::staged_overflow: return "staged_overflow";
    case DropReason::control_superseded: return "control_superseded";
    case DropReason::handshake_gave_up: return "handshake_gave_up";
    case DropReason::interface_overflow: return "interface_overflow";
    case DropReason::interface_down: return "interface_down";
    case DropReason::send_failed: return "send_failed";
    case DropReason::tun_write_failed: return "tun_write_failed";
    case DropReason::queue_full: return "queue_full";
    case DropReason::count_: break;
  }
  return "unknown";
}

}  // namespace starling::wg
