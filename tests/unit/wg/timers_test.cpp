// Each timer by itself.
#include "wg/protocol/timers.h"

#include "doctest/doctest.h"
#include "wg/protocol/messages.h"

using namespace starling;
using namespace starling::wg;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};

void check_only(Timers& timers, Time at, Timer timer) {
  CHECK(timers.next_deadline() == at);
  CHECK_FALSE(timers.take_expired(at - 1ns));
  CHECK(timers.take_expired(at) == timer);
}

}  // namespace

TEST_CASE("without events no timer runs") {
  Timers timers;
  CHECK(timers.next_deadline() == kNever);
  CHECK_FALSE(timers.take_expired(kStart));
}

TEST_CASE("retransmit_handshake: 5 s and at most a third of a second after an initiation") {
  SeededRandom random(1);
  Time earliest = kNever, latest{};
  for (int i = 0; i < 1000; i++) {
    Timers timers;
    timers.handshake_initiated(kStart, random);
    earliest = std::min(earliest, timers.next_deadline());
    latest = std::max(latest, timers.next_deadline());
  }
  CHECK(earliest >= kStart + 5s);
  CHECK(earliest < kStart + 5s + 5ms);
  CHECK(latest <= kStart + 5s + 333'333'333ns);
  CHECK(latest > kStart + 5s + 328ms);
}

TEST_CASE("retransmit_handshake: ends when the handshake completes or is given up") {
  SeededRandom random(1);
  Timers timers;
  timers.handshake_initiated(kStart, random);
  CHECK(timers.handshake_under_way());
  timers.handshake_complete();
  CHECK_FALSE(timers.handshake_under_way());
  CHECK(timers.next_deadline() == kNever);
  timers.handshake_postponed(kStart + 3s);
  check_only(timers, kStart + 3s, Timer::retransmit_handshake);
  timers.handshake_initiated(kStart, random);
  timers.handshake_gave_up();
  CHECK(timers.next_deadline() == kNever);
}

TEST_CASE("send_keepalive: 10 s after the first data that nothing was sent since") {
  Timers timers;
  timers.data_received(kStart);
  timers.data_received(kStart + 9s);
  check_only(timers, kStart + 10s, Timer::send_keepalive);
  CHECK(timers.next_deadline() == kNever);
  timers.data_received(kStart + 20s);
  timers.any_authenticated_packet_sent();
  CHECK(timers.next_deadline() == kNever);
}

TEST_CASE("new_handshake: 15 s and jitter after the first data that nothing was received since") {
  SeededRandom random(1);
  Timers timers;
  timers.data_sent(kStart, random);
  const Time deadline = timers.next_deadline();
  CHECK(deadline >= kStart + 15s);
  CHECK(deadline <= kStart + 15s + 333'333'333ns);
  timers.data_sent(kStart + 14s, random);
  check_only(timers, deadline, Timer::new_handshake);
  timers.data_sent(kStart + 20s, random);
  timers.any_authenticated_packet_received();
  CHECK(timers.next_deadline() == kNever);
}

TEST_CASE("zero_key_material: 540 s after the newest session") {
  Timers timers;
  timers.session_derived(kStart);
  timers.session_derived(kStart + 100s);
  check_only(timers, kStart + 640s, Timer::zero_key_material);
  timers.session_derived(kStart);
  timers.sessions_cleared();
  CHECK(timers.next_deadline() == kNever);
}

TEST_CASE("persistent_keepalive: the interval after anything went either way, again and again, until it is off") {
  Timers timers;
  timers.any_authenticated_packet_traversal(kStart);
  CHECK(timers.next_deadline() == kNever);
  timers.set_persistent_keepalive(kStart, 25s);
  timers.any_authenticated_packet_traversal(kStart + 5s);
  check_only(timers, kStart + 30s, Timer::persistent_keepalive);
  check_only(timers, kStart + 55s, Timer::persistent_keepalive);
  timers.set_persistent_keepalive(kStart + 60s, 0s);
  CHECK(timers.next_deadline() == kNever);
}

TEST_CASE("stop_sending: 180 s after the session that sends was made") {
  Timers timers;
  timers.sending_session_changed(kStart);
  timers.sending_session_changed(kStart + 1s);
  check_only(timers, kStart + 181s, Timer::stop_sending);
}

TEST_CASE("of several expired timers the earliest comes first") {
  Timers timers;
  timers.sending_session_changed(kStart);
  timers.data_received(kStart);
  timers.set_persistent_keepalive(kStart, 3s);
  const Time late = kStart + 1000s;
  CHECK(timers.take_expired(late) == Timer::persistent_keepalive);
  CHECK(timers.take_expired(late) == Timer::send_keepalive);
  CHECK(timers.take_expired(late) == Timer::stop_sending);
  CHECK_FALSE(timers.take_expired(late));
  CHECK(timers.next_deadline() == late + 3s);
}
