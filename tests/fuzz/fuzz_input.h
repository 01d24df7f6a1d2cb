// Cuts the bytes that a fuzzer made up into values, from the front. Behind the end everything is zero, so that any
// bytes are a whole script, and a shorter script is a prefix of a longer one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace starling::fuzz {

class FuzzInput {
 public:
  explicit FuzzInput(Bytes bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  // In [0, bound) by one byte; `bound` is 1..256.
  std::size_t below(std::size_t bound) { return u8() % bound; }
  bool flag() { return (u8() & 1) != 0; }

  // Up to `size` bytes, fewer at the end.
  Bytes take(std::size_t size) {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  Bytes rest() { return take(rest_.size()); }
  // Exactly `size` bytes, zeros behind the end.
  std::vector<std::uint8_t> padded(std::size_t size) {
    const Bytes taken = take(size);
    std::vector<std::uint8_t> out(taken.begin(), taken.end());
    out.resize(size);
    return out;
  }

 private:
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : take(size)) value = value << 8 | byte;
    return value;
  }

  Bytes rest_;
};

}  // namespace starling::fuzz
