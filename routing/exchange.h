// The asking side of a database exchange with one neighbour: walk through its headers by key, then request what is
// missing here. The answering side keeps no state at all, so neither a restart nor a lost packet can confuse the two.
//
// Invariant: done() means that every key up to the end was covered by headers since start(), and that everything in
// them that is newer than ours has arrived or was given up after kMaxRequestTries.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "base/time.h"
#include "routing/database.h"
#include "routing/messages.h"

namespace starling::routing {

class Exchange {
 public:
  void start();
  void stop();
  bool running() const { return asking_ || wanted_count() != 0; }
  bool done() const { return started_ && !running(); }
  std::size_t wanted_count() const { return waiting_.size() + in_flight_.size(); }

  // An answer to an Ask. Ignored when none is open.
  void on_headers(Time now, const Headers& headers, const Database& database, Duration retransmit);
  // An announcement under this key came, from whomever; what is at least as new needs no request.
  void on_stored(const LsaKey& key, std::uint64_t sequence);

  // What is to be sent now. Each call counts as sending.
  std::optional<Ask> take_ask(Time now, Duration retransmit);
  std::vector<LsaKey> take_requests(Time now, Duration retransmit);
  Time next_deadline() const;

 private:
  struct Requested {
    std::uint64_t sequence = 0;
    std::uint8_t tries = 0;
    Time next_at{};
  };

  bool started_ = false;
  bool asking_ = false;
  LsaKey cursor_;
  Time ask_at_{};
  std::uint8_t ask_tries_ = 0;
  std::size_t window_left_ = 0;
  std::map<LsaKey, std::uint64_t> waiting_;  // key → sequence that the neighbour has
  std::map<LsaKey, Requested> in_flight_;    // at most kMaxRequestsInFlight
};

// `first` doubled `tries` times, at most kRetransmitMax.
Duration backed_off(Duration first, unsigned tries);

}  // namespace starling::routing
