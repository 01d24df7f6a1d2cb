// The watch on traffic, through real engines: who hears nothing of what it sends is told, and who only receives gives
// signs of life. And how late an engine says that it is.
#include <doctest/doctest.h>

#include "base/system.h"
#include "tests/system/backend/packets.h"
#include "tests/system/backend/wire.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;
using namespace std::chrono_literals;

namespace {

// Left sends data to 10.77.0.0/16 behind right, which has nothing to send.
struct OneWay : Pair {
  OneWay() {
    REQUIRE(talk());
    shell("ip address add 10.9.0.1 dev be-l");
    left.backend->set_egress(egress_to(right_at_left, "10.77.0.0/16"));
    right->backend->set_ingress(ingress_from(left_at_right, "10.9.0.1/32"));
  }
  bool await_both(const std::function<bool()>& condition) { return await({&left, right.get()}, condition); }
};

// An owner that keeps its engine.
bool takes_long(Bytes) {
  const Time end = monotonic_now() + 20ms;
  while (monotonic_now() < end) continue;
  return false;
}

}  // namespace

TEST_CASE("data that is only received is answered by signs of life") {
  OneWay way;
  const PeerStatus before = way.left.peer_status(way.right_at_left);
  send_into("be-l", "10.77.1.1");
  REQUIRE(way.await_both([&] { return way.left.peer_status(way.right_at_left).rx_bytes >= before.rx_bytes + 32; }));
  CHECK(way.left.peer_status(way.right_at_left).rx_packets == before.rx_packets);
}

TEST_CASE("data that finds no answer is told of, Hellos or not, and that traffic comes again") {
  OneWay way;
  way.wire.in_right("ip route add blackhole 192.0.2.1");
  send_into("be-l", "10.77.1.1");
  REQUIRE(way.await_both([&] { return !way.left.quiet.empty(); }));
  CHECK(way.left.quiet == std::vector<PeerId>{way.right_at_left});
  CHECK(way.left.traffic.empty());
  way.wire.in_right("ip route del blackhole 192.0.2.1");
  REQUIRE(way.talk());
  CHECK(way.left.traffic.empty());  // control packets are none
  send_into("be-l", "10.77.1.1");
  REQUIRE(way.await_both([&] { return !way.left.traffic.empty(); }));
  CHECK(way.left.traffic == std::vector<PeerId>{way.right_at_left});
}

TEST_CASE("when traffic last came is told to an owner that is about to judge, and once") {
  OneWay way;
  send_into("be-l", "10.77.1.1");
  REQUIRE(way.await_both([&] { return way.right->peer_status(way.left_at_right).rx_packets >= 2; }));
  way.right->backend->catch_up();
  way.right->backend->dispatch(*way.right);
  CHECK(way.right->traffic == std::vector<PeerId>{way.left_at_right});
  way.right->backend->catch_up();
  way.right->backend->dispatch(*way.right);
  CHECK(way.right->traffic.size() == 1);
}

TEST_CASE("an engine says how long its owner had to wait for it") {
  BackendConfig config = config_for("be-b");
  config.control_can_wait = takes_long;
  Node a("be-a"), b(config);
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  (void)b.backend->take_lateness();
  CHECK(await({&a, &b}, [&] {
    a.say(b_at_a, "hello");
    (void)b.backend->status();
    return b.backend->take_lateness() >= 5ms;
  }));
}
