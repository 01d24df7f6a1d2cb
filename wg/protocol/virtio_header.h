// The header in front of every packet of a TUN that was made with IFF_VNET_HDR (virtio 1.2 §5.1.6, Linux
// include/uapi/linux/virtio_net.h): 10 bytes, numbers in the host's byte order, which says what the kernel has left for
// others to do. Pure functions, safe on any bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace starling::wg {

inline constexpr std::size_t kVirtioHeaderSize = 10;  // bytes; all zero: nothing is left to do

struct VirtioHeader {
  static constexpr std::uint8_t kNeedsChecksum = 1;  // VIRTIO_NET_HDR_F_NEEDS_CSUM, in `flags`
  // In `segmentation`: VIRTIO_NET_HDR_GSO_NONE, _TCPV4, _TCPV6 and _UDP_L4.
  static constexpr std::uint8_t kNotSegmented = 0;
  static constexpr std::uint8_t kTcpIpv4 = 1;
  static constexpr std::uint8_t kTcpIpv6 = 4;
  static constexpr std::uint8_t kUdp = 5;

  std::uint8_t flags = 0;
  std::uint8_t segmentation = 0;      // into which kind of packets it is still to be cut
  std::uint16_t header_size = 0;      // bytes; a hint that forwarded packets have wrong
  std::uint16_t segment_size = 0;     // bytes of payload of each packet to be made
  std::uint16_t checksum_start = 0;   // from where to sum, in bytes from the packet's beginning
  std::uint16_t checksum_offset = 0;  // where to put it, in bytes from checksum_start
};

// Nothing if there are fewer than kVirtioHeaderSize bytes; what is behind them is not looked at.
std::optional<VirtioHeader> parse_virtio_header(Bytes bytes);

void write_virtio_header(const VirtioHeader& header, std::span<std::uint8_t, kVirtioHeaderSize> out);

// Does what the header asks for, so that the packet stands by itself: fills in a checksum of which only the pseudo
// header is summed (RFC 1071). False, with the packet unchanged: it is still to be segmented (segmentation.h), or the
// checksum's place lies outside.
[[nodiscard]] bool complete_packet(const VirtioHeader& header, MutableBytes packet);

}  // namespace starling::wg
