// Handshakes between two Devices in virtual time.
#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

TEST_CASE("a staged packet starts a handshake and arrives after one round trip and a half") {
  Pair pair;
  pair.a.send(pair.b_at_a, "hello");
  pair.network.run_for(30ms);
  REQUIRE(pair.b.received.size() == 1);
  CHECK(pair.b.received[0].payload == "hello");
  CHECK(pair.b.received[0].peer == pair.a_at_b);
  CHECK(pair.b.received[0].at == Time(1000s + 30ms));
  CHECK(pair.a.sent_count(MessageType::initiation) == 1);
  CHECK(pair.b.sent_count(MessageType::response) == 1);
  CHECK(pair.a.drops.empty());
  CHECK(pair.b.drops.empty());
  pair.b.send(pair.a_at_b, "hello yourself");
  pair.network.run_for(10ms);
  REQUIRE(pair.a.received.size() == 1);
  CHECK(pair.a.received[0].payload == "hello yourself");
  CHECK(pair.b.sent_count(MessageType::initiation) == 0);
}
