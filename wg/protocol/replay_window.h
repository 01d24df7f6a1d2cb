// Anti-replay window over message counters (RFC 6479, whitepaper §5.4.6): 8192 bits, of which 8128 behind the newest
// counter are usable. Not thread-safe.
#pragma once

#include <array>
#include <cstdint>

namespace starling::wg {

class ReplayWindow {
 public:
  static constexpr std::uint64_t kBits = 8192;
  static constexpr std::uint64_t kWordBits = 64;
  static constexpr std::uint64_t kUsableBits = kBits - kWordBits;  // 8128

  // True, and the counter is marked, if it was not seen before and is not behind the window. Only for authentic
  // messages.
  bool accept(std::uint64_t counter);

 private:
  std::array<std::uint64_t, kBits / kWordBits> words_{};
  std::uint64_t next_ = 0;  // one past the newest counter accepted
};

}  // namespace starling::wg
