// What a router does to a packet that only passes through (RFC 1812 §5, RFC 8200 §3): whether it may go on at all, one
// less to live, the IPv4 checksum kept right. Whatever is unusual is left to the kernel, which knows every rule and
// counts what it drops; here is only what the packets of a flow have in common. Pure, safe on any bytes, and fast: it
// runs for each packet.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace starling::wg {

enum class ForwardVerdict : std::uint8_t {
  forward,        // the packet is ready for its next hop: TTL or hop limit decremented, IPv4 checksum adjusted
  punt,           // for the kernel: malformed, options, link-local or no unicast, or to be fragmented
  time_exceeded,  // its TTL or hop limit is used up: IcmpError::time_exceeded to its source
  too_big,        // larger than `mtu`, and not to be fragmented on the way: IcmpError::packet_too_big to its source
};

// `packet` begins with an IPv4 or IPv6 packet; what is behind its length is padding. `mtu` is that of the next hop, in
// bytes. Only `forward` changes the packet.
[[nodiscard]] ForwardVerdict prepare_forward(MutableBytes packet, std::size_t mtu);

}  // namespace starling::wg
