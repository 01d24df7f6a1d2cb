// The opposite of segmentation.h: TCP segments and UDP datagrams that follow each other in a flow, joined to one packet
// of up to 64 KiB with a virtio header that says how it was cut, so that the kernel has one packet to deal with instead
// of forty. Nothing is copied: a joined packet is a list of places. What cannot be cut back into the very same packets
// is not joined, but for IPv4 identifiers and TCP's push flag on the way.
// Sources: virtio 1.2 §5.1.6.2; Linux net/ipv4/{tcp,udp}_offload.c for what a kernel joins.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "wg/protocol/virtio_header.h"

namespace starling::wg {

// One or several packets that are handed over as one.
struct JoinedPacket {
  static constexpr std::size_t kHeaderSizeMax = 40 + 60;  // bytes: IPv6 without extensions, and TCP

  VirtioHeader virtio;
  std::span<const Bytes> pieces;  // the first packet, then the payloads of the others
  std::uint32_t owner = 0;        // the caller's
  std::size_t size = 0;           // bytes of all pieces

  // The `index`-th packet as it came, 0..pieces.size() − 1, where the joined one is refused: it is undone by that.
  Bytes original(std::size_t index);

  // How the next one must look to be joined.
  std::size_t count = 0;  // of the pieces
  MutableBytes first;
  std::size_t header_size = 0;  // bytes, IP and transport; 0: never joined
  std::size_t transport = 0;    // where TCP or UDP begins
  std::size_t payload_size = 0;
  std::uint32_t next_sequence = 0;  // TCP
  bool is_tcp = false;
  bool is_open = false;
  bool is_verified = false;  // the first packet's checksums
  bool pushes = false;       // the last one's push flag
  std::array<std::uint8_t, kHeaderSizeMax> first_header;
};

class Coalescer {
 public:
  static constexpr std::size_t kPiecesMax = 128;    // packets in one
  static constexpr std::size_t kUdpPiecesMax = 64;  // what the kernel's UDP takes
  static constexpr std::size_t kFlowsMax = 16;      // looked through for each packet

  static constexpr std::size_t kPacketsExpected = 768;  // until clear(): for more, memory is allocated

  Coalescer(bool tcp, bool udp);
  void set(bool tcp, bool udp) {
    tcp_ = tcp;
    udp_ = udp;
  }

  // A whole IPv4 or IPv6 packet without padding, which stays where it is, with its headers ours to change, until
  // clear(). `owner`: packets of different ones are not joined.
  void add(MutableBytes packet, std::uint32_t owner);

  // Everything that was added, each flow in its order. Valid until clear().
  std::span<JoinedPacket> finish();
  void clear() {
    count_ = 0;
    arrivals_.clear();
  }
  bool empty() const { return count_ == 0; }

 private:
  struct Arrival {
    Bytes piece;
    std::size_t packet;  // of which it is one
  };

  JoinedPacket& append(MutableBytes packet, std::uint32_t owner);
  JoinedPacket* find_flow(const JoinedPacket& like);
  void close_flows(Bytes packet);
  void sort_pieces();

  bool tcp_;
  bool udp_;
  std::vector<JoinedPacket> packets_;  // count_ of them; the others are kept for their memory
  std::size_t count_ = 0;
  std::vector<Arrival> arrivals_;
  std::vector<Bytes> pieces_;  // by packet
};

}  // namespace starling::wg
