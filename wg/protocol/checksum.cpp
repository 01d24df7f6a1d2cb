#include "wg/protocol/checksum.h"

namespace starling::wg {

namespace {

// Which instructions the processor has for wide words is looked up once, when the program is loaded. Sanitizers are not
// ready by then.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define STARLING_WIDEST __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define STARLING_WIDEST
#endif

constexpr std::size_t kBlockSize = 64;     // bytes
constexpr std::size_t kBlocksWorthIt = 4;  // fewer: the call costs more than it saves
using Block = std::uint64_t __attribute__((vector_size(kBlockSize)));

// The sum of all 32-bit words of whole blocks, upper and lower halves in lanes of 64 bits: no carry is lost before
// 2^32 blocks.
STARLING_WIDEST std::uint64_t sum_blocks(const std::uint8_t* at, std::size_t blocks) {
  Block low{};
  Block high{};
  for (; blocks > 0; --blocks, at += kBlockSize) {
    Block block;
    std::memcpy(&block, at, sizeof block);
    low += block & 0xffffffffu;
    high += block >> 32;
  }
  const Block lanes = low + high;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlockSize / sizeof sum; ++i) sum += lanes[i];
  return sum;
}

}  // namespace

void InternetSum::add(Bytes bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  if (const std::size_t blocks = left / kBlockSize; blocks >= kBlocksWorthIt) {
    add_word(sum_blocks(at, blocks));
    at += blocks * kBlockSize;
    left -= blocks * kBlockSize;
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
