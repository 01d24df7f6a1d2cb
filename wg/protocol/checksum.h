// The internet checksum of IPv4, ICMP, TCP and UDP (RFC 1071): a ones' complement sum of 16-bit words, taken 64 bits at
// a time and in the host's own byte order, which RFC 1071 §2 shows to be the same. Pure functions, safe on any bytes.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace starling::wg {

// A sum that grows part by part. Invariant: each part begins at an even place of what is summed, so only the last may
// be of odd size (it is then as if a zero byte followed).
class InternetSum {
 public:
  // Any number of bytes; made for a packet's payload.
  void add(Bytes bytes);
  // As many as the compiler knows of: a few instructions for a header.
  template <std::size_t size>
  void add(std::span<const std::uint8_t, size> bytes) {
    std::size_t at = 0;
    for (; at + 8 <= size; at += 8) add_word(load<std::uint64_t>(bytes.data() + at));
    if constexpr (size % 8 >= 4) add_word(load<std::uint32_t>(bytes.data() + at));
    if constexpr (size % 4 >= 2) add_word(load<std::uint16_t>(bytes.data() + (size & ~std::size_t{3})));
    if constexpr (size % 2 != 0) add_u16(static_cast<std::uint16_t>(bytes[size - 1] << 8));
  }
  // A number as it would stand in network order.
  void add_u16(std::uint16_t number) { add_word(in_host_order(number)); }

  // The sum, 0..0xffff. All ones if a right checksum is among what was summed.
  std::uint16_t value() const {
    std::uint64_t sum = (sum_ >> 32) + (sum_ & 0xffffffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    return in_host_order(static_cast<std::uint16_t>(sum));
  }
  // What the checksum field must hold, summed as zero.
  std::uint16_t checksum() const { return static_cast<std::uint16_t>(~value()); }
  // The same where a zero there means "none": all ones is the same number (RFC 768).
  std::uint16_t udp_checksum() const { return value() == 0xffff ? 0xffff : checksum(); }

 private:
  template <typename Number>
  static Number load(const std::uint8_t* at) {
    Number number;
    std::memcpy(&number, at, sizeof number);
    return number;
  }
  static constexpr std::uint16_t in_host_order(std::uint16_t number) {
    if constexpr (std::endian::native == std::endian::big) return number;
    return __builtin_bswap16(number);
  }
  void add_word(std::uint64_t word) {
    sum_ += word;
    sum_ += sum_ < word ? 1 : 0;  // the carry comes round
  }

  std::uint64_t sum_ = 0;
};

// The checksum after one word of what it covers, at an even place, has changed (RFC 1624, equation 3). It stays as
// right or wrong as it was.
std::uint16_t update_checksum(std::uint16_t checksum, std::uint16_t before, std::uint16_t after);

// The sum to begin TCP, UDP or ICMPv6 with: the pseudo header of RFC 9293 §3.1 and of RFC 8200 §8.1. `addresses` are
// source and destination as they stand in the IP header (2 × 4 or 2 × 16 bytes), `length` that of header and payload.
InternetSum pseudo_header_sum(Bytes addresses, std::uint8_t protocol, std::uint32_t length);

}  // namespace starling::wg
