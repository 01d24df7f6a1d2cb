// Time passing between two Devices: retransmission, keepalives, renewal, rejection, zeroing (whitepaper §6).
#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

// The moments at which a host sent messages of this type.
std::vector<Time> times_of(const Host& host, MessageType type) {
  std::vector<Time> times;
  for (const auto& [at, each] : host.sent_log) {
    if (each == type) times.push_back(at);
  }
  return times;
}

void silence(Pair& pair) {
  pair.network.filter = [](const Endpoint&, const Endpoint&, Bytes) { return false; };
}

// A pair with a session that a began, made at 1000 s + 20 ms at a; nothing is waiting.
struct ConnectedPair : Pair {
  ConnectedPair() {
    a.send(b_at_a, "first");
    network.run_for(30ms);
    b.send(a_at_b, "answer");
    network.run_for(970ms);
    REQUIRE(a.received.size() == 1);
  }
};

constexpr Time kSessionAtA{1000s + 20ms};
constexpr Time kSessionAtB{1000s + 10ms};

}  // namespace

TEST_CASE("unanswered initiations are repeated every 5 s and a third at most, 18 in all, then given up") {
  Pair pair;
  silence(pair);
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(200s);
  const auto times = times_of(pair.a, MessageType::initiation);
  REQUIRE(times.size() == 18);
  for (std::size_t i = 1; i < times.size(); i++) {
    CHECK(times[i] - times[i - 1] >= 5s);
    CHECK(times[i] - times[i - 1] <= 5s + 333'333'334ns);
  }
  REQUIRE(pair.a.gave_up.size() == 1);
  CHECK(pair.a.gave_up[0] - times[0] >= 90s);
  CHECK(pair.a.gave_up[0] - times[0] <= 96s);
  CHECK(pair.a.device.status(pair.b_at_a)->unanswered_initiations == 18);
  CHECK(pair.a.device.next_deadline() == kNever);
}

TEST_CASE("no two attempts have the same rhythm") {
  Pair first(1), second(2);
  for (Pair* pair : {&first, &second}) {
    silence(*pair);
    pair->a.send(pair->b_at_a, "x");
    pair->network.run_for(20s);
  }
  CHECK(times_of(first.a, MessageType::initiation) != times_of(second.a, MessageType::initiation));
}

TEST_CASE("packets staged during an attempt neither restart nor hasten it; one after its end starts another") {
  Pair pair;
  silence(pair);
  for (int i = 0; i < 85; i++) {
    pair.a.send(pair.b_at_a, "x");
    pair.network.run_for(1s);
  }
  CHECK(times_of(pair.a, MessageType::initiation).size() <= 17);
  pair.network.run_for(100s);
  REQUIRE(pair.a.gave_up.size() == 1);
  pair.network.filter = nullptr;
  pair.a.send(pair.b_at_a, "again");
  pair.network.run_for(30ms);
  REQUIRE(pair.b.received.size() == 1);
  CHECK(pair.b.received[0].payload == "again");
  CHECK(pair.a.device.status(pair.b_at_a)->unanswered_initiations == 0);
}

TEST_CASE("an initiator that wants another handshake begins it 5 s after its last initiation, answered or not") {
  Pair pair;
  const Time begun = pair.network.now.monotonic;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  REQUIRE(pair.a.established.size() == 1);
  pair.a.device.on_packet_staged(pair.network.now, pair.b_at_a);
  pair.a.drain();
  pair.network.run_until(begun + kRekeyTimeout - 1ns);
  CHECK(pair.a.sent_count(MessageType::initiation) == 1);
  pair.network.run_for(1ns);
  CHECK(pair.a.sent_count(MessageType::initiation) == 2);
}

TEST_CASE("a responder with a packet begins itself 5 s after its answer, if nothing confirmed it") {
  Pair pair;
  pair.network.filter = [&](const Endpoint& from, const Endpoint&, Bytes bytes) {
    return from == pair.b.endpoint || bytes[0] == 1;  // a can only begin
  };
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(15ms);
  pair.a.device.remove_peer(pair.network.now, pair.b_at_a);
  pair.a.drain();
  pair.b.send(pair.a_at_b, "waits");
  pair.network.run_for(4900ms);
  CHECK(pair.b.sent_count(MessageType::initiation) == 0);
  pair.network.run_for(100ms);
  CHECK(times_of(pair.b, MessageType::initiation) == std::vector{Time(1005s + 10ms)});
}

TEST_CASE("data that nothing is sent back for is answered by a keepalive after 10 s") {
  ConnectedPair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(5s);
  pair.a.send(pair.b_at_a, "y");
  pair.network.run_for(30s);
  CHECK(pair.b.keepalives == std::vector{Time(1001s + 10ms + 10s)});
  // The keepalive is answered by none, and a's own answered "answer" before.
  CHECK(pair.a.keepalives.empty());
}

TEST_CASE("data that is answered in time needs no keepalive") {
  ConnectedPair pair;
  for (int i = 0; i < 10; i++) {
    pair.a.send(pair.b_at_a, "x");
    pair.network.run_for(5s);
    pair.b.send(pair.a_at_b, "y");
    pair.network.run_for(4s);
  }
  CHECK(pair.a.keepalives.empty());
  CHECK(pair.b.keepalives.empty());
}

TEST_CASE("data without any answer starts a new handshake after 15 s and jitter, an answer prevents it") {
  ConnectedPair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(60s);
  CHECK(pair.a.sent_count(MessageType::initiation) == 1);  // the keepalive of b was the answer
  const Time sent = pair.network.now.monotonic;
  silence(pair);
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(10s);
  pair.a.send(pair.b_at_a, "y");
  pair.network.run_for(10s);
  const auto times = times_of(pair.a, MessageType::initiation);
  REQUIRE(times.size() >= 2);
  CHECK(times[1] - sent >= 15s);
  CHECK(times[1] - sent <= 15s + 333'333'333ns);
}

TEST_CASE("an initiator that sends renews the session from 120 s on, not before") {
  ConnectedPair pair;
  pair.network.run_until(kSessionAtA + 120s - 1ns);
  pair.a.send(pair.b_at_a, "x");
  CHECK(pair.a.sent_count(MessageType::initiation) == 1);
  pair.network.run_until(kSessionAtA + 120s);
  pair.a.send(pair.b_at_a, "y");
  CHECK(pair.a.sent_count(MessageType::initiation) == 2);
  pair.network.run_for(1s);
  CHECK(pair.a.device.sending_session(pair.b_at_a)->created() == kSessionAtA + 120s + 20ms);
  CHECK(pair.b.received.size() == 3);
}

TEST_CASE("a responder that sends does not renew the session while it lives") {
  ConnectedPair pair;
  pair.network.run_until(kSessionAtB + 179s);
  pair.b.send(pair.a_at_b, "x");
  CHECK(pair.b.sent_count(MessageType::initiation) == 0);
  CHECK(pair.b.sent_count(MessageType::data) == 2);
}

TEST_CASE("an initiator that only receives renews the session from 165 s on, once") {
  ConnectedPair pair;
  pair.network.run_until(kSessionAtA + 165s - 11ms);
  pair.b.send(pair.a_at_b, "x");
  pair.network.run_for(10ms);
  CHECK(pair.a.received.size() == 2);
  CHECK(pair.a.sent_count(MessageType::initiation) == 1);
  silence(pair);
  pair.network.run_for(1ms);
  for (int i = 0; i < 3; i++) pair.a.device.on_data_received(pair.network.now, pair.a.sending[pair.b_at_a], {}, false);
  pair.a.drain();
  CHECK(pair.a.sent_count(MessageType::initiation) == 2);
}

TEST_CASE("an initiator that only receives renews one session after the other") {
  ConnectedPair pair;
  for (std::size_t renewals = 1; renewals <= 3; renewals++) {
    pair.network.run_until(pair.a.device.sending_session(pair.b_at_a)->created() + 165s);
    pair.b.send(pair.a_at_b, "x");
    pair.network.run_for(1s);
    CHECK(pair.a.sent_count(MessageType::initiation) == 1 + renewals);
  }
  CHECK(pair.b.sent_count(MessageType::initiation) == 0);
}

TEST_CASE("from 180 s on a session does not send: its owner is told at that moment, and a packet starts a handshake") {
  ConnectedPair pair;
  pair.network.run_until(kSessionAtA + 180s - 1ns);
  CHECK(pair.a.device.sending_session(pair.b_at_a));
  CHECK(pair.a.sending[pair.b_at_a]);
  CHECK(pair.a.device.next_deadline() == kSessionAtA + 180s);
  pair.network.run_until(kSessionAtA + 180s);
  CHECK_FALSE(pair.a.device.sending_session(pair.b_at_a));
  CHECK_FALSE(pair.a.sending[pair.b_at_a]);
  pair.a.send(pair.b_at_a, "y");
  CHECK(pair.a.sent_count(MessageType::initiation) == 2);
  pair.network.run_for(30ms);
  CHECK(pair.b.received.back().payload == "y");
}

TEST_CASE("keys are wiped 540 s after the newest session, at both ends, and nothing is left to do") {
  ConnectedPair pair;
  pair.network.run_until(kSessionAtB + 540s - 1ns);
  CHECK(pair.a.sessions.size() == 1);
  CHECK(pair.b.sessions.size() == 1);
  pair.network.run_until(kSessionAtB + 540s);
  CHECK(pair.b.sessions.empty());
  pair.network.run_until(kSessionAtA + 540s - 1ns);
  CHECK(pair.a.sessions.size() == 1);
  pair.network.run_until(kSessionAtA + 540s);
  CHECK(pair.a.sessions.empty());
  CHECK(pair.a.device.next_deadline() == kNever);
  CHECK(pair.b.device.next_deadline() == kNever);
  pair.a.send(pair.b_at_a, "back");
  pair.network.run_for(30ms);
  CHECK(pair.b.received.back().payload == "back");
}

TEST_CASE("a persistent keepalive starts a session and is sent whenever nothing else was for its interval") {
  Pair pair(1, 25);
  pair.network.run_for(100s);
  // The handshake at 0 and its confirmation at 20 ms, then every 25 s after the last message.
  CHECK(pair.a.keepalives == std::vector{Time(1025s + 20ms), Time(1050s + 20ms), Time(1075s + 20ms)});
  pair.b.send(pair.a_at_b, "received counts too");
  pair.network.run_for(24s);
  REQUIRE(pair.a.keepalives.size() == 4);  // not at 1100.02, but 10 s after the data that nothing answered
  CHECK(pair.a.keepalives[3] == Time(1110s + 10ms));
}

TEST_CASE("a persistent keepalive goes on trying when nobody answers, and is heard when somebody does") {
  Pair pair(1, 25);
  silence(pair);
  pair.network.run_for(600s);
  CHECK(pair.a.gave_up.size() >= 4);
  pair.network.filter = nullptr;
  pair.network.run_for(30s);
  CHECK(pair.b.established.size() >= 1);
}

TEST_CASE("a persistent keepalive that is switched on is sent at once, and not any more when it is off") {
  ConnectedPair pair;
  pair.a.device.set_persistent_keepalive(pair.network.now, pair.b_at_a, 20);
  pair.a.drain();
  CHECK(pair.a.keepalives == std::vector{Time(1001s)});
  pair.network.run_for(45s);
  CHECK(pair.a.keepalives.size() == 3);
  pair.a.device.set_persistent_keepalive(pair.network.now, pair.b_at_a, 0);
  pair.network.run_for(100s);
  CHECK(pair.a.keepalives.size() == 3);
}

TEST_CASE("an early on_timer does nothing, and at the deadline something is done") {
  ConnectedPair pair;
  pair.a.send(pair.b_at_a, "x");
  for (int i = 0; i < 20 && pair.b.device.next_deadline() != kNever; i++) {
    const Time deadline = pair.b.device.next_deadline();
    pair.network.run_until(deadline - 1ns);
    if (pair.b.device.next_deadline() != deadline) continue;  // a datagram came before it
    pair.b.device.on_timer(pair.network.now);
    CHECK(pair.b.device.outbox().empty());
    CHECK(pair.b.device.next_deadline() == deadline);
    pair.network.run_until(deadline);
    CHECK(pair.b.device.next_deadline() > deadline);
  }
}

TEST_CASE("a timer that is served late acts once, at the time it is served") {
  ConnectedPair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(10ms);
  pair.b.device.on_timer(pair.network.now + 50s);
  REQUIRE(pair.b.device.outbox().keepalives.size() == 1);
  CHECK(pair.b.device.outbox().datagrams.empty());
}
