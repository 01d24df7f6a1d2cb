// Recognises our own outer datagrams when a route leads them into our own tunnel: each would be wrapped again, without
// end (design.md §4: the underlay is never swallowed).
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/ip.h"

namespace starling::wg {

struct UdpPorts {
  std::uint16_t source = 0;
  std::uint16_t destination = 0;
};

// The ports of a UDP packet (or its first fragment) whose payload begins like a WireGuard message; nothing for anything
// else. `packet` must be one that parse_inner_packet accepts.
std::optional<UdpPorts> wireguard_ports(Bytes packet);

// Whether the address is one of this host's. Asks the kernel: only for the rare packet that looks like ours.
bool is_local_address(const IpAddress& address);

}  // namespace starling::wg
