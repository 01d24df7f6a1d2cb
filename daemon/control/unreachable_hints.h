// What the underlay's word on a datagram that did not arrive means (wg::UnreachableMeaning, by its name), and what a
// person can do about it: said by the event tunnel.unreachable.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ip.h"

namespace starling::daemon {

// `mtu`: bytes of an outer packet that pass; 0: not known. Empty for a meaning that is not known.
std::string unreachable_hint(std::string_view meaning, const Endpoint& endpoint, std::uint32_t mtu);

}  // namespace starling::daemon
