// One neighbour as this node sees it: its life and state, the Hellos in both directions, the round trip (RFC 9616), the
// detection time (negotiated as in RFC 5880 6.8.4), and the queues of the database exchange. Who moves the state is
// router_impl.cpp, by neighbor_table.h.
#pragma once

#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "routing/exchange.h"
#include "routing/flood_queue.h"
#include "routing/messages.h"
#include "routing/router.h"

namespace starling::routing {

// The share of Hellos that did not arrive, from their sequence numbers; old ones count less and less.
class LossMeter {
 public:
  void on_sequence(std::uint32_t sequence);
  void reset();
  std::uint16_t permille() const;

 private:
  bool any_ = false;
  std::uint32_t newest_ = 0;
  std::uint32_t expected_ = 0;
  std::uint32_t received_ = 0;
};

// When two neighbours whose digests differ compare their databases again: soon once both rest (else it may be news
// under way), and after a while also if they do not, so that an origin that never rests does not keep others' gaps
// open.
class DigestWatch {
 public:
  // A Hello arrived. True if an exchange is due now.
  bool on_hello(Time now, const DatabaseDigest& theirs, const DatabaseDigest& ours);
  void reset() { *this = DigestWatch(); }

 private:
  DatabaseDigest theirs_{};
  DatabaseDigest ours_{};
  int unchanged_ = 0;  // Hellos in a row
  int different_ = 0;  // likewise
  Time not_before_{};
  Duration backoff_ = kReexchangeMin;
};

class Neighbor {
 public:
  Neighbor(NeighborId id, const NeighborConfig& config, const HelloConfig& hello);

  const NeighborId id;
  NeighborConfig config;
  NeighborState state = NeighborState::down;
  Time since{};
  std::optional<NodeId> node;  // as it says; proven once Full
  std::uint64_t instance = 0;  // its life; 0: not heard
  Time hello_at{};             // when our next Hello is due
  Time silent_at = kNever;     // when it counts as silent
  std::uint64_t hellos_received = 0;
  std::uint64_t hellos_sent = 0;
  std::uint64_t times_down = 0;
  std::optional<Duration> round_trip;
  std::optional<Duration> smoothed_round_trip;
  LossMeter loss;
  FloodQueue queue;
  Exchange exchange;
  DigestWatch digest_watch;
  std::vector<LsaSummary> acks;    // of the packet being handled
  std::vector<LsaHandle> answers;  // to requests and stale news, of the packet being handled
  TokenBucket forgeries{kForgeryBurst, kForgeryPerToken};
  TokenBucket answer_bucket{kAnswerBurst, kAnswerPerToken};

  bool adjacent() const { return state == NeighborState::exchange || state == NeighborState::full; }
  // Any packet of its present life arrived.
  void heard(Time now);
  // Whether a newer Hello of its present life was here before.
  bool is_overtaken(const Hello& hello) const;
  // A Hello of its present life arrived: timing, echo, loss.
  void on_hello(Time now, const Hello& hello);
  // Fills in everything but NodeId, digest and goodbye, and counts it as sent.
  Hello make_hello(Time now);
  void schedule_hello(Time now, RandomSource& random);
  // Forgets its life (after Down); the NodeId stays, for display.
  void forget();
  // Forgets what belongs to the adjacency.
  void drop_adjacency();

  Duration transmit_interval(Time now) const;
  Duration detection_time() const;
  Duration retransmit_interval() const;
  Time next_deadline() const;

 private:
  bool is_listened_to(Time now) const;
  void measure_round_trip(Time now, const Hello& hello);

  HelloConfig hello_;
  std::uint32_t sequence_ = 0;
  std::optional<std::uint32_t> newest_hello_;
  std::optional<Time> last_heard_;
  Duration peer_interval_;
  std::uint8_t peer_multiplier_;
  std::optional<std::uint32_t> peer_timestamp_us_;
  Time peer_timestamp_at_{};
};

}  // namespace starling::routing
