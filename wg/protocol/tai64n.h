// TAI64N (https://cr.yp.to/libtai/tai64.html): eight bytes of seconds and four of nanoseconds, big-endian, so that
// later is greater. The low 24 bits of the nanoseconds are zero (steps of about 17 ms): an exact clock would tell too
// much about the host, and no more is needed (whitepaper §5.4.2 asks only that it never goes back).
#pragma once

#include <array>
#include <compare>
#include <cstdint>

#include "base/time.h"
#include "wg/protocol/messages.h"

namespace starling::wg {

struct Tai64n {
  std::array<std::uint8_t, kTimestampSize> bytes{};

  static Tai64n at(WallTime time);
  // The smallest timestamp that is greater: for a second one within a step, or after the clock was set back.
  Tai64n next() const;

  friend auto operator<=>(const Tai64n&, const Tai64n&) = default;
};

}  // namespace starling::wg
