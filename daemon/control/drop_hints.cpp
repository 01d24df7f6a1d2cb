#include "daemon/control/drop_hints.h"

#include <algorithm>
#include <array>
#include <utility>

namespace starling::daemon {

namespace {

constexpr std::string_view kEndpoint = "{endpoint}";

// In the order of wg::DropReason, then of routing::RejectReason.
constexpr auto kHints = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"malformed", "not WireGuard at all: something else sends to this port; harmless unless there is a lot of it"},
    {"receive_overflow",
     "more datagrams came than this host could read: the CPU is busy, or net.core.rmem_max is too small for the rate"},
    {"no_private_key", "a handshake came before this interface had its private key; normal for a moment"},
    {"bad_mac1",
     "a handshake for another public key: the other side has a wrong public key of us (compare `starling show "
     "status`)"},
    {"unknown_receiver",
     "for a session that we do not have: normal for a moment after a restart, else two peers share one address"},
    {"unknown_peer",
     "a valid handshake from a public key that is not configured here: add that peer, or remove us at the other side"},
    {"bad_handshake",
     "the handshake does not authenticate: compare `preshared_key` on both sides (or someone tampers with packets)"},
    {"handshake_replay",
     "a handshake's timestamp is not newer than the last: a replay, or the peer's clock went back; two machines with "
     "one key do this too"},
    {"handshake_flood", "more handshakes than the limit from this peer: look for two machines that share one key"},
    {"cookie_required",
     "handshakes come in floods, so each sender must first prove its address: honest ones get in with their next try"},
    {"source_rate_limited",
     "handshakes come in floods, and this source sends more than its share, with a proven address: find out who it is"},
    {"low_order_key", "the peer's public key is none: compare `public_key` with its `starling pubkey`"},
    {"decrypt_failed", "a data packet does not authenticate: damaged or forged on the way"},
    {"replayed",
     "a packet came twice or very late: normal in small numbers on networks that duplicate or reorder, else a replay"},
    {"session_expired", "the keys are too old and no new handshake succeeded: see whether packets arrive both ways"},
    {"inner_malformed", "what came out of the tunnel is no IP packet: the other side's software is at fault"},
    {"ecn_not_capable",
     "congestion on the way to us, for a packet that cannot carry the mark: dropped so that its sender slows down"},
    {"ingress_source_not_allowed",
     "this neighbour may not send that source, since every way to it leads through us: it uses an address that is not "
     "its own, or lacks `transit`"},
    {"ingress_source_unknown",
     "nobody announces that source: its node should have it in `addresses` or `announce` (normal for a moment after a "
     "start); look for a service that answers from another address"},
    {"control_invalid",
     "a packet to the control port that is not the neighbour's own: a program in the mesh sends to UDP port 7827"},
    {"underlay_loop", "our own tunnel packets came back through our tunnel: a route covers the peer's endpoint"},
    {"transit_time_exceeded",
     "a packet on its way through had no hops left, and its sender was told: someone traces a route; if it goes on, "
     "nodes disagree on the way (compare `starling show routes`)"},
    {"transit_too_big",
     "a packet on its way through is larger than the next tunnel's MTU, and its sender was told: if it goes on, a "
     "firewall on the way back drops ICMP"},
    {"egress_no_route", "no neighbour leads there: see `starling show routes` for the prefix and why it was refused"},
    {"egress_multicast", "the kernel's own multicast (neighbour discovery, listeners) does not enter tunnels; normal"},
    {"egress_not_ip", "a program wrote something that is no IP packet to the interface"},
    {"no_endpoint",
     "we do not know where this peer is: give it an `endpoint`, or wait until it calls us (it needs ours)"},
    {"staged_overflow", "more than 128 packets waited for a handshake: the peer does not answer (see its endpoint)"},
    {"control_superseded", "while the peer did not answer, newer routing packets took the place of older ones; normal"},
    {"handshake_gave_up",
     "no answer to 18 initiations at {endpoint}: check endpoint, port, firewall, and that both public keys are right"},
    {"interface_overflow",
     "packets came to the interface faster than they were read: the CPU is busy (a longer `txqueuelen` helps with "
     "bursts)"},
    {"interface_down", "packets came or waited while the interface was down: bring it up again (`ip link set up`)"},
    {"send_failed", "the kernel refused the datagram to {endpoint}: no route to it, a firewall, or too large"},
    {"tun_write_failed", "the kernel refused the packet from the tunnel: is the interface up?"},
    {"queue_full", "packets came faster than they could be handled: the CPU is busy"},
    {"unknown_neighbor", "a routing packet of a peer that was just removed; normal for a moment"},
    {"too_long", "a routing packet longer than any of ours: the neighbour is broken, or something else speaks there"},
    {"truncated", "a routing packet that ends too early: the neighbour is broken"},
    {"bad_version", "the neighbour speaks another version of the protocol: run the same Starling on both sides"},
    {"bad_size", "a routing packet whose size is not what it says: the neighbour is broken"},
    {"unknown_type", "a routing message that we do not know: the neighbour runs a newer Starling"},
    {"malformed_tlv", "a routing packet whose parts do not fit: the neighbour is broken"},
    {"bad_value", "a field outside its range: the neighbour is broken, or runs another version"},
    {"own_node_id", "the neighbour claims to be us: two machines share one private key; give one of them its own"},
    {"node_id_changed", "two machines answer behind one WireGuard key: give one of them a key of its own"},
    {"wrong_instance", "a packet from or for a life that is over: normal for a moment after a restart"},
    {"not_adjacent", "database traffic before both sides have said Hello: normal for a moment after a restart"},
    {"too_many_answers", "the neighbour asks faster than we answer: it is broken or hostile"},
    {"bad_fragment", "an announcement with a fragment number out of range: its origin is broken"},
    {"bad_lifetime", "an announcement with a lifetime out of range: its origin is broken"},
    {"bad_sequence", "an announcement with a sequence number out of range: look at its origin's clock"},
    {"bad_body_hash", "an announcement whose content is not what was signed: damaged or forged by the neighbour"},
    {"bad_signature", "an announcement that its origin did not sign: forged by the neighbour, or on its way to it"},
    {"malformed_body", "an announcement that is signed and yet breaks the format: its origin runs another version"},
    {"origin_too_fast", "its origin announces faster than allowed: look for two machines with one private key"},
    {"forgery_too_often", "too many forged announcements came from this neighbour: find out who runs it"},
    {"database_full", "as many announcements are stored as the limit allows: the mesh is too large, or flooded"},
    {"stale", "older than what we have; the neighbour is told the newer one; normal"},
    {"header_without_use", "a header of an announcement that tells us nothing; normal in small numbers"},
    {"no_grant",
     "its origin is no member of our network: if it should be, sign a grant for that node (`starling grant sign`) and "
     "put it into its `grants`"},
    {"bad_grant", "a grant that our network key did not sign: compare `network_key` of both sides, else it is forged"},
    {"grant_ended", "a grant that is over: sign a new one, or set this machine's clock if it is wrong"},
    {"grant_without_key",
     "the neighbour belongs to a network with a key and takes no announcements of ours: give us its `network_key` and "
     "a grant"},
});

}  // namespace

std::string drop_hint(std::string_view reason, std::string_view endpoint) {
  const auto* const found =
      std::find_if(kHints.begin(), kHints.end(), [&](const auto& entry) { return entry.first == reason; });
  if (found == kHints.end()) return {};
  std::string hint(found->second);
  if (const std::size_t at = hint.find(kEndpoint); at != std::string::npos) {
    hint.replace(at, kEndpoint.size(), endpoint.empty() ? "its endpoint" : endpoint);
  }
  return hint;
}

}  // namespace starling::daemon
