// The address by which neighbours know each other inside a tunnel. Both ends compute it, so it needs no configuration.
//
// Definition: fe80::/64, and as interface identifier the first 8 bytes of
//     BLAKE2s-256( "starling link-local v1" || WireGuard public key )
// with the 22 ASCII bytes of the label (no terminator) and the 32 raw bytes of the key. No bit of the identifier has a
// meaning (RFC 7136). Whoever holds a key cannot choose its address, and nobody else's key has it but by a 2^64 search,
// which wins nothing: the source of a control packet is compared with the key of the tunnel it came through.
#pragma once

#include "base/ip.h"
#include "base/key.h"

namespace starling::wg {

// (wg/io/backend.h declares it too, for those above the engine.)
IpAddress link_local_address(const PublicKey& key);

}  // namespace starling::wg
