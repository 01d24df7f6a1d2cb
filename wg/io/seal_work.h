// A batch of inner packets on the way out, from one read of the interface to sealed messages that can be sent: what the
// ciphers' thread works through, whichever that is. Packets that stand for many are cut here; ciphertext goes straight
// to where it is sent from, so that no payload is copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "wg/io/engine_context.h"
#include "wg/io/outgoing_batch.h"
#include "wg/io/workers.h"
#include "wg/protocol/segmentation.h"

namespace starling::wg {

class SealWork final : public Work {
 public:
  // Headers, padding and overhead of the smallest segments that a kernel makes double what is read, and more.
  static constexpr std::size_t kMessagesSizeMax = 256 << 10;  // bytes, of one packet
  SealWork();

  // Where the next packet may be read to: room for any. Empty when the batch has all that it should.
  MutableBytes room();
  // Of what was read there, `size` bytes: takes its messages' place among those that are sent, at most
  // kMessagesSizeMax together. `first_counter` is the first of plan.count() that were reserved.
  void add(const Segmentation& plan, std::size_t size, std::uint64_t first_counter, const Envelope& envelope,
           std::size_t mtu);
  // Bytes of all messages that this packet becomes.
  static std::size_t messages_size(const Segmentation& plan, std::size_t mtu);
  bool empty() const { return parts_.empty(); }

  // Sees every packet that is sealed from here on, on this thread; finish() then, without a post().
  void capture_with(EngineContext* context) { capture_ = context; }
  // After it was finished. Empty again afterwards.
  void send(Now now, EngineContext& context);

 private:
  struct Part {
    Segmentation plan;
    SessionPtr session;
    PeerId peer;
    std::uint64_t first_counter;
    MutableBytes messages;
    std::size_t mtu;
  };

  void run(PacketAead& aead) override;
  void seal(Part& part, PacketAead& aead) const;

  const std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t used_ = 0;
  std::vector<Part> parts_;
  OutgoingBatch batch_;
  EngineContext* capture_ = nullptr;
};

}  // namespace starling::wg
