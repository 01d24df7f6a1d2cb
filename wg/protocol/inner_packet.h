// The IP packet inside a data message, as far as an engine must read it: addresses for the tables, length to cut the
// padding off, and a flow hash so that one flow stays on one path (RFC 791, RFC 8200). Safe on any bytes.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ip.h"

namespace starling::wg {

// "IPv4 dummy address" (RFC 7600 §4.8, IANA special registry): the source of ICMP errors of nodes without an IPv4
// address of their own.
inline const IpAddress kDummyAddress = IpAddress::v4({192, 0, 0, 8});

struct InnerPacket {
  IpAddress source;
  IpAddress destination;
  std::size_t total_length = 0;    // bytes, header included, padding not
  std::uint8_t protocol = 0;       // IPv4's protocol, or IPv6's first next header
  std::uint8_t traffic_class = 0;  // DSCP and ECN
  // Over addresses, protocol and, for unfragmented TCP and UDP, ports. All fragments of a packet have the same.
  std::uint32_t flow_hash = 0;
};

// Nothing if `bytes` do not begin with a whole IPv4 or IPv6 packet; anything behind its length is padding. `hash_seed`
// should differ between nodes, or equal choices at every hop leave some equal-cost paths without traffic.
std::optional<InnerPacket> parse_inner_packet(Bytes bytes, std::uint32_t hash_seed = 0);

}  // namespace starling::wg
