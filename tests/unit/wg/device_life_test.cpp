// A Device that is set down and up again, as its interface is.
#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

void set_up(Pair& pair, Host& host, bool up) {
  host.device.set_up(pair.network.now, up);
  host.drain();
}

}  // namespace

TEST_CASE("set down, a device has neither sessions nor deadlines, and begins nothing") {
  Pair pair;
  pair.a.send(pair.b_at_a, "first");
  pair.network.run_for(1s);
  REQUIRE(pair.b.received.size() == 1);
  REQUIRE(pair.a.device.sending_session(pair.b_at_a));
  set_up(pair, pair.a, false);
  CHECK_FALSE(pair.a.device.sending_session(pair.b_at_a));
  CHECK(pair.a.sessions.empty());
  CHECK(pair.a.device.next_deadline() == kNever);

  const std::size_t sent = pair.a.sent_count(MessageType::initiation);
  pair.a.send(pair.b_at_a, "second");
  pair.a.device.set_persistent_keepalive(pair.network.now, pair.b_at_a, 25);
  pair.a.drain();
  pair.network.run_for(200s);
  CHECK(pair.a.sent_count(MessageType::initiation) == sent);
  CHECK(pair.a.device.next_deadline() == kNever);
  CHECK(pair.a.drop_count(DropReason::interface_down) == 0);
}

TEST_CASE("what reaches a device that is down is named, and changes nothing") {
  Pair pair;
  set_up(pair, pair.b, false);
  pair.a.send(pair.b_at_a, "anyone?");
  pair.network.run_for(1s);
  CHECK(pair.b.drop_count(DropReason::interface_down) == 1);
  CHECK(pair.b.sessions.empty());
}

TEST_CASE("up again, a peer with a persistent keepalive hears from us at once, however short the way down was") {
  Pair pair;
  pair.a.device.set_persistent_keepalive(pair.network.now, pair.b_at_a, 25);
  pair.a.drain();
  pair.network.run_for(1s);
  REQUIRE(pair.a.established.size() == 1);
  set_up(pair, pair.a, false);
  set_up(pair, pair.a, true);
  pair.network.run_for(1s);
  CHECK(pair.a.established.size() == 2);
  const std::size_t keepalives = pair.a.keepalives.size();
  pair.network.run_for(60s);
  CHECK(pair.a.keepalives.size() >= keepalives + 2);
}

TEST_CASE("up again, a peer without a keepalive waits for something to send") {
  Pair pair;
  pair.a.send(pair.b_at_a, "first");
  pair.network.run_for(1s);
  set_up(pair, pair.a, false);
  set_up(pair, pair.a, true);
  pair.network.run_for(60s);
  CHECK(pair.a.established.size() == 1);
  pair.a.send(pair.b_at_a, "second");
  pair.network.run_for(1s);
  CHECK(pair.a.established.size() == 2);
  CHECK(pair.b.received.size() == 2);
}
