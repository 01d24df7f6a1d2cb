#include "wg/io/seal_work.h"

#include <array>
#include <cstring>

#include "wg/protocol/messages.h"

namespace starling::wg {
namespace {

constexpr std::size_t kInnerSizeMax = 65535;  // bytes
// A packet that stands for many fills a batch; of small ones, enough that a system call is worth it.
constexpr std::size_t kInputMax = 48 << 10;  // bytes, after which no more is read
constexpr std::size_t kPartsMax = 64;
constexpr std::size_t kAlignment = 64;  // bytes, of each packet
constexpr std::size_t kInputSize = kInputMax + kAlignment + kInnerSizeMax + kPaddingMultiple;
constexpr std::size_t kOutputSize = 3 * SealWork::kMessagesSizeMax;

std::size_t message_size(std::size_t packet, std::size_t mtu) {
  return padded_size(packet, mtu) + kDataOverhead;
}

}  // namespace

SealWork::SealWork() : memory_(std::make_unique_for_overwrite<std::uint8_t[]>(kInputSize)), batch_(kOutputSize, true) {
  parts_.reserve(kPartsMax);
}

MutableBytes SealWork::room() {
  if (used_ >= kInputMax || parts_.size() == kPartsMax) return {};
  if (kOutputSize - batch_.used() < kMessagesSizeMax) return {};
  return {memory_.get() + used_, kInnerSizeMax};
}

std::size_t SealWork::messages_size(const Segmentation& plan, std::size_t mtu) {
  return (plan.count() - 1) * message_size(plan.size(), mtu) + message_size(plan.last_size(), mtu);
}

void SealWork::add(const Segmentation& plan, std::size_t size, std::uint64_t first_counter, const Envelope& envelope,
                   std::size_t mtu) {
  const MutableBytes messages = batch_.allocate(messages_size(plan, mtu));
  batch_.add(envelope, messages, message_size(plan.count() == 1 ? plan.last_size() : plan.size(), mtu));
  parts_.push_back({plan, envelope.session, envelope.peer, first_counter, messages, mtu});
  used_ += (size + kPaddingMultiple + kAlignment - 1) / kAlignment * kAlignment;
}

void SealWork::run(PacketAead& aead) {
  for (Part& part : parts_) seal(part, aead);
}

// Behind a packet lies the next one's payload, where the padding must be for as long as it is read.
void SealWork::seal(Part& part, PacketAead& aead) const {
  std::array<std::uint8_t, kPaddingMultiple> behind;
  const PeerPath* const peer = capture_ != nullptr ? capture_->peers.find(part.peer) : nullptr;
  std::uint8_t* message = part.messages.data();
  for (std::size_t i = 0; i < part.plan.count(); ++i) {
    const MutableBytes packet = part.plan.next();
    if (capture_ != nullptr) capture_->capture(PacketDirection::outbound, peer, packet, false);
    const std::size_t padded = padded_size(packet.size(), part.mtu);
    const std::size_t padding = padded - packet.size();
    std::uint8_t* const end = packet.data() + packet.size();
    std::memcpy(behind.data(), end, padding);
    std::memset(end, 0, padding);
    const AeadJob job =
        part.session->seal_job(part.first_counter + i, Bytes(packet.data(), padded), {message, padded + kDataOverhead});
    aead.seal({&job, 1});
    std::memcpy(end, behind.data(), padding);
    message += padded + kDataOverhead;
  }
}

void SealWork::send(Now now, EngineContext& context) {
  batch_.send(now, context);
  parts_.clear();
  used_ = 0;
}

}  // namespace starling::wg
