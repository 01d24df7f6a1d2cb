#include "wg/io/drop_hint.h"

namespace starling::wg {

std::string_view drop_hint(DropReason reason) {
  switch (reason) {
    case DropReason::malformed: return "something that is not WireGuard sends to this port";
    case DropReason::receive_overflow:
      return "more datagrams came than this host could read; a larger net.core.rmem_max may help";
    case DropReason::no_private_key: return "give this interface its PrivateKey";
    case DropReason::bad_mac1:
      return "the sender has another public key for this node: give it `wg pubkey` of our PrivateKey";
    case DropReason::unknown_receiver: return "left over from before a restart; it ends with the next handshake";
    case DropReason::unknown_peer: return "add a [Peer] with the sender's PublicKey, or correct the one there is";
    case DropReason::bad_handshake: return "compare PresharedKey and PublicKey at both ends";
    case DropReason::handshake_replay:
      return "if it goes on, the sender's clock ran backwards or two nodes share its key";
    case DropReason::handshake_flood: return "the sender starts too many handshakes";
    case DropReason::cookie_required:
      return "this host is flooded with handshakes; honest senders get in with their next try";
    case DropReason::source_rate_limited:
      return "this host is flooded with handshakes, and this source sends more than its share";
    case DropReason::low_order_key: return "the sender's key is not a valid one: make a new one with `wg genkey`";
    case DropReason::decrypt_failed: return "damaged or forged on the way";
    case DropReason::replayed: return "duplicated or much delayed on the way";
    case DropReason::session_expired: return "it ends with the next handshake";
    case DropReason::inner_malformed: return "the peer sends something that is no IP packet";
    case DropReason::ecn_not_capable:
      return "congestion on the way; the inner packet could not carry the mark, so its loss is the sign";
    case DropReason::ingress_source_not_allowed:
      return "the source is in another peer's AllowedIPs; move it to this peer's";
    case DropReason::ingress_source_unknown: return "the source is in nobody's AllowedIPs; add it to this peer's";
    case DropReason::control_invalid: return "the peer sends to the control port what is not a control packet";
    case DropReason::underlay_loop:
      return "a route leads the tunnel's own packets into the tunnel; set FwMark and an ip rule";
    case DropReason::transit_time_exceeded:
      return "normal where someone traces a route; if it goes on, two nodes' AllowedIPs lead in a circle";
    case DropReason::transit_too_big:
      return "normal, the sender learns of it by ICMP; if it goes on, a firewall drops its ICMP";
    case DropReason::egress_no_route: return "the destination is in nobody's AllowedIPs, but a route leads it here";
    case DropReason::egress_multicast: return {};
    case DropReason::egress_not_ip: return "something writes what is no IP packet to the interface";
    case DropReason::no_endpoint: return "give the peer an Endpoint, or let it start";
    case DropReason::staged_overflow:
      return "the handshake takes long: is the peer's Endpoint right, and does it answer?";
    case DropReason::control_superseded: return {};
    case DropReason::handshake_gave_up:
      return "the peer does not answer: check Endpoint, firewalls, and that it has our PublicKey";
    case DropReason::interface_overflow:
      return "this host is too busy; a longer queue helps with bursts (ip link set txqueuelen)";
    case DropReason::interface_down: return "bring the interface up again (ip link set up)";
    case DropReason::send_failed: return "the underlay has no way there: see `ip route get`";
    case DropReason::tun_write_failed: return "is the interface up?";
    case DropReason::queue_full: return "this host is too busy";
    case DropReason::count_: break;
  }
  return {};
}

}  // namespace starling::wg
