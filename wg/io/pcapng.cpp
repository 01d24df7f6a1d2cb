#include "wg/io/pcapng.h"

#include <algorithm>
#include <array>

namespace starling::wg {
namespace {

enum BlockType : std::uint32_t {
  kInterfaceDescription = 1,
  kInterfaceStatistics = 5,
  kEnhancedPacket = 6,
  kSectionHeader = 0x0a0d0d0a
};
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint64_t kUnknownSectionSize = ~std::uint64_t{0};
constexpr std::uint16_t kLinkTypeRaw = 101;  // an IPv4 or IPv6 header comes first
constexpr std::size_t kOptionSizeMax = 65535;

constexpr std::uint16_t kOptionEnd = 0;
constexpr std::uint16_t kOptionComment = 1;
constexpr std::uint16_t kSectionApplication = 4;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kInterfaceComment = 3;  // if_description
constexpr std::uint16_t kInterfaceResolution = 9;
constexpr std::uint16_t kPacketFlags = 2;
constexpr std::uint16_t kPacketDropCount = 4;
constexpr std::uint16_t kStatisticsBegin = 2;
constexpr std::uint16_t kStatisticsEnd = 3;
constexpr std::uint16_t kStatisticsReceived = 4;
constexpr std::uint16_t kStatisticsDropped = 5;
constexpr std::array<std::uint8_t, 1> kNanoseconds{9};  // 10^−9 s

std::uint64_t nanoseconds(WallTime at) {
  return static_cast<std::uint64_t>(at.time_since_epoch().count());
}

// Two halves, the upper first; each in the section's byte order.
std::array<std::uint8_t, 8> halves(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[i] = static_cast<std::uint8_t>(value >> (32 + 8 * i));
    bytes[4 + i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  return bytes;
}

}  // namespace

void PcapngWriter::section(std::string_view application) {
  const std::size_t begin = begin_block(kSectionHeader);
  u32(kByteOrderMagic);
  u16(1);  // version 1.0
  u16(0);
  u64(kUnknownSectionSize);
  option(kSectionApplication, application);
  end_of_options();
  end_block(begin);
}

void PcapngWriter::interface(const PcapngInterface& interface) {
  const std::size_t begin = begin_block(kInterfaceDescription);
  u16(kLinkTypeRaw);
  u16(0);
  u32(interface.snap_length);
  option(kInterfaceName, interface.name);
  if (!interface.description.empty()) option(kInterfaceComment, interface.description);
  option(kInterfaceResolution, Bytes(kNanoseconds));
  end_of_options();
  end_block(begin);
}

void PcapngWriter::packet(const PcapngPacket& packet) {
  const std::size_t begin = begin_block(kEnhancedPacket);
  u32(packet.interface);
  timestamp(packet.at);
  u32(static_cast<std::uint32_t>(packet.captured.size()));
  u32(static_cast<std::uint32_t>(packet.original_size));
  padded(packet.captured);
  const std::array<std::uint8_t, 4> flags{static_cast<std::uint8_t>(packet.direction), 0, 0, 0};
  option(kPacketFlags, Bytes(flags));
  if (packet.lost_before != 0) option(kPacketDropCount, packet.lost_before);
  if (!packet.comment.empty()) option(kOptionComment, packet.comment);
  end_of_options();
  end_block(begin);
}

void PcapngWriter::statistics(const PcapngStatistics& statistics) {
  const std::size_t begin = begin_block(kInterfaceStatistics);
  u32(statistics.interface);
  timestamp(statistics.end);
  option(kStatisticsBegin, Bytes(halves(nanoseconds(statistics.begin))));
  option(kStatisticsEnd, Bytes(halves(nanoseconds(statistics.end))));
  option(kStatisticsReceived, statistics.received);
  option(kStatisticsDropped, statistics.dropped);
  end_of_options();
  end_block(begin);
}

// The size stands in front and behind, so that a file can be read from its end.
std::size_t PcapngWriter::begin_block(std::uint32_t type) {
  const std::size_t begin = out_.size();
  u32(type);
  u32(0);
  return begin;
}

void PcapngWriter::end_block(std::size_t begin) {
  const auto size = static_cast<std::uint32_t>(out_.size() + 4 - begin);
  u32(size);
  std::copy(out_.end() - 4, out_.end(), out_.begin() + static_cast<std::ptrdiff_t>(begin) + 4);
}

void PcapngWriter::option(std::uint16_t code, Bytes value) {
  const Bytes fitting = value.first(std::min(value.size(), kOptionSizeMax));
  u16(code);
  u16(static_cast<std::uint16_t>(fitting.size()));
  padded(fitting);
}

void PcapngWriter::option(std::uint16_t code, std::string_view text) {
  option(code, Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void PcapngWriter::option(std::uint16_t code, std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  option(code, Bytes(bytes));
}

void PcapngWriter::end_of_options() {
  u16(kOptionEnd);
  u16(0);
}

void PcapngWriter::timestamp(WallTime at) {
  const std::array<std::uint8_t, 8> bytes = halves(nanoseconds(at));
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void PcapngWriter::padded(Bytes bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  out_.resize(out_.size() + (4 - bytes.size() % 4) % 4);
}

void PcapngWriter::u16(std::uint16_t value) {
  out_.push_back(static_cast<std::uint8_t>(value));
  out_.push_back(static_cast<std::uint8_t>(value >> 8));
}

void PcapngWriter::u32(std::uint32_t value) {
  u16(static_cast<std::uint16_t>(value));
  u16(static_cast<std::uint16_t>(value >> 16));
}

void PcapngWriter::u64(std::uint64_t value) {
  u32(static_cast<std::uint32_t>(value));
  u32(static_cast<std::uint32_t>(value >> 32));
}

}  // namespace starling::wg
