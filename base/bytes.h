// Cursors over bytes for wire formats. A reader never passes its end: after the first short read it fails, yields zeros
// and stays failed, so that a decoder may read a whole struct and check once.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

namespace starling {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// Between the machine's order and the network's, in either direction.
template <typename T>
constexpr T network_order(T value) {
  static_assert(sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8);
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return value;
  if constexpr (sizeof(T) == 2) return __builtin_bswap16(value);
  if constexpr (sizeof(T) == 4) return __builtin_bswap32(value);
  if constexpr (sizeof(T) == 8) return __builtin_bswap64(value);
}

// Big-endian (network order) unless the name says le.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes) {}

  bool failed() const { return failed_; }
  std::size_t remaining() const { return rest_.size(); }

  std::uint8_t u8() { return read_be<std::uint8_t>(); }
  std::uint16_t u16() { return read_be<std::uint16_t>(); }
  std::uint32_t u32() { return read_be<std::uint32_t>(); }
  std::uint64_t u64() { return read_be<std::uint64_t>(); }
  std::uint32_t u32_le() { return __builtin_bswap32(u32()); }
  std::uint64_t u64_le() { return __builtin_bswap64(u64()); }

  // The next `size` bytes, a view into the input; empty and failed if there are fewer.
  Bytes take(std::size_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

  // Copies into a fixed-size array; leaves it untouched when short.
  template <typename Array>
  void copy_to(Array& out) {
    const Bytes taken = take(sizeof(out));
    if (!failed_) std::memcpy(&out, taken.data(), sizeof(out));
  }

 private:
  template <typename T>
  T read_be() {
    const Bytes taken = take(sizeof(T));
    if (taken.empty()) return 0;
    T value;
    std::memcpy(&value, taken.data(), sizeof value);
    return network_order(value);
  }

  Bytes rest_;
  bool failed_ = false;
};

// Appends to a vector; big-endian unless the name says le.
class ByteWriter {
 public:
  explicit ByteWriter(std::vector<std::uint8_t>& out) : out_(out) {}

  std::size_t size() const { return out_.size(); }
  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) { append_be(value); }
  void u32(std::uint32_t value) { append_be(value); }
  void u64(std::uint64_t value) { append_be(value); }
  void u32_le(std::uint32_t value) { append_be(__builtin_bswap32(value)); }
  void u64_le(std::uint64_t value) { append_be(__builtin_bswap64(value)); }
  void bytes(Bytes value) { out_.insert(out_.end(), value.begin(), value.end()); }

  // Overwrites two bytes written before, for lengths known only afterwards.
  void patch_u16(std::size_t at, std::uint16_t value) {
    out_[at] = static_cast<std::uint8_t>(value >> 8);
    out_[at + 1] = static_cast<std::uint8_t>(value);
  }

 private:
  template <typename T>
  void append_be(T value) {
    std::array<std::uint8_t, sizeof(T)> bytes;
    value = network_order(value);
    std::memcpy(bytes.data(), &value, sizeof value);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }

  std::vector<std::uint8_t>& out_;
};

}  // namespace starling
