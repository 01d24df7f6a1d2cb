#include "wg/protocol/virtio_header.h"

#include <cstring>

namespace starling::wg {

namespace {

std::uint16_t internet_checksum(Bytes bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint64_t>(bytes[i] << 8 | bytes[i + 1]);
  if (bytes.size() % 2 != 0) sum += static_cast<std::uint64_t>(bytes.back() << 8);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

template <typename Number>
void read(Bytes bytes, std::size_t& at, Number& out) {
  std::memcpy(&out, bytes.data() + at, sizeof out);
  at += sizeof out;
}

}  // namespace

std::optional<VirtioHeader> parse_virtio_header(Bytes bytes) {
  if (bytes.size() < kVirtioHeaderSize) return std::nullopt;
  VirtioHeader header;
  std::size_t at = 0;
  read(bytes, at, header.flags);
  read(bytes, at, header.segmentation);
  read(bytes, at, header.header_size);
  read(bytes, at, header.segment_size);
  read(bytes, at, header.checksum_start);
  read(bytes, at, header.checksum_offset);
  return header;
}

bool complete_packet(const VirtioHeader& header, MutableBytes packet) {
  if (header.segmentation != VirtioHeader::kNotSegmented) return false;
  if ((header.flags & VirtioHeader::kNeedsChecksum) == 0) return true;
  const std::size_t field = std::size_t{header.checksum_start} + header.checksum_offset;
  if (field + 2 > packet.size()) return false;
  // The field holds the sum of the pseudo header, so it takes part like everything else. Zero would mean "no checksum"
  // in UDP (RFC 768); all ones is the same number.
  const std::uint16_t sum = internet_checksum(packet.subspan(header.checksum_start));
  const std::uint16_t checksum = sum == 0 ? 0xffff : sum;
  packet[field] = static_cast<std::uint8_t>(checksum >> 8);
  packet[field + 1] = static_cast<std::uint8_t>(checksum & 0xff);
  return true;
}

}  // namespace starling::wg
