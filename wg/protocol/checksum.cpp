#include "wg/protocol/checksum.h"

#include <array>

namespace starling::wg {

void InternetSum::add(Bytes bytes) {
  // Several sums side by side, each with its carries counted apart, so that no addition waits for the one before it.
  constexpr std::size_t kLanes = 4;
  constexpr std::size_t kBlockSize = kLanes * sizeof(std::uint64_t);
  std::array<std::uint64_t, kLanes> sums{}, carries{};
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kBlockSize; left -= kBlockSize, at += kBlockSize) {
    for (std::size_t lane = 0; lane < kLanes; lane++) {
      const auto word = load<std::uint64_t>(at + 8 * lane);
      sums[lane] += word;
      carries[lane] += sums[lane] < word ? 1 : 0;
    }
  }
  for (std::size_t lane = 0; lane < kLanes; lane++) {
    add_word(sums[lane]);
    add_word(carries[lane]);
  }
  for (; left >= 8; left -= 8, at += 8) add_word(load<std::uint64_t>(at));
  if (left == 0) return;
  std::uint64_t rest = 0;  // zeros behind the end
  std::memcpy(&rest, at, left);
  add_word(rest);
}

std::uint16_t update_checksum(std::uint16_t checksum, std::uint16_t before, std::uint16_t after) {
  std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
  sum += static_cast<std::uint16_t>(~before);
  sum += after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

InternetSum pseudo_header_sum(Bytes addresses, std::uint8_t protocol, std::uint32_t length) {
  InternetSum sum;
  sum.add(addresses);
  sum.add_u16(protocol);
  sum.add_u16(static_cast<std::uint16_t>(length >> 16));
  sum.add_u16(static_cast<std::uint16_t>(length & 0xffff));
  return sum;
}

}  // namespace starling::wg
