// The timers of one peer (whitepaper §6), driven by events that have the names of what happened. Pure bookkeeping: an
// event moves deadlines, take_expired() hands out what is due, and Device acts on it.
//
//   retransmit_handshake   REKEY_TIMEOUT + jitter after an initiation that nothing answered
//   send_keepalive         KEEPALIVE_TIMEOUT after data was received and nothing was sent since
//   new_handshake          KEEPALIVE_TIMEOUT + REKEY_TIMEOUT + jitter after data was sent and nothing received since
//   zero_key_material      3 × REJECT_AFTER_TIME after the newest session was derived
//   persistent_keepalive   the configured interval after anything authenticated went either way
//   stop_sending           REJECT_AFTER_TIME of the session that sends: not a timer of the whitepaper, which looks at
//                          the clock for every packet; here its owner learns it at that moment
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/random.h"
#include "base/time.h"

namespace starling::wg {

enum class Timer : std::uint8_t {
  retransmit_handshake,
  send_keepalive,
  new_handshake,
  zero_key_material,
  persistent_keepalive,
  stop_sending,
  count_  // not a timer: how many there are
};

class Timers {
 public:
  // An authenticated data message with a payload was sent, or received.
  void data_sent(Time now, RandomSource& random);
  void data_received(Time now);
  // Any authenticated message, keepalives and handshakes included, was sent, was received, or either.
  void any_authenticated_packet_sent();
  void any_authenticated_packet_received();
  void any_authenticated_packet_traversal(Time now);
  // An initiation was sent.
  void handshake_initiated(Time now, RandomSource& random);
  // An initiation is wanted, but one (or a response) was sent less than REKEY_TIMEOUT ago: at this time.
  void handshake_postponed(Time until);
  // The answer to our initiation came, or the first data message of a session that we answered.
  void handshake_complete();
  void handshake_gave_up();
  // Nothing of before can send or be answered any more.
  void identity_changed();
  // Nothing is to be done any more; the interval of the persistent keepalive is forgotten too.
  void stop();
  // Keys were derived, as either side.
  void session_derived(Time now);
  // A session made at `created` is the one that sends now.
  void sending_session_changed(Time created);
  // No session is left.
  void sessions_cleared();

  void set_persistent_keepalive(Time now, Duration interval);  // zero: off

  bool handshake_under_way() const { return armed(Timer::retransmit_handshake); }
  Time next_deadline() const;
  // The timer with the earliest deadline that is not after `now`, disarmed; nothing if there is none.
  std::optional<Timer> take_expired(Time now);

 private:
  Time& deadline(Timer timer) { return deadlines_[static_cast<std::size_t>(timer)]; }
  bool armed(Timer timer) const { return deadlines_[static_cast<std::size_t>(timer)] != kNever; }
  void disarm(Timer timer) { deadline(timer) = kNever; }
  std::size_t earliest() const;

  static constexpr std::size_t kTimerCount = static_cast<std::size_t>(Timer::count_);
  std::array<Time, kTimerCount> deadlines_ = [] {
    std::array<Time, kTimerCount> all;
    all.fill(kNever);
    return all;
  }();
  Duration persistent_keepalive_interval_{};
};

}  // namespace starling::wg
