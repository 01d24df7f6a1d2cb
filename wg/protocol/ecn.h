// Explicit congestion notification through a tunnel (RFC 6040): the two bits of ECN in the IP header that WireGuard
// wraps a packet in, copied on the way in and merged on the way out. Pure functions on whole packets, IPv4 or IPv6;
// safe on any bytes: what is neither has no ECN and is not changed.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace starling::wg {

// ECN field values (RFC 3168 §5): the low two bits of a traffic class.
inline constexpr std::uint8_t kEcnMask = 0b11;
inline constexpr std::uint8_t kEcnNotCapable = 0b00;  // Not-ECT
inline constexpr std::uint8_t kEcnCapable1 = 0b01;    // ECT(1)
inline constexpr std::uint8_t kEcnCapable0 = 0b10;    // ECT(0)
inline constexpr std::uint8_t kEcnCongestion = 0b11;  // CE

// The ECN field of the outer header for this inner packet (RFC 6040 §4.1, normal mode): its own. Not-ECT for a
// keepalive and for what is no IP packet. Only these two bits: the outer DSCP is the engine's own.
std::uint8_t ecn_for_outer(Bytes inner_packet);

// Gives the inner packet the congestion mark of the outer header (RFC 6040 §4.2, figure 4); an IPv4 header checksum
// stays as right or wrong as it was. `outer_traffic_class`: TOS or traffic class as received. False, with the packet
// unchanged: congestion was marked and the inner packet cannot carry it, so it is to be dropped
// (DropReason::ecn_not_capable).
[[nodiscard]] bool ecn_decapsulate(MutableBytes inner_packet, std::uint8_t outer_traffic_class);

}  // namespace starling::wg
