// The asking side of a database exchange with one neighbour: walk through its headers by key, then request what is
// missing here. The answering side keeps no state at all, so neither a restart nor a lost packet can confuse the two.
//
// Invariant: done() means that every key up to the end was covered by headers since start(), and that everything in
// them that is newer than ours has arrived or was given up after kMaxRequestTries; or that the digests agreed.
//
// Exchanges with several neighbours at once begin to request at different places (`rotation`), so that what all of them
// have is fetched in parts from each, and not from all.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "routing/database.h"
#include "routing/messages.h"

namespace starling::routing {

class Exchange {
 public:
  // `rotation`: where to begin, of all that is wanted, in parts of 2^32.
  explicit Exchange(std::uint32_t rotation = 0) : rotation_(rotation) {}

  void start();
  void stop();
  // The neighbour has nothing that is not here: its digest is ours.
  void finish();
  bool running() const { return asking_ || wanted_count() != 0; }
  bool done() const { return started_ && !running(); }
  std::size_t wanted_count() const { return waiting_count_ + in_flight_.size(); }
  std::size_t in_flight() const { return in_flight_.size(); }
  bool wants(const LsaKey& key) const;

  // An answer to an Ask. Ignored when none is open.
  void on_headers(Time now, const Headers& headers, const Database& database, Duration retransmit);
  // An announcement under this key came, from whomever; what is at least as new needs no request.
  void on_stored(const LsaKey& key, std::uint64_t sequence);

  // What is to be sent now. Each call counts as sending.
  std::optional<Ask> take_ask(Time now, Duration retransmit);
  // `elsewhere`: sorted, what other neighbours were just asked for; it waits for them.
  std::vector<LsaKey> take_requests(Time now, Duration retransmit, const std::vector<LsaKey>& elsewhere = {});
  bool has_waiting() const { return waiting_count_ > 0; }
  // What was asked for once and may still come.
  void add_expected(Time now, std::vector<LsaKey>& keys) const;
  bool is_due(Time now) const {
    return next_deadline() <= now || (waiting_count_ > 0 && in_flight_.size() < kMaxRequestsInFlight);
  }
  Time next_deadline() const;

 private:
  struct Wanted {
    LsaKey key;
    std::uint64_t sequence = 0;  // that the neighbour has; 0: wanted no longer
  };
  struct Requested {
    LsaKey key;
    std::uint64_t sequence = 0;
    std::uint8_t tries = 0;
    Time next_at{};
  };

  std::vector<Wanted>::iterator place_of(const LsaKey& key);
  void want(const LsaSummary& summary);
  std::optional<Wanted> take_waiting(const std::vector<LsaKey>& elsewhere);
  void close_gaps();

  std::uint32_t rotation_;
  bool started_ = false;
  bool asking_ = false;
  LsaKey cursor_;
  Time ask_at_{};
  std::uint8_t ask_tries_ = 0;
  std::size_t window_left_ = 0;
  std::vector<Wanted> waiting_;  // by key
  std::size_t waiting_count_ = 0;
  std::optional<std::size_t> next_;   // of waiting_, where the next request comes from
  std::vector<Requested> in_flight_;  // at most kMaxRequestsInFlight
};

// `first` doubled `tries` times, at most kRetransmitMax.
Duration backed_off(Duration first, unsigned tries);

}  // namespace starling::routing
