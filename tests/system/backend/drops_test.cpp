// Packets that are not carried, each by its name, and who is told.
#include <doctest/doctest.h>
#include <netinet/in.h>

#include "tests/system/backend/node.h"
#include "tests/system/backend/packets.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

TEST_CASE("packets without a way are dropped by name") {
  Node a("be-a"), b("be-b");
  shell("ip address add 10.9.0.1 dev be-a");
  const PeerId b_at_a = a.add(b, false);
  send_into("be-a", "10.77.1.1");
  REQUIRE(await({&a}, [&] { return a.dropped(kNoPeer, DropReason::egress_no_route); }));
  a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
  send_into("be-a", "10.77.1.1");
  REQUIRE(await({&a}, [&] { return a.dropped(b_at_a, DropReason::no_endpoint); }));
  inject("be-a", std::vector<std::uint8_t>(40, 0));
  REQUIRE(await({&a}, [&] { return a.dropped(kNoPeer, DropReason::egress_not_ip); }));
}

TEST_CASE("more packets than may wait push out the oldest, and are reported with their number") {
  Node a("be-a"), b("be-b");
  shell("ip address add 10.9.0.1 dev be-a");
  PeerId silent;
  {
    const Node gone("be-c");
    silent = a.add(gone, true);
  }
  a.backend->set_egress(egress_to(silent, "10.77.0.0/16"));
  for (int i = 0; i < 128 + 20; ++i) send_into("be-a", "10.77.1.1");
  REQUIRE(await(
      {&a}, [&] { return a.peer_status(silent).drops[static_cast<std::size_t>(DropReason::staged_overflow)] == 20; }));
  REQUIRE(await({&a}, [&] { return a.dropped(silent, DropReason::staged_overflow); }));
  CHECK(a.peer_status(silent).unanswered_initiations == 1);
}

TEST_CASE("what is normal is counted by a name of its own and reported to nobody") {
  constexpr std::uint8_t kEchoRequest = 8;
  Node a("be-a");
  PeerId silent;
  {
    const Node gone("be-c");
    silent = a.add(gone, true);
  }
  for (int i = 0; i < 10; ++i) a.say(silent, "hello");
  const auto superseded = [&] {
    return a.peer_status(silent).drops[static_cast<std::size_t>(DropReason::control_superseded)];
  };
  REQUIRE(await({&a}, [&] { return superseded() == 6; }));  // the newest four wait
  inject("be-a", icmp_packet("10.9.0.1", "239.1.2.3", kEchoRequest), 3);
  const auto multicast = [&] {
    return a.backend->status().drops[static_cast<std::size_t>(DropReason::egress_multicast)];
  };
  REQUIRE(await({&a}, [&] { return multicast() >= 3; }));
  inject("be-a", std::vector<std::uint8_t>(40, 0));  // something that is reported, and later than all of that
  REQUIRE(await({&a}, [&] { return a.dropped(kNoPeer, DropReason::egress_not_ip); }));
  CHECK_FALSE(a.dropped(silent, DropReason::control_superseded));
  CHECK_FALSE(a.dropped(kNoPeer, DropReason::egress_multicast));
}
