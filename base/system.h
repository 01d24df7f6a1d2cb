// The only place that reads a clock or the kernel's randomness. The sans-I/O cores (wg/protocol, routing) must not
// include this file; tests/structure checks that they do not.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/random.h"
#include "base/time.h"

namespace starling {

// CLOCK_MONOTONIC.
Time monotonic_now();
// CLOCK_MONOTONIC and CLOCK_REALTIME, read one after the other.
Now system_now();

// getrandom(2). Throws std::system_error if the kernel has no randomness to give, which no caller can survive. Draws of
// up to 8 bytes (jitter, an index) come from a small reserve, each byte of it once, so that a timer costs no system
// call; larger ones, such as keys, straight from the kernel. One thread at a time.
class SystemRandom final : public RandomSource {
 public:
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::array<std::uint8_t, 256> reserve_{};  // bytes
  std::size_t left_ = 0;                     // of them, at the front
};

}  // namespace starling
