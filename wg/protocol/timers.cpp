#include "wg/protocol/timers.h"

#include <algorithm>

#include "wg/protocol/messages.h"

namespace starling::wg {

namespace {

// So that two sides that began at the same moment do not go on doing so (§6.1).
Duration draw_jitter(RandomSource& random) {
  return Duration(random.below(static_cast<std::uint64_t>(kRekeyTimeoutJitterMax.count()) + 1));
}

}  // namespace

void Timers::data_sent(Time now, RandomSource& random) {
  if (!armed(Timer::new_handshake)) deadline(Timer::new_handshake) = now + kNewHandshakeTime + draw_jitter(random);
}

void Timers::data_received(Time now) {
  // The keepalive answers everything that came before it, so the first unanswered message counts.
  if (!armed(Timer::send_keepalive)) deadline(Timer::send_keepalive) = now + kKeepaliveTimeout;
}

void Timers::any_authenticated_packet_sent() {
  disarm(Timer::send_keepalive);
}

void Timers::any_authenticated_packet_received() {
  disarm(Timer::new_handshake);
}

void Timers::any_authenticated_packet_traversal(Time now) {
  if (persistent_keepalive_interval_ > Duration::zero())
    deadline(Timer::persistent_keepalive) = now + persistent_keepalive_interval_;
}

void Timers::handshake_initiated(Time now, RandomSource& random) {
  deadline(Timer::retransmit_handshake) = now + kRekeyTimeout + draw_jitter(random);
}

void Timers::handshake_postponed(Time until) {
  deadline(Timer::retransmit_handshake) = until;
}

void Timers::handshake_complete() {
  disarm(Timer::retransmit_handshake);
}

void Timers::handshake_gave_up() {
  disarm(Timer::retransmit_handshake);
  any_authenticated_packet_sent();  // nothing can be sent: no keepalive either
}

void Timers::identity_changed() {
  handshake_gave_up();
  disarm(Timer::new_handshake);
  disarm(Timer::stop_sending);
}

void Timers::stop() {
  deadlines_.fill(kNever);
  persistent_keepalive_interval_ = {};
}

void Timers::session_derived(Time now) {
  deadline(Timer::zero_key_material) = now + kZeroKeyMaterialAfterTime;
}

void Timers::sending_session_changed(Time created) {
  deadline(Timer::stop_sending) = created + kRejectAfterTime;
}

void Timers::sessions_cleared() {
  disarm(Timer::zero_key_material);
  disarm(Timer::stop_sending);
}

void Timers::set_persistent_keepalive(Time now, Duration interval) {
  persistent_keepalive_interval_ = interval;
  disarm(Timer::persistent_keepalive);
  any_authenticated_packet_traversal(now);
}

std::size_t Timers::earliest() const {
  return static_cast<std::size_t>(std::min_element(deadlines_.begin(), deadlines_.end()) - deadlines_.begin());
}

Time Timers::next_deadline() const {
  return deadlines_[earliest()];
}

std::optional<Timer> Timers::take_expired(Time now) {
  const std::size_t index = earliest();
  if (deadlines_[index] == kNever || deadlines_[index] > now) return std::nullopt;
  const Timer timer = static_cast<Timer>(index);
  disarm(timer);
  // Goes on by itself, whether or not what it asks for can be sent.
  if (timer == Timer::persistent_keepalive) any_authenticated_packet_traversal(now);
  return timer;
}

}  // namespace starling::wg
