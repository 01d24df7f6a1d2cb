// What one neighbour still has to be told: announcements sent and not acknowledged, and those waiting for their turn.
//
// Invariants: at most one announcement per key, the newest; at most kMaxInFlight are unacknowledged on the wire, so the
// neighbour's acknowledgements pace what is sent; news that comes within kFloodSpacing of other news goes together, so
// that a burst fills packets. Whose turn it is goes round by key, so no origin that changes often keeps others waiting.
// Retransmission backs off; after kMaxTransmissions the announcement is left to the digest comparison.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "routing/limits.h"
#include "routing/lsa.h"
#include "routing/messages.h"

namespace starling::routing {

class FloodQueue {
 public:
  void push(LsaHandle lsa);
  // The neighbour said that it has this (an Ack, or it sent the same or a newer one). True if what it has is exactly
  // what was under way to it.
  bool acknowledge(const LsaSummary& summary);
  // Its database is ours: it has everything but the bare headers.
  void acknowledge_all();
  void clear();
  // What waits goes at the next take_due().
  void hurry() { spaced_until_ = {}; }
  bool empty() const { return waiting_.empty() && in_flight_.empty(); }
  std::size_t size() const { return waiting_.size() + in_flight_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }

  bool is_due(Time now) const { return next_deadline() <= now; }
  // What is to be sent now; counts as sent. Adds the repeated ones to `retransmissions`.
  std::vector<LsaHandle> take_due(Time now, Duration retransmit, std::uint64_t& retransmissions);
  Time next_deadline() const {
    const bool may_send = !waiting_.empty() && in_flight_.size() < kMaxInFlight;
    return may_send && spaced_until_ < next_at_ ? spaced_until_ : next_at_;
  }

 private:
  struct Waiting {
    std::uint64_t rank = 0;  // of the origin: the greater origin has the greater one, so that hardly ever a key is read
    LsaHandle lsa;
  };
  struct Sent {
    LsaHandle lsa;
    Time next_at{};
    std::uint8_t transmissions = 1;
  };

  std::vector<Sent>::iterator sent_under(const LsaKey& key);
  std::vector<Waiting>::iterator waiting_from(const LsaKey& key);
  void forget_sent(std::vector<Sent>::iterator sent);
  template <typename Condition>
  void forget_sent_if(const Condition& condition);
  void find_next_at();

  std::vector<Waiting> waiting_;  // by key
  LsaKey turn_;                   // the next to be sent is the first from here
  std::vector<Sent> in_flight_;
  std::vector<std::uint64_t> sent_ranks_;  // of their origins, apart, so that looking for one reads little else
  Time next_at_ = kNever;                  // the earliest of in_flight_
  Time spaced_until_{};                    // when the next news may go
};

}  // namespace starling::routing
