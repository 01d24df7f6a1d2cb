#include "wg/protocol/virtio_header.h"

#include <cstring>

#include "wg/protocol/checksum.h"
#include "wg/protocol/ip_header.h"

namespace starling::wg {

namespace {

template <typename Number>
void read(Bytes bytes, std::size_t& at, Number& out) {
  std::memcpy(&out, bytes.data() + at, sizeof out);
  at += sizeof out;
}

template <typename Number>
void write(MutableBytes bytes, std::size_t& at, const Number& number) {
  std::memcpy(bytes.data() + at, &number, sizeof number);
  at += sizeof number;
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

void write_virtio_header(const VirtioHeader& header, std::span<std::uint8_t, kVirtioHeaderSize> out) {
  std::size_t at = 0;
  write(out, at, header.flags);
  write(out, at, header.segmentation);
  write(out, at, header.header_size);
  write(out, at, header.segment_size);
  write(out, at, header.checksum_start);
  write(out, at, header.checksum_offset);
}

bool complete_packet(const VirtioHeader& header, MutableBytes packet) {
  if (header.segmentation != VirtioHeader::kNotSegmented) return false;
  if ((header.flags & VirtioHeader::kNeedsChecksum) == 0) return true;
  const std::size_t field = std::size_t{header.checksum_start} + header.checksum_offset;
  if (field + 2 > packet.size()) return false;
  // The field holds the sum of the pseudo header, so it takes part like everything else.
  InternetSum sum;
  sum.add(packet.subspan(header.checksum_start));
  store_u16(packet, field, sum.udp_checksum());
  return true;
}

}  // namespace starling::wg
