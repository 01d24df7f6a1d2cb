// The only place that reads a clock or the kernel's randomness. The sans-I/O cores (wg/protocol, routing) must not
// include this file; tests/structure checks that they do not.
#pragma once

#include "base/random.h"
#include "base/time.h"

namespace starling {

// CLOCK_MONOTONIC and CLOCK_REALTIME, read one after the other.
Now system_now();

// getrandom(2). Throws std::system_error if the kernel has no randomness to give, which no caller can survive.
class SystemRandom final : public RandomSource {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace starling
