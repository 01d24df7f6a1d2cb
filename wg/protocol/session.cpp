#include "wg/protocol/session.h"

#include <stdexcept>

#include "wg/protocol/crypto.h"

namespace starling::wg {

Session::Session(PeerId peer, Keys keys, std::uint32_t local_index, std::uint32_t remote_index, bool is_initiator,
                 Time created, std::uint64_t first_counter)
    : peer_(peer),
      keys_(std::move(keys)),
      local_index_(local_index),
      remote_index_(remote_index),
      is_initiator_(is_initiator),
      created_(created),
      send_counter_(first_counter) {}

Session::~Session() = default;

SealResult Session::seal(Time now, MutableBytes message) {
  if (message.size() < kDataOverhead) throw std::invalid_argument("Session::seal: no room for header and tag");
  if (now - created_ >= kRejectAfterTime) return SealResult::expired;
  // Looked at before it is raised, so that however many refused calls there are, the counter never comes near its end
  // and no nonce is used twice.
  if (messages_sent() >= kRejectAfterMessages) return SealResult::expired;
  const std::uint64_t counter = send_counter_.fetch_add(1, std::memory_order_relaxed);
  if (counter >= kRejectAfterMessages) return SealResult::expired;

  message[0] = static_cast<std::uint8_t>(MessageType::data);
  message[1] = message[2] = message[3] = 0;
  for (std::size_t i = 0; i < 4; i++)
    message[kDataReceiverOffset + i] = static_cast<std::uint8_t>(remote_index_ >> (8 * i));
  for (std::size_t i = 0; i < 8; i++) message[kDataCounterOffset + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  const MutableBytes body = message.subspan(kDataHeaderSize);
  aead_seal(keys_.send, counter, body.first(body.size() - kDataTagSize), {}, body);
  return SealResult::ok;
}

OpenResult Session::open(Time now, MutableBytes message, MutableBytes& plaintext) {
  if (message.size() < kDataOverhead) return OpenResult::too_short;
  const std::uint64_t counter = ByteReader(message.subspan(kDataCounterOffset)).u64_le();
  if (now - created_ >= kRejectAfterTime || counter >= kRejectAfterMessages) return OpenResult::expired;
  const MutableBytes body = message.subspan(kDataHeaderSize);
  const MutableBytes opened = body.first(body.size() - kDataTagSize);
  if (!aead_open(keys_.receive, counter, body, {}, opened)) return OpenResult::decrypt_failed;
  {
    const std::scoped_lock lock(window_mutex_);
    if (!window_.accept(counter)) return OpenResult::replayed;
  }
  plaintext = opened;
  return OpenResult::ok;
}

}  // namespace starling::wg
