// One transport session: two ChaCha20-Poly1305 keys, a send counter and a replay window (whitepaper §5.4.6).
// The seam between the handshake core and the fast data path: Device makes Sessions and hands them out; whoever moves
// packets seals and opens in its own buffers, and tells the Device in batches what it did.
//
// The work on a message comes in parts, so that the ciphers' share can be done by other threads while order is kept:
// to send, one thread reserves counters, any thread runs the jobs; to receive, any thread runs the job, one thread asks
// the replay window, in the order of arrival. seal() and open() are all of it at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/key.h"
#include "base/time.h"
#include "wg/protocol/aead.h"
#include "wg/protocol/messages.h"
#include "wg/protocol/replay_window.h"
#include "wg/tables.h"

namespace starling::wg {

enum class OpenResult : std::uint8_t {
  ok,
  too_short,       // shorter than a keepalive
  decrypt_failed,  // the tag does not verify
  replayed,        // counter seen before or behind the window
  expired,         // REJECT_AFTER_TIME or REJECT_AFTER_MESSAGES
};

enum class SealResult : std::uint8_t {
  ok,
  expired,  // REJECT_AFTER_TIME or REJECT_AFTER_MESSAGES: ask the Device for a new handshake
};

class Session {
 public:
  struct Keys {
    SecretKey send;
    SecretKey receive;
  };

  // `first_counter`: where sending starts, 0 but for tests of the limits.
  Session(PeerId peer, Keys keys, std::uint32_t local_index, std::uint32_t remote_index, bool is_initiator,
          Time created, std::uint64_t first_counter = 0);
  ~Session();  // wipes the keys
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  PeerId peer() const { return peer_; }
  std::uint32_t local_index() const { return local_index_; }    // in data that we receive
  std::uint32_t remote_index() const { return remote_index_; }  // in data that we send
  bool is_initiator() const { return is_initiator_; }
  Time created() const { return created_; }
  std::uint64_t messages_sent() const { return send_counter_.load(std::memory_order_relaxed); }

  // The first of `count` consecutive counters, all of them or none. Any thread.
  std::optional<std::uint64_t> reserve(Time now, std::size_t count);
  // Makes `message` a data message but for its ciphertext and tag, which the job puts there: of `plaintext`, padding
  // included, which lies at message + 16 or anywhere else. `message` has its size + 32 bytes, else
  // std::invalid_argument. Any thread.
  AeadJob seal_job(std::uint64_t counter, Bytes plaintext, MutableBytes message) const;

  // The job that opens a data message in place; on ok its `out` is inside `message`. Any thread.
  OpenResult open_job(Time now, MutableBytes message, AeadJob& job) const;
  // Of an authentic message: whether it is new. One thread at a time.
  bool accept(std::uint64_t counter) { return window_.accept(counter); }

  // Makes `message` a data message in place: the caller has put the padded plaintext at [16, size − 16). At least 32
  // bytes, else std::invalid_argument. Any thread, one message at a time.
  SealResult seal(Time now, MutableBytes message);

  // Verifies and decrypts a data message in place; on ok `plaintext` is the view of it inside `message` (padding
  // included, empty for a keepalive). The replay window moves only for authentic messages. One thread at a time.
  OpenResult open(Time now, MutableBytes message, MutableBytes& plaintext);

 private:
  const PeerId peer_;
  Keys keys_;
  const std::uint32_t local_index_;
  const std::uint32_t remote_index_;
  const bool is_initiator_;
  const Time created_;
  std::atomic<std::uint64_t> send_counter_;
  ReplayWindow window_;
};

using SessionPtr = std::shared_ptr<Session>;

}  // namespace starling::wg
