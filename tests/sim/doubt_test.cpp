// How long a neighbour that does not answer is asked before it is given up: as long as an answer may take.
#include <doctest/doctest.h>

#include "topologies/lab/sim/network.h"
#include "topologies/lab/sim/oracle.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;
using routing::NeighborState;

namespace {

// 0 - 1, converged.
struct Pair {
  Network network{7};

  explicit Pair(Duration delay) {
    network.add_node();
    network.add_node();
    network.link(0, 1, {.delay = delay});
    network.start_all();
    REQUIRE(network.run_until([&] { return RouteOracle(network).find_fault(2).empty(); }, 5s));
    network.run_for(1s);
  }

  // One way, a packet each millisecond.
  FlowId start_flow(NodeIndex from, NodeIndex to) {
    FlowOptions flow;
    flow.from = from;
    flow.to = to;
    flow.source = address_of(network, from);
    flow.destination = address_of(network, to);
    return network.start_flow(flow);
  }
  void send_for(Duration duration, NodeIndex from, NodeIndex to) {
    const FlowId flow = start_flow(from, to);
    network.run_for(duration);
    network.stop_flow(flow);
  }
  std::uint64_t times_suspect() const { return network.view(0, 1).times_suspect + network.view(1, 0).times_suspect; }
};

}  // namespace

TEST_CASE("on a long way nobody is suspected before an answer could have come, and the dead are given up soon after") {
  Pair pair(50ms);
  Network& network = pair.network;
  const std::uint64_t hellos_before = network.view(0, 1).hellos_sent;
  constexpr int kFlows = 20;
  for (int i = 0; i < kFlows; i++) {
    pair.send_for(250ms, 0, 1);
    pair.send_for(250ms, 1, 0);
  }
  CHECK(pair.times_suspect() == 0);
  // Each flow was in doubt at first, for the first answer takes four times as long as it takes a doubt to begin.
  CHECK(network.view(0, 1).hellos_sent - hellos_before >= 10s / 90ms + kFlows);

  pair.start_flow(0, 1);
  network.run_for(1s);
  network.cut(0, 1);
  // An answer came 13 ms ago at most, the doubt begins 25 ms after it, and its burst takes four round trips.
  network.run_for(170ms);
  CHECK(pair.times_suspect() == 0);
  network.run_for(20ms);
  CHECK(network.view(0, 1).times_suspect == 1);
  network.run_for(210ms);
  CHECK(network.state(0, 1) == NeighborState::full);
  network.run_for(30ms);
  CHECK(network.state(0, 1) == NeighborState::down);
  // Who sends nothing begins to doubt 210 ms after the last word.
  CHECK(network.state(1, 0) == NeighborState::full);
  network.run_for(180ms);
  CHECK(network.state(1, 0) == NeighborState::down);
}

TEST_CASE("who was late a moment ago, or has such a neighbour, waits three times as long for an answer") {
  Pair pair(1ms);
  Network& network = pair.network;
  const auto be_late = [&] {
    network.run_to(network.router(1).next_deadline() - 1ns);
    network.freeze(1);
    network.run_for(100ms);
    network.thaw(1);
    network.run_for(300ms);
  };
  be_late();  // by 100 ms, of which its next Hello tells
  CHECK(pair.times_suspect() == 0);
  pair.start_flow(0, 1);
  pair.start_flow(1, 0);
  network.run_for(300ms);
  be_late();
  CHECK(pair.times_suspect() == 0);
  network.cut(0, 1);
  network.run_for(280ms);
  CHECK(network.state(0, 1) == NeighborState::full);
  CHECK(network.state(1, 0) == NeighborState::full);
  // The burst begins 25 ms after the last word and takes 300 ms, a little less since what was a while ago counts less.
  network.run_for(50ms);
  CHECK(network.state(0, 1) == NeighborState::down);
  CHECK(network.state(1, 0) == NeighborState::down);
}

TEST_CASE("Hellos that are lost while traffic comes lose no neighbour, but not for ever") {
  Pair pair(1ms);
  Network& network = pair.network;
  pair.start_flow(0, 1);
  pair.start_flow(1, 0);
  network.on_send = [](const InFlight& packet) { return packet.from != 1; };  // no control packet of 1 gets through
  network.run_for(2900ms);
  CHECK(network.state(0, 1) == NeighborState::full);
  CHECK(network.view(0, 1).times_suspect == 0);
  network.run_for(700ms);  // ten detection times, and silence from then on
  CHECK(network.state(0, 1) == NeighborState::down);
}
