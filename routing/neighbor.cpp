#include "routing/neighbor.h"

#include <algorithm>

namespace starling::routing {

namespace {

std::uint32_t timestamp_us(Time now) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::microseconds>(now.time_since_epoch()).count());
}

}  // namespace

const char* to_string(DoubtCause cause) {
  switch (cause) {
    case DoubtCause::silence: return "silence";
    case DoubtCause::unanswered: return "no answer to data";
    case DoubtCause::unreachable: return "icmp";
    case DoubtCause::given_up: return "it no longer lists us";
  }
  return "unknown";
}

bool DigestWatch::on_hello(Time now, const DatabaseDigest& theirs, const DatabaseDigest& ours) {
  if (theirs == ours) {
    reset();
    return false;
  }
  unchanged_ = theirs == theirs_ && ours == ours_ ? unchanged_ + 1 : 1;
  theirs_ = theirs;
  ours_ = ours;
  different_ = std::min(different_ + 1, kDigestDifferentHellos);
  const bool due = unchanged_ >= kDigestMismatchHellos || different_ >= kDigestDifferentHellos;
  if (!due || now < not_before_) return false;
  unchanged_ = 0;
  different_ = 0;
  not_before_ = now + backoff_;
  backoff_ = std::min(backoff_ * 2, kReexchangeMax);
  return true;
}

Neighbor::Neighbor(NeighborId neighbor, const NeighborConfig& neighbor_config, const HelloConfig& hello,
                   Duration hello_phase)
    : id(neighbor),
      config(neighbor_config),
      hello_(hello),
      hello_phase_(hello_phase),
      peer_interval_(hello.interval),
      peer_multiplier_(hello.multiplier) {}

void Neighbor::note_heard(Time now) {
  last_heard_ = std::max(last_heard_.value_or(now), now);
  silent_at = *last_heard_ + silence_limit();
}

void Neighbor::heard(Time now) {
  last_control_ = std::max(last_control_.value_or(now), now);
  note_heard(now);
  if (doubt && doubt->heard_after < now && doubt->cause != DoubtCause::unanswered) doubt.reset();
}

void Neighbor::on_traffic(Time now) {
  if (!last_control_ || now - *last_control_ > detection_time() * kTrafficVouches) return;
  note_heard(now);
  if (doubt && doubt->heard_after < now) doubt.reset();
}

// The echo is of one that we sent in this doubt.
bool Neighbor::answers_doubt(const Hello& hello) const {
  return hello.has_echo && static_cast<std::int32_t>(hello.echo_timestamp_us - timestamp_us(doubt->since)) >= 0;
}

// In an adjacency doubt comes first, one interval (less what a Hello may be late) before the time is over.
Duration Neighbor::silence_limit() const {
  const Duration interval = std::max(hello_.interval, peer_interval_);
  return adjacent() ? interval * (peer_multiplier_ - 1) + interval * kHelloSlackPercent / 100 : detection_time();
}

// For two machines that are as late as they were lately.
Duration Neighbor::allowance(Duration lateness) const {
  return (lateness + peer_lateness_) * 3;
}

// Long enough for an answer to come on a long way, too.
void Neighbor::begin_doubt(Time now, DoubtCause cause, Duration lateness) {
  // The newest one, too: where traffic has just filled a way, the smoothed one follows late.
  const Duration longest_trip = std::max(round_trip.value_or(Duration{}), smoothed_round_trip.value_or(Duration{}));
  const Duration length = std::max({kProbeBurst, longest_trip * 4, allowance(lateness)});
  const bool of_silence = cause == DoubtCause::silence && last_heard_;
  doubt = Doubt{cause, now, of_silence ? *last_heard_ : now, length / kProbes, 0, now};
}

bool Neighbor::is_overtaken(const Hello& hello) const {
  return newest_hello_ && static_cast<std::int32_t>(hello.sequence - *newest_hello_) <= 0;
}

void Neighbor::on_hello(Time now, const Hello& hello) {
  hellos_received++;
  newest_hello_ = hello.sequence;
  peer_interval_ = std::chrono::microseconds(hello.interval_us);
  peer_multiplier_ = hello.multiplier;
  peer_lateness_ = std::chrono::milliseconds(hello.lateness_ms);
  if (hello.has_echo) measure_round_trip(now, hello);
  peer_timestamp_us_ = hello.timestamp_us;
  peer_timestamp_at_ = now;
  heard(now);
  if (doubt && answers_doubt(hello)) doubt.reset();
  hello_at = std::min(hello_at, next_hello(now));  // the slow pace ends at once
}

// All in microseconds modulo 2^32; what the peer held it for does not count (RFC 9616 3.2).
void Neighbor::measure_round_trip(Time now, const Hello& hello) {
  const std::uint32_t elapsed_us = timestamp_us(now) - hello.echo_timestamp_us - hello.echo_hold_us;
  const Duration measured = std::chrono::microseconds(elapsed_us);
  if (measured > kMaxRoundTrip) return;
  round_trip = measured;
  smoothed_round_trip = smoothed_round_trip ? (*smoothed_round_trip * 7 + measured) / 8 : measured;
}

Hello Neighbor::make_hello(Time now) {
  Hello hello;
  hello.sequence = sequence_++;
  hello.timestamp_us = timestamp_us(now);
  if (peer_timestamp_us_) {
    hello.has_echo = true;
    hello.echo_timestamp_us = *peer_timestamp_us_;
    hello.echo_hold_us = timestamp_us(now) - timestamp_us(peer_timestamp_at_);
  }
  hello.interval_us =
      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::microseconds>(hello_.interval).count());
  hello.multiplier = hello_.multiplier;
  hello.state = state;
  hellos_sent++;
  return hello;
}

void Neighbor::schedule_hello(Time now) {
  hello_at = next_hello(now);
}

void Neighbor::forget() {
  instance = 0;
  silent_at = kNever;
  doubt.reset();
  suspect = false;
  newest_hello_.reset();
  last_control_.reset();
  peer_timestamp_us_.reset();
  round_trip.reset();
  smoothed_round_trip.reset();
}

void Neighbor::drop_adjacency() {
  quality.stop();
  doubt.reset();
  suspect = false;
  queue.clear();
  grant_queue.clear();
  exchange.stop();
  digest_watch.reset();
  refused_as_stranger = false;
  may_have_given_up = false;
  hints_ = TokenBucket(1, kHintInterval);  // of one that is not there a hint was right
  acks.clear();
  ack_at = kNever;
  answers.clear();
}

bool Neighbor::is_listened_to(Time now) const {
  return last_heard_ && now - *last_heard_ <= kFastAfterHeard;
}

// At a multiple of the interval on this machine's clock, and the router's phase: so those for all neighbours stay
// together. Never more than an interval away, but at the slow pace.
Time Neighbor::next_hello(Time now) const {
  const Duration interval = transmit_interval(now);
  const Duration least = is_listened_to(now) ? Duration(1) : interval - interval * kHelloSlackPercent / 100;
  const Duration latest = now.time_since_epoch() - hello_phase_ + least + interval - Duration(1);
  return Time(latest - latest % interval + hello_phase_);
}

Duration Neighbor::transmit_interval(Time now) const {
  return std::max(hello_.interval, is_listened_to(now) ? peer_interval_ : kSilentHelloInterval);
}

Duration Neighbor::detection_time() const {
  return std::max(hello_.interval, peer_interval_) * peer_multiplier_;
}

Duration Neighbor::retransmit_interval() const {
  if (!smoothed_round_trip) return kRetransmitUnknown;
  return std::clamp(*smoothed_round_trip * 4, kRetransmitMin, kRetransmitMax);
}

Time Neighbor::next_deadline() const {
  return std::min({hello_at, next_judgement(), queue.next_deadline(), grant_queue.next_deadline(),
                   exchange.next_deadline(), quality.next_deadline(), ack_at});
}

}  // namespace starling::routing
