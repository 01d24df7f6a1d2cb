#include "wg/protocol/checksum.h"

namespace starling::wg {

namespace {

// A sum whose carries are counted apart, so that an addition does not wait for the one before it.
struct Lane {
  std::uint64_t sum = 0;
  std::uint64_t carries = 0;

  void add(const std::uint8_t* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    sum += word;
    carries += sum < word ? 1 : 0;
  }
};

}  // namespace

void InternetSum::add(Bytes bytes) {
  constexpr std::size_t kBlockSize = 4 * sizeof(std::uint64_t);
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  Lane a, b, c, d;
  for (; left >= kBlockSize; left -= kBlockSize, at += kBlockSize) {
    a.add(at);
    b.add(at + 8);
    c.add(at + 16);
    d.add(at + 24);
  }
  for (const Lane& lane : {a, b, c, d}) {
    add_word(lane.sum);
    add_word(lane.carries);
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
