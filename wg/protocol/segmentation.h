// One large packet that the kernel leaves to others to cut (TSO, USO: a virtio header in front of it says how), cut
// into the packets that go on the wire. Nothing is copied: each packet's headers are written straight before its share
// of the payload, over the end of the share before, which is done with by then. Sources: virtio 1.2 §5.1.6.2; RFC 9293,
// RFC 768; Linux Documentation/networking/segmentation-offloads.rst.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "wg/protocol/virtio_header.h"

namespace starling::wg {

class Segmentation {
 public:
  // Of TCP's headers and IPv6's extension headers together; more than the kernel ever makes.
  static constexpr std::size_t kHeaderSizeMax = 256;  // bytes

  // Nothing if the header asks for what makes no sense of this packet. A packet that stands by itself, or wants a
  // checksum only, is one segment. `packet` stays where it is until next() was called for the last time.
  static std::optional<Segmentation> plan(const VirtioHeader& header, MutableBytes packet);

  std::size_t count() const { return count_; }
  // Bytes of every packet but the last, which may be shorter.
  std::size_t size() const { return header_size_ + payload_size_; }
  std::size_t last_size() const { return packet_.size() - (count_ - 1) * payload_size_; }

  // The next packet, complete; count() times. Valid, and free to be written to, until the next call; what is behind it
  // is the next packet's.
  MutableBytes next();

 private:
  Segmentation(MutableBytes packet, std::size_t header_size, std::size_t payload_size);
  void write_ip(MutableBytes segment) const;
  void write_tcp(MutableBytes segment) const;
  void write_udp(MutableBytes segment) const;
  void write_checksum(MutableBytes segment, std::size_t offset) const;

  MutableBytes packet_;
  std::array<std::uint8_t, kHeaderSizeMax> header_;  // as the kernel made it
  std::size_t header_size_ = 0;                      // IP and TCP or UDP; 0: the packet is sent as it is
  std::size_t payload_size_ = 0;
  std::size_t transport_ = 0;  // where TCP or UDP begins
  std::uint8_t protocol_ = 0;
  std::size_t count_ = 1;
  std::size_t next_ = 0;
};

}  // namespace starling::wg
