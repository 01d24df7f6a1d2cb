// What one neighbour still has to be told: announcements sent and not acknowledged, and those waiting for their turn.
//
// Invariants: at most one announcement per key, the newest; at most kMaxInFlight are unacknowledged on the wire, so the
// neighbour's acknowledgements pace what is sent. Retransmission backs off; after kMaxTransmissions the announcement is
// left to the digest comparison.
#pragma once

#include <map>
#include <vector>

#include "base/time.h"
#include "routing/lsa.h"
#include "routing/messages.h"

namespace starling::routing {

class FloodQueue {
 public:
  void push(LsaHandle lsa);
  // The neighbour said that it has this (an Ack, or it sent the same or a newer one).
  void acknowledge(const LsaSummary& summary);
  void clear();
  bool empty() const { return waiting_.empty() && in_flight_.empty(); }
  std::size_t size() const { return waiting_.size() + in_flight_.size(); }

  // What is to be sent now; counts as sent. Adds the repeated ones to `retransmissions`.
  std::vector<LsaHandle> take_due(Time now, Duration retransmit, std::uint64_t& retransmissions);
  Time next_deadline() const;

 private:
  struct Sent {
    LsaHandle lsa;
    std::uint8_t transmissions = 1;
    Time next_at{};
  };
  std::map<LsaKey, LsaHandle> waiting_;
  std::map<LsaKey, Sent> in_flight_;
};

}  // namespace starling::routing
