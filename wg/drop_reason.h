// The named reasons for which the engine does not carry a packet. Nothing is dropped without one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace starling::wg {

// Why packets were not carried. Every drop has a name; counted per peer where the peer is known. Names print as in
// to_string, which is what people see (`ingress_source_not_allowed`).
enum class DropReason : std::uint8_t {
  // From the network, before a peer is known
  malformed,         // no WireGuard message of this length and type
  receive_overflow,  // the kernel's socket queue was full (SO_RXQ_OVFL)
  no_private_key,    // a handshake message, and this device has no private key yet
  bad_mac1,          // an initiation or response for another public key than ours: the other side has a wrong key of us
  unknown_receiver,  // data or response for an index that is no session of ours (a restart, or an old key)
  unknown_peer,      // a valid initiation from a public key that is not configured here
  bad_handshake,     // authentication inside a handshake message failed (wrong preshared key, or tampering)
  handshake_replay,  // an initiation no newer than the last, or a response or cookie reply a second time
  handshake_flood,   // more initiations than the limit
  cookie_required,   // under load, a valid mac1 without a valid mac2: a cookie reply went out, the message was not read
  source_rate_limited,  // under load, with a valid mac2: more handshake messages from one source than the limit
  low_order_key,        // a public key that makes the shared secret zero
  // From the network, in a session
  decrypt_failed,              // AEAD tag does not verify
  replayed,                    // counter seen before or behind the window
  session_expired,             // key older than REJECT_AFTER_TIME or used more than REJECT_AFTER_MESSAGES
  inner_malformed,             // not an IP packet, or its length does not fit
  ecn_not_capable,             // congestion marked outside, but the inner packet's ends do not speak ECN (RFC 6040)
  ingress_source_not_allowed,  // the ingress filter knows the source, and this peer may not send it
  ingress_source_unknown,      // nobody announces this source (yet)
  control_invalid,  // to the control port, but not from the peer's key-derived address, to ours, with hop limit 255
  underlay_loop,    // our own UDP, come back through our own TUN
  // In transit, from one tunnel to another; its source was told by ICMP, as far as that is allowed and not too often
  transit_time_exceeded,  // its TTL or hop limit was used up here
  transit_too_big,        // larger than the next tunnel's MTU, and not to be fragmented
  // To the network
  egress_no_route,     // no peer owns this destination
  egress_multicast,    // multicast that no peer owns: the kernel's own chatter on any interface, nobody's mistake
  egress_not_ip,       // from the TUN, but no IP packet
  no_endpoint,         // the peer's address is not known (yet)
  staged_overflow,     // more than 128 packets waited for a handshake; the oldest went
  control_superseded,  // a control packet that waited for a handshake made room for a newer one: no loss, they are
                       // repeated
  handshake_gave_up,   // no answer to any of 18 initiations; what waited was dropped
  interface_overflow,  // the interface's own queue was full: packets came faster than they were read from it
  interface_down,      // it came, or waited for a handshake, while the interface was down
  send_failed,         // the kernel refused the datagram
  tun_write_failed,    // the kernel refused the inner packet
  queue_full,          // a queue between threads was full
  count_               // not a reason: how many there are
};
inline constexpr std::size_t kDropReasonCount = static_cast<std::size_t>(DropReason::count_);
const char* to_string(DropReason reason);

using DropCounters = std::array<std::uint64_t, kDropReasonCount>;  // packets

}  // namespace starling::wg
