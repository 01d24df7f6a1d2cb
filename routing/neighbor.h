// One neighbour as this node sees it: its life and state, the Hellos in both directions, the round trip (RFC 9616), the
// detection time (negotiated as in RFC 5880 6.8.4), the doubt whether it is still there, and the queues of the database
// exchange. Who moves the state is router_neighbors.cpp, by neighbor_table.h.
#pragma once

#include <algorithm>
#include <optional>

#include "base/random.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "routing/duplicate_watch.h"
#include "routing/exchange.h"
#include "routing/flood_queue.h"
#include "routing/link_quality.h"
#include "routing/messages.h"
#include "routing/router.h"

namespace starling::routing {

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

// Why a doubt began. None of them is a proof: what is heard, or not, after the doubt has begun decides.
enum class DoubtCause : std::uint8_t {
  silence,      // nearly as long as it may be silent
  unanswered,   // data went there and nothing came back
  unreachable,  // the underlay says so by ICMP, which anybody may have forged
  given_up,     // its own announcement lists us no more
};
const char* to_string(DoubtCause cause);  // as the event neighbor.suspect says it

// Whether a neighbour is still there: a burst of probes. What is heard ends it, unless it is of data that found no
// answer: then a Hello that shows that none of ours has arrived meanwhile does not. When it ends so, the neighbour is
// Down.
struct Doubt {
  DoubtCause cause{};
  Time since{};
  Time heard_after{};      // what arrived later ends it
  Duration spacing{};      // between probes
  std::uint32_t sent = 0;  // probes
  Time next_at{};          // the next probe, or the end

  bool is_suspicious() const { return sent >= kSuspectProbes; }
  bool ends(Time now) const { return sent >= kProbes && now - since >= spacing * kProbes; }
  // Whoever is late himself may have missed the answer, or sent the probe late: one more, as long as this holds.
  bool may_be_prolonged(Time now) const { return now - since < spacing * kProbes * kProlongedDoubt; }
};

class Neighbor {
 public:
  // `hello_phase`: as RouterConfig's.
  Neighbor(NeighborId id, const NeighborConfig& config, const HelloConfig& hello, Duration hello_phase);

  const NeighborId id;
  NeighborConfig config;
  NeighborState state = NeighborState::down;
  Time since{};
  std::optional<NodeId> node;  // as it says; proven once Full
  std::uint64_t instance = 0;  // its life; 0: not heard
  Time hello_at{};             // when our next Hello is due
  Time silent_at = kNever;     // when it counts as silent
  std::optional<Doubt> doubt;
  bool suspect = false;  // traffic keeps off it where it can; nothing is announced
  std::uint64_t hellos_received = 0;
  std::uint64_t hellos_sent = 0;
  std::uint64_t times_down = 0;
  std::uint64_t times_suspect = 0;
  std::optional<Duration> round_trip;
  std::optional<Duration> smoothed_round_trip;
  LifeWatch lives;
  LinkQuality quality{config.mtu};
  FloodQueue queue;
  FloodQueue grant_queue;               // sent first: what has no grant there yet is not taken
  Exchange exchange{id * 0x9e3779b9u};  // each begins elsewhere
  DigestWatch digest_watch;
  bool refused_as_stranger = false;  // its own announcement came, and it is no member
  bool binding_changed = false;      // its fragment 0 is another now
  bool may_have_given_up = false;    // what it announced its link to us with is another now
  std::vector<LsaSummary> acks;      // not sent yet
  Time ack_at = kNever;              // when they are, at the latest
  std::vector<LsaHandle> answers;    // to requests and stale news, of the packet being handled
  TokenBucket forgeries{kForgeryBurst, kForgeryPerToken};
  TokenBucket answer_bucket{kAnswerBurst, kAnswerPerToken};
  TokenBucket probe_answers{kProbeAnswerBurst, kProbeAnswerPerToken};

  bool adjacent() const { return state == NeighborState::exchange || state == NeighborState::full; }
  // The announcement has come, and is known of by the neighbour.
  void owe_ack(Time now, const LsaSummary& summary) {
    acks.push_back(summary);
    ack_at = std::min(ack_at, now + kAckDelay);
  }
  bool acks_are_due(Time now) const { return ack_at <= now || acks.size() >= kSummariesPerAck; }
  // Whether anything is to be sent now, Hellos and probes aside.
  bool has_pending(Time now) const {
    return acks_are_due(now) || !answers.empty() || queue.is_due(now) || grant_queue.is_due(now) ||
           exchange.is_due(now);
  }
  FloodQueue& queue_for(const LsaKey& key) { return key.fragment == kGrantFragment ? grant_queue : queue; }
  // A control packet of its present life arrived, of whatever kind.
  void heard(Time now);
  // Its traffic arrived, as the host says: as good as a word, but not for ever, as none of it comes from its Router.
  void on_traffic(Time now);
  // `lateness`: of our own timers of late.
  void begin_doubt(Time now, DoubtCause cause, Duration lateness);
  // There is one, and `lateness` may have grown since.
  void stretch_doubt(Duration lateness) { doubt->spacing = std::max(doubt->spacing, allowance(lateness) / kProbes); }
  // Whether such a hint may begin a doubt now: those who forge it decide how often it comes.
  bool takes_hint(Time now) { return hints_.take(now); }
  // When silence alone makes it Down, or (in an adjacency) doubtful. Of a neighbour in doubt: what comes next.
  Time next_judgement() const { return doubt ? doubt->next_at : silent_at; }
  // Whether a newer Hello of its present life was here before.
  bool is_overtaken(const Hello& hello) const;
  // A Hello of its present life arrived: timing, echo.
  void on_hello(Time now, const Hello& hello);
  // Fills in everything but NodeId, digest, lateness and flags, and counts it as sent.
  Hello make_hello(Time now);
  void schedule_hello(Time now);
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
  Duration silence_limit() const;
  Duration allowance(Duration lateness) const;
  Time next_hello(Time now) const;
  void measure_round_trip(Time now, const Hello& hello);
  void note_heard(Time now);
  bool answers_doubt(const Hello& hello) const;

  HelloConfig hello_;
  Duration hello_phase_;
  TokenBucket hints_{1, kHintInterval};  // of an adjacency
  std::uint32_t sequence_ = 0;
  std::optional<std::uint32_t> newest_hello_;
  std::optional<Time> last_heard_;
  std::optional<Time> last_control_;  // packet
  Duration peer_interval_;
  std::uint8_t peer_multiplier_;
  Duration peer_lateness_{};
  std::optional<std::uint32_t> peer_timestamp_us_;
  Time peer_timestamp_at_{};
};

}  // namespace starling::routing
