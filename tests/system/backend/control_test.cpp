// Control packets: the envelope of the routing protocol, through real engines.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "tests/system/backend/node.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

TEST_CASE("a control packet starts the handshake it needs and arrives at the peer's owner") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  CHECK(b.heard == std::vector<std::string>{"hello"});
  b.say(a_at_b, "and to you");
  REQUIRE(await({&a, &b}, [&] { return !a.heard.empty(); }));
  CHECK(a.heard == std::vector<std::string>{"and to you"});
  CHECK(a.sessions == std::vector<std::pair<PeerId, bool>>{{b_at_a, true}});
  CHECK(b.sessions == std::vector<std::pair<PeerId, bool>>{{a_at_b, false}});
  CHECK(b.endpoints == std::vector<Endpoint>{a.endpoint});

  const PeerStatus status = a.peer_status(b_at_a);
  CHECK(status.tx_packets == 1);
  CHECK(status.rx_packets == 1);
  CHECK(status.last_handshake.has_value());
  // Envelope 48 and 5 bytes padded to 64, overhead 32, and the initiation.
  CHECK(status.tx_bytes == 148 + 96);
}

TEST_CASE("of control packets that wait for an endpoint only the newest four are sent") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, false);
  b.add(a, false);
  for (int i = 0; i < 10; ++i) a.say(b_at_a, std::to_string(i));
  a.backend->set_endpoint(b_at_a, b.endpoint);
  REQUIRE(await({&a, &b}, [&] { return b.heard.size() >= 4; }));
  CHECK(b.heard == std::vector<std::string>{"6", "7", "8", "9"});
}

TEST_CASE("control packets of a peer that has no business with them are dropped by name") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return b.dropped(a_at_b, DropReason::control_invalid); }));
  CHECK(b.heard.empty());
}

TEST_CASE("control packets arrive in order whoever sends them, the owner or the engine, whether it rests or is busy") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false);
  a.say(b_at_a, "first");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  std::atomic<bool> ending{false};
  // Keeps the engine at work: each status is a turn of its own thread's.
  std::thread busy([&] {
    while (!ending) (void)a.backend->status();
  });
  constexpr std::size_t kCount = 500;
  std::vector<std::string> said{"first"};
  for (std::size_t i = 0; i < kCount; ++i) {
    said.push_back(std::to_string(i));
    a.say(b_at_a, said.back());
    if (i % 10 == 0) a.backend->catch_up();
    if (i % 50 == 49) CHECK(await({&a, &b}, [&] { return b.heard.size() == said.size(); }));
  }
  ending = true;
  busy.join();
  CHECK(b.heard == said);
  b.say(a_at_b, "all of it");
  CHECK(await({&a, &b}, [&] { return a.heard == std::vector<std::string>{"all of it"}; }));
}
