// Few routers: how an adjacency comes, goes and comes back, and how fast.
#include <doctest/doctest.h>

#include "routing/messages.h"
#include "sim/oracle.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;
using routing::NeighborState;

namespace {

std::optional<Duration> converge(Network& network, Duration limit, Duration step = 10ms) {
  const Oracle oracle(network);
  const auto took = network.run_until([&] { return converged(network, oracle); }, limit, step);
  if (!took) MESSAGE(first_difference(network, oracle));
  return took;
}

// 0 - 1, one millisecond apart, converged.
Network pair(std::uint64_t seed = 1) {
  Network network(seed);
  network.add_node();
  network.add_node();
  network.link(0, 1);
  network.start_all();
  REQUIRE(converge(network, 1s));
  return network;
}

routing::NeighborView view(Network& network, NodeIndex node, NodeIndex neighbor) {
  for (const auto& view : network.router(node).neighbors()) {
    if (view.id == neighbor) return view;
  }
  return {};
}

}  // namespace

TEST_CASE("two routers are Full with routes within four round trips") {
  Network network(1);
  const NodeIndex a = network.add_node();
  const NodeIndex b = network.add_node();
  network.link(a, b, {.delay = 10ms});
  network.start_all();
  const auto took = converge(network, 1s, 1ms);
  REQUIRE(took);
  CHECK(*took <= 80ms);
  CHECK(network.state(a, b) == NeighborState::full);
  CHECK(network.reached(a).at(*Prefix::parse("10.0.1.0/24")) == Network::Reached{10, {b}});
}

TEST_CASE("who hears that a neighbour has given it up asks at once, and is not much later itself") {
  std::size_t asked = 0;
  for (std::uint64_t seed = 1; seed <= 20; seed++) {
    Network network(seed);
    for (int i = 0; i < 3; i++) network.add_node();
    for (NodeIndex i = 0; i < 3; i++) network.link(i, (i + 1) % 3);
    network.start_all();
    REQUIRE(converge(network, 1s));
    network.run_for(1s + seed * 7ms);
    std::vector<Time> down;
    network.on_event = [&](NodeIndex, const routing::Event& event) {
      const bool is_down = event.kind == routing::EventKind::neighbor_state && event.to == NeighborState::down;
      if (is_down) down.push_back(event.at);
      const bool is_suspect = event.kind == routing::EventKind::neighbor_suspect && event.count != 0;
      asked += is_suspect && std::string(event.reason) == "it no longer lists us";
    };
    network.cut(0, 1);
    network.run_for(1s);
    REQUIRE(down.size() == 2);
    // The news takes a few milliseconds round by node 2, the burst of probes its 50; silence may be 100 ms later.
    CHECK(down[1] - down[0] <= routing::kProbeBurst + 10ms);
  }
  CHECK(asked > 0);
}

TEST_CASE("a router that starts later is heard at once though its neighbour has slowed down") {
  Network network(2);
  network.add_node();
  network.add_node();
  network.link(0, 1);
  network.start(0);
  network.run_for(100s);
  CHECK(view(network, 0, 1).hellos_sent >= 90);  // at most one a second
  CHECK(view(network, 0, 1).hellos_sent <= 101);
  network.start(1);
  const auto took = converge(network, 1s, 1ms);
  REQUIRE(took);
  // Four ways, then good news that waits for more of its kind, and a computation soon after another.
  CHECK(*took <= 4ms + routing::kGatherMin + routing::kSpfShortDelay);
}

TEST_CASE("a silent cut without traffic is detected within the negotiated time, and not before most of it is over") {
  Network network = pair();
  CHECK(view(network, 0, 1).detection_time == 300ms);
  network.cut(0, 1);
  network.run_for(190ms);  // the newest Hello is at most 101 ms old
  CHECK(network.state(0, 1) == NeighborState::full);
  network.run_for(111ms);
  CHECK(network.state(0, 1) == NeighborState::down);
  CHECK(network.reached(0).empty());
  CHECK(view(network, 0, 1).times_down == 1);
  network.restore(0, 1);
  const auto took = converge(network, 1s);
  REQUIRE(took);
  CHECK(*took <= 120ms);
}

TEST_CASE("the slower side sets the pace, and the sender's multiplier counts") {
  Network network(3);
  NodeOptions fast;
  fast.hello = {50ms, 4};
  NodeOptions slow;
  slow.hello = {200ms, 5};
  network.add_node(fast);
  network.add_node(slow);
  network.link(0, 1);
  network.start_all();
  REQUIRE(converge(network, 1s));
  CHECK(view(network, 0, 1).detection_time == 1000ms);
  CHECK(view(network, 1, 0).detection_time == 800ms);
  const auto before = view(network, 0, 1).hellos_sent;
  network.run_for(10s);
  CHECK(view(network, 0, 1).hellos_sent - before <= 57);
}

TEST_CASE("a lost carrier is believed at once") {
  Network network = pair();
  network.lose_carrier(0, 1);
  CHECK(network.state(0, 1) == NeighborState::down);
  CHECK(network.reached(0).empty());
}

TEST_CASE("a router that shuts down is gone after one way, not after a silence") {
  Network network = pair();
  network.shut_down(1);
  network.run_for(2ms);
  CHECK(network.state(0, 1) == NeighborState::down);
  CHECK(network.reached(0).empty());
}

TEST_CASE("a clean shutdown is told as what it is: withdrawn, then goodbye") {
  Network network = pair();
  std::string reasons;
  network.on_event = [&](NodeIndex node, const routing::Event& event) {
    if (node == 0 && event.kind == routing::EventKind::neighbor_state) reasons += event.reason + std::string(". ");
  };
  network.shut_down(1);
  network.run_for(2ms);
  CHECK(reasons == "it withdrew its announcement. goodbye. ");
}

TEST_CASE("a link that carries only one direction is down for both") {
  Network network = pair();
  network.on_send = [](const InFlight& packet) { return packet.from != 0; };
  network.run_for(450ms);
  CHECK(network.state(1, 0) == NeighborState::down);
  CHECK(network.state(0, 1) == NeighborState::init);
  network.on_send = nullptr;
  CHECK(converge(network, 1s));
}

TEST_CASE("the round trip is measured without the time that the peer held the echo") {
  Network network(4);
  network.add_node();
  network.add_node();
  network.link(0, 1, {.delay = 7ms});
  network.start_all();
  network.run_for(1s);
  REQUIRE(view(network, 0, 1).round_trip);
  CHECK(*view(network, 0, 1).round_trip == 14ms);
}

TEST_CASE("nothing but Hellos and path probes is sent, and nothing is computed, while nothing changes") {
  Network network(5);
  for (int i = 0; i < 9; i++) network.add_node();
  for (NodeIndex i = 0; i < 9; i++) {
    if (i % 3 != 2) network.link(i, i + 1);
    if (i < 6) network.link(i, i + 3);
  }
  network.start_all();
  REQUIRE(converge(network, 5s));
  network.run_for(15s);
  std::uint64_t others = 0;
  network.on_send = [&](const InFlight& packet) {
    const auto type = static_cast<routing::MessageType>(packet.bytes[1]);
    others += type != routing::MessageType::hello && type != routing::MessageType::path_probe &&
              type != routing::MessageType::path_answer;
    return true;
  };
  std::uint64_t events = 0;
  network.on_event = [&](NodeIndex, const routing::Event&) { events++; };
  network.run_for(100s);
  CHECK(others == 0);
  CHECK(events == 0);
}

TEST_CASE("a failure goes from detection through flood and computation within the propagation delay") {
  Network network(6);  // a ring of 8: the far side is four links away
  for (int i = 0; i < 8; i++) network.add_node();
  for (NodeIndex i = 0; i < 8; i++) network.link(i, (i + 1) % 8, {.delay = 1ms});
  network.start_all();
  REQUIRE(converge(network, 5s));
  network.run_for(5s);
  network.lose_carrier(0, 1);
  const auto took = converge(network, 1s, 1ms);
  REQUIRE(took);
  CHECK(*took <= 8ms);
}

TEST_CASE("announcements lost again and again arrive by retransmission") {
  Network network = pair();
  int lost = 0;
  network.on_send = [&](const InFlight& packet) {
    const bool is_update = packet.bytes[1] == static_cast<std::uint8_t>(routing::MessageType::update);
    return !is_update || ++lost > 2;
  };
  network.set_prefixes(0, {*Prefix::parse("10.50.0.0/16")});
  const auto took = converge(network, 1s);
  REQUIRE(took);
  CHECK(*took <= 160ms);  // sent at 0, 50 and 150 ms, before the digests have anything to say
  CHECK(network.router(0).statistics().retransmissions == 2);
}

TEST_CASE("what is missing in spite of everything comes by comparing digests") {
  Network network = pair();
  network.on_send = [&](const InFlight& packet) {
    const auto type = static_cast<routing::MessageType>(packet.bytes[1]);
    return type == routing::MessageType::hello || type == routing::MessageType::path_probe ||
           type == routing::MessageType::path_answer;
  };
  network.set_prefixes(0, {*Prefix::parse("10.50.0.0/16")});
  network.run_for(60s);  // 20 transmissions take 37 s: the announcement is given up
  CHECK_FALSE(network.reached(1).contains(*Prefix::parse("10.50.0.0/16")));
  const auto retransmissions = network.router(0).statistics().retransmissions;
  CHECK(retransmissions == 19);
  network.on_send = nullptr;
  CHECK(converge(network, 300s, 1s));
  CHECK(network.router(0).statistics().retransmissions == retransmissions);
}

TEST_CASE("each event names its cause, so that a failure can be followed from node to node") {
  Network network(8);
  for (int i = 0; i < 4; i++) network.add_node();
  network.link(0, 1);
  network.link(1, 2);
  network.link(2, 3);
  network.start_all();
  REQUIRE(converge(network, 1s));
  network.run_for(routing::kSpfHoldDown);
  std::vector<std::pair<NodeIndex, routing::Event>> events;
  network.on_event = [&](NodeIndex node, const routing::Event& event) { events.emplace_back(node, event); };
  network.lose_carrier(1, 2);
  network.run_for(50ms);
  const auto find = [&](NodeIndex node, routing::EventKind kind) {
    for (const auto& [at, event] : events) {
      if (at == node && event.kind == kind) return event;
    }
    FAIL("no such event");
    return routing::Event{};
  };
  const auto originated = find(1, routing::EventKind::lsa_originate);
  CHECK(originated.cause == routing::Cause{routing::Cause::Kind::neighbor, {}, 0, 2});
  const routing::Cause announcement{routing::Cause::Kind::announcement, originated.lsa, originated.sequence,
                                    routing::kNoNeighbor};
  CHECK(find(0, routing::EventKind::lsa_accept).neighbor == 1);
  CHECK(find(0, routing::EventKind::lsa_accept).cause == announcement);
  CHECK(find(0, routing::EventKind::spf_run).cause == announcement);
  CHECK(find(0, routing::EventKind::spf_run).count == 2);
  const auto removed = find(0, routing::EventKind::route_remove);
  CHECK(removed.cause == announcement);
  CHECK((removed.prefix == *Prefix::parse("10.0.2.0/24") || removed.prefix == *Prefix::parse("10.0.3.0/24")));
  CHECK(removed.at - originated.at == 1ms);
}

TEST_CASE("an announcement that expires takes the adjacency's proof with it") {
  NodeOptions slow;  // fewer Hellos in the hour
  slow.hello = {1s, 3};
  Network network(9);
  network.add_node(slow);
  network.add_node(slow);
  network.link(0, 1);
  network.start_all();
  REQUIRE(converge(network, 5s));
  network.on_send = [](const InFlight& packet) {
    return packet.from != 1 || packet.bytes[1] != static_cast<std::uint8_t>(routing::MessageType::update);
  };
  network.run_for(3601s);
  CHECK(network.state(0, 1) == NeighborState::exchange);
  CHECK(network.reached(0).empty());
  network.on_send = nullptr;
  CHECK(converge(network, 301s, 100ms));
}
