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

std::optional<std::uint64_t> Session::reserve(Time now, std::size_t count) {
  if (now - created_ >= kRejectAfterTime) return std::nullopt;
  // Looked at before it is raised, so that however many refused calls there are, the counter never comes near its end
  // and no nonce is used twice.
  if (messages_sent() >= kRejectAfterMessages) return std::nullopt;
  const std::uint64_t first = send_counter_.fetch_add(count, std::memory_order_relaxed);
  if (first >= kRejectAfterMessages || count > kRejectAfterMessages - first) return std::nullopt;
  return first;
}

AeadJob Session::seal_job(std::uint64_t counter, Bytes plaintext, MutableBytes message) const {
  if (message.size() != plaintext.size() + kDataOverhead) throw std::invalid_argument("Session: no room for a message");
  message[0] = static_cast<std::uint8_t>(MessageType::data);
  message[1] = message[2] = message[3] = 0;
  for (std::size_t i = 0; i < 4; i++)
    message[kDataReceiverOffset + i] = static_cast<std::uint8_t>(remote_index_ >> (8 * i));
  for (std::size_t i = 0; i < 8; i++) message[kDataCounterOffset + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return {&keys_.send, counter, plaintext.data(), message.data() + kDataHeaderSize, plaintext.size(), false};
}

OpenResult Session::open_job(Time now, MutableBytes message, AeadJob& job) const {
  if (message.size() < kDataOverhead) return OpenResult::too_short;
  const std::uint64_t counter = ByteReader(message.subspan(kDataCounterOffset)).u64_le();
  if (now - created_ >= kRejectAfterTime || counter >= kRejectAfterMessages) return OpenResult::expired;
  std::uint8_t* const body = message.data() + kDataHeaderSize;
  job = {&keys_.receive, counter, body, body, message.size() - kDataOverhead, false};
  return OpenResult::ok;
}

SealResult Session::seal(Time now, MutableBytes message) {
  if (message.size() < kDataOverhead) throw std::invalid_argument("Session::seal: no room for header and tag");
  const std::optional<std::uint64_t> counter = reserve(now, 1);
  if (!counter) return SealResult::expired;
  const Bytes plaintext = message.subspan(kDataHeaderSize, message.size() - kDataOverhead);
  const AeadJob job = seal_job(*counter, plaintext, message);
  aead_seal(*job.key, job.counter, plaintext, {}, message.subspan(kDataHeaderSize));
  return SealResult::ok;
}

OpenResult Session::open(Time now, MutableBytes message, MutableBytes& plaintext) {
  AeadJob job;
  if (const OpenResult result = open_job(now, message, job); result != OpenResult::ok) return result;
  const MutableBytes opened(job.out, job.size);
  if (!aead_open(*job.key, job.counter, Bytes(job.in, job.size + kDataTagSize), {}, opened)) {
    return OpenResult::decrypt_failed;
  }
  if (!accept(job.counter)) return OpenResult::replayed;
  plaintext = opened;
  return OpenResult::ok;
}

}  // namespace starling::wg
