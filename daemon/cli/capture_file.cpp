#include "daemon/cli/capture_file.h"

namespace starling::daemon {

namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kStatistics = 5;
constexpr std::uint32_t kPacket = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kDroppedOption = 5;  // isb_ifdrop
constexpr std::size_t kBlockSizeMin = 12;
constexpr std::size_t kBlockSizeMax = 1u << 20;  // a packet has at most 65535 bytes
constexpr std::size_t kStatisticsFixedSize = 20;

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<std::uint8_t>(bytes[at + i]);
  return value;
}

// Of a statistics block; 0 if it does not say.
std::uint64_t dropped_in(std::string_view block) {
  if (block.size() < kStatisticsFixedSize + 4) return 0;
  std::string_view options = block.substr(kStatisticsFixedSize, block.size() - kStatisticsFixedSize - 4);
  while (options.size() >= 4) {
    const std::uint64_t code = number(options, 0, 2);
    const std::uint64_t size = number(options, 2, 2);
    const std::size_t padded = 4 + (size + 3) / 4 * 4;
    if (padded > options.size()) break;
    if (code == kDroppedOption && size == 8) return number(options, 4, 8);
    options.remove_prefix(padded);
  }
  return 0;
}

}  // namespace

Result<std::string> CaptureFile::take(std::string_view bytes) {
  rest_ += bytes;
  std::size_t end = 0;
  while (rest_.size() - end >= kBlockSizeMin) {
    const std::string_view left = std::string_view(rest_).substr(end);
    const std::uint64_t size = number(left, 4, 4);
    const bool begins = number(left, 0, 4) == kSectionHeader && number(left, 8, 4) == kByteOrderMagic;
    if (size < kBlockSizeMin || size > kBlockSizeMax || size % 4 != 0 || begins == began_) {
      return Error{"what came is no capture file"};
    }
    if (left.size() < size) break;
    began_ = true;
    count(left.substr(0, size));
    end += size;
  }
  std::string whole = rest_.substr(0, end);
  rest_.erase(0, end);
  return whole;
}

void CaptureFile::count(std::string_view block) {
  const std::uint64_t type = number(block, 0, 4);
  if (type == kPacket) ++packets_;
  if (type == kStatistics) dropped_ = dropped_.value_or(0) + dropped_in(block);
}

}  // namespace starling::daemon
