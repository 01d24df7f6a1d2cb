// Hashing of names that a stranger may have chosen, for tables inside one router: nobody who does not know the salt can
// make entries meet.
#pragma once

#include <cstdint>
#include <cstring>

#include "routing/types.h"

namespace starling::routing {

// Every bit of the result depends on every bit given (the finalizer of MurmurHash3, public domain).
inline std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdu;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53u;
  value ^= value >> 33;
  return value;
}

inline std::uint64_t leading_bits(const NodeId& id) {
  std::uint64_t bits;
  std::memcpy(&bits, id.bytes.data(), sizeof bits);
  return bits;
}

}  // namespace starling::routing
