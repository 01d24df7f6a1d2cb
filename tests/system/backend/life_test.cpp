// From the making of a backend to its end, and its peers' coming and going.
#include <doctest/doctest.h>
#include <net/if.h>

#include "tests/system/backend/node.h"
#include "tests/system/backend/packets.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

TEST_CASE(
    "what arrives before the start waits for it, so that a fast neighbour is neither a stranger nor kept waiting") {
  Node a("be-a"), b("be-b", Begin::later);
  const PeerId b_at_a = a.add(b, true);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a}, [&] { return a.peer_status(b_at_a).unanswered_initiations == 1; }));
  send_into("be-b", "10.77.1.1");
  for (int i = 0; i < 10; ++i) b.backend->catch_up();  // its engine looks, and takes in nothing
  CHECK(b.backend->status().drops == DropCounters{});
  const PeerId a_at_b = b.add(a, false);
  b.backend->start();
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  REQUIRE(await({&b}, [&] { return !b.sessions.empty(); }));
  CHECK(b.sessions == std::vector<std::pair<PeerId, bool>>{{a_at_b, false}});
  CHECK(a.peer_status(b_at_a).tx_bytes == 148 + 96);  // the first initiation did it
  CHECK(b.backend->status().drops[static_cast<std::size_t>(DropReason::unknown_peer)] == 0);
  // What waited in the interface has been looked at too.
  REQUIRE(await({&b}, [&] { return b.dropped(kNoPeer, DropReason::egress_no_route); }));
}

TEST_CASE("the end of the interface before the start is reported with it") {
  Node a("be-a", Begin::later);
  shell("ip link del be-a");
  a.backend->start();
  REQUIRE(await({&a}, [&] { return !a.fatal.empty(); }));
}

TEST_CASE("after catching up, what was on its way to the sockets is there with the next dispatch") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return b.heard.size() == 1; }));
  constexpr int kPackets = 300;
  int at_once = 0;
  for (int i = 0; i < kPackets; ++i) {
    const std::string text = std::to_string(i);
    a.say(b_at_a, text);
    a.backend->catch_up();  // it is sent
    b.backend->catch_up();
    b.backend->dispatch(b);
    if (b.heard.back() == text) ++at_once;
    REQUIRE(await({&a, &b}, [&] { return b.heard.back() == text; }));
  }
  // Now and then the kernel itself hands a datagram over later than the send returns.
  CHECK(at_once > kPackets * 9 / 10);
}

TEST_CASE("a removed peer is a stranger") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  b.backend->remove_peer(a_at_b);
  CHECK(b.backend->status().peers.empty());
  a.say(b_at_a, "still there?");
  REQUIRE(await({&a, &b}, [&] { return b.dropped(kNoPeer, DropReason::unknown_receiver); }));
  CHECK(b.heard.size() == 1);

  const PeerId again = b.add(a, true);
  CHECK(again != a_at_b);
  b.say(again, "back");
  REQUIRE(await({&a, &b}, [&] { return !a.heard.empty(); }));
}

TEST_CASE("what waits for a peer that is removed is dropped by name") {
  Node a("be-a"), b("be-b", Begin::later);
  const PeerId b_at_a = a.add(b, true);
  a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
  inject("be-a", icmp_packet("10.9.0.1", "10.77.1.1", 8), 3);
  REQUIRE(await({&a}, [&] { return a.peer_status(b_at_a).unanswered_initiations == 1; }));
  a.backend->remove_peer(b_at_a);
  CHECK(a.count(kNoPeer, DropReason::egress_no_route) == 3);
}

TEST_CASE("a public key can be one peer only, and not our own") {
  Node a("be-a"), b("be-b");
  a.add(b, true);
  PeerConfig config;
  config.public_key = b.public_key;
  CHECK(!a.backend->add_peer(config).ok());
  config.public_key = a.public_key;
  CHECK(!a.backend->add_peer(config).ok());
  CHECK(a.backend->status().peers.size() == 1);
}

TEST_CASE("what cannot be set up is refused with a reason, and leaves nothing behind") {
  Node a("be-a");
  BackendConfig config;
  config.private_key = new_key();
  config.interface = "be-a";
  auto refused = make_userspace_backend(config);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("exists already") != std::string::npos);
  config.interface = "be-b";
  config.listen_port = a.endpoint.port;
  refused = make_userspace_backend(config);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("in use") != std::string::npos);
  CHECK(::if_nametoindex("be-b") == 0);
  config.listen_port = 0;
  config.mtu = 1279;
  CHECK(!make_userspace_backend(config).ok());
}

TEST_CASE("the end of the interface is reported, and commands are still obeyed") {
  Node a("be-a"), b("be-b");
  const BackendStatus status = a.backend->status();
  CHECK(status.interface == "be-a");
  CHECK(status.interface_index == ::if_nametoindex("be-a"));
  CHECK(status.mtu == 1420);
  shell("ip link del be-a");
  REQUIRE(await({&a}, [&] { return !a.fatal.empty(); }));
  a.add(b, true);
  CHECK(a.backend->status().peers.size() == 1);
}

TEST_CASE("the interface goes with the backend") {
  { Node a("be-a"); }
  CHECK(::if_nametoindex("be-a") == 0);
}
