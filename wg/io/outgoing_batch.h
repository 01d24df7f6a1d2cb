// Messages that are sealed, or will be by the time they are sent, as runs that one system call takes; and what is to be
// noted of each run once it is sent. The messages lie in this batch's own memory or in anybody's. Kept for its memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "wg/io/engine_context.h"

namespace starling::wg {

// Of a message: to whom, how.
struct Envelope {
  Endpoint to;
  std::optional<LocalAddress> source;
  std::uint8_t traffic_class = 0;
  PeerId peer = kNoPeer;
  SessionPtr session;        // null: a handshake message
  bool has_payload = false;  // data that is no keepalive
};

class OutgoingBatch {
 public:
  static constexpr std::size_t kRunsMax = 128;

  // `capacity`: bytes of memory of its own; pages that no message reaches are not taken from the system. `joins`:
  // whether what is added may continue a run; a recording of the wire shows the messages of a run as one datagram.
  OutgoingBatch(std::size_t capacity, bool joins);

  // Room for messages of this many bytes together, right behind the last; empty where there is none.
  MutableBytes allocate(std::size_t size);
  // `messages`: of `segment_size` bytes each, but for the last. They join the run before where they continue it.
  void add(const Envelope& envelope, Bytes messages, std::size_t segment_size);
  bool empty() const { return runs_.empty(); }
  bool is_full() const { return runs_.size() >= kRunsMax; }
  std::size_t used() const { return used_; }

  // Sends everything, counts it, tells the Device, and is empty again.
  void send(Now now, EngineContext& context);

 private:
  struct Note {
    PeerId peer;
    SessionPtr session;
    std::size_t payloads;  // messages
  };
  struct Sent {
    SessionPtr session;
    bool keepalives_only;
  };

  bool continues(const Envelope& envelope, Bytes messages, std::size_t segment_size) const;
  void note_failures(Now now, EngineContext& context);
  void note_sent(const Note& note);

  const std::size_t capacity_;
  const bool joins_;
  const std::unique_ptr<std::uint8_t[]> memory_;
  std::size_t used_ = 0;
  std::vector<OutgoingRun> runs_;
  std::vector<Note> notes_;  // of each run
  SendOutcome outcome_;
  std::vector<Sent> sent_;
};

}  // namespace starling::wg
