// Traffic in a simulated network: where packets go, what becomes of them, and how a change is measured by them.
#include <doctest/doctest.h>

#include "topologies/lab/sim/flow_probe.h"
#include "topologies/lab/sim/meter.h"
#include "topologies/lab/sim/network.h"
#include "topologies/lab/sim/oracle.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;

namespace {

// Nodes in a ring, one millisecond apart, converged.
struct Ring {
  Network network{3};

  explicit Ring(NodeIndex size) {
    for (NodeIndex i = 0; i < size; i++) network.add_node();
    for (NodeIndex i = 0; i < size; i++) network.link(i, (i + 1) % size);
    network.start_all();
    REQUIRE(network.run_until([&] { return RouteOracle(network).find_fault(size).empty(); }, 5s));
    network.run_for(1s);
  }

  FlowOptions between(NodeIndex from, NodeIndex to) const {
    FlowOptions flow;
    flow.from = from;
    flow.to = to;
    flow.source = address_of(network, from);
    flow.destination = address_of(network, to);
    return flow;
  }
  Walk walk(NodeIndex from, NodeIndex to) const { return network.walk(network.route_between(between(from, to))); }
  static double longest_outage_ms(const FlowRecord& flow, Time now) {
    return static_cast<double>(probe_record_of(flow, now).longest_outage_ns()) / 1e6;
  }
};

std::size_t delivered(const FlowRecord& flow) {
  std::size_t count = 0;
  for (const FlowPacket& packet : flow.packets) count += packet.fate == Fate::delivered;
  return count;
}

}  // namespace

TEST_CASE("packets of a flow arrive after as many delays as their path has links") {
  Ring ring(6);
  const FlowId flow = ring.network.start_flow(ring.between(0, 2));
  ring.network.run_for(100ms);
  ring.network.stop_flow(flow);
  ring.network.run_for(10ms);
  const FlowRecord& record = ring.network.flow(flow);
  CHECK(record.packets.size() == 101);
  CHECK(delivered(record) == 101);
  for (const FlowPacket& packet : record.packets) CHECK(packet.ended_at - packet.sent_at == 2ms);
  CHECK(ring.walk(0, 2).nodes == std::vector<NodeIndex>{0, 1, 2});
  CHECK(ring.walk(0, 2).unique);
  CHECK_FALSE(ring.walk(0, 3).unique);
}

TEST_CASE("a silent cut under traffic is an outage of the time of its detection, and no longer") {
  Ring ring(6);
  const FlowId flow = ring.network.start_flow(ring.between(0, 2));
  ring.network.run_for(500ms);
  ring.network.cut(1, 2);
  CHECK(ring.walk(0, 2).fate == Fate::lost);
  ring.network.run_for(1s);
  CHECK(ring.walk(0, 2).nodes == std::vector<NodeIndex>{0, 5, 4, 3, 2});
  ring.network.stop_flow(flow);
  const double outage_ms = Ring::longest_outage_ms(ring.network.flow(flow), ring.network.now().monotonic);
  CHECK(outage_ms >= 25);
  CHECK(outage_ms <= 100);
}

TEST_CASE("a one-way flow is answered, and a cut is noticed as fast, of its own direction alone too") {
  for (const std::uint32_t interval_ms : {1u, 5u}) {
    for (const bool whole : {true, false}) {
      CAPTURE(interval_ms);
      CAPTURE(whole);
      Ring ring(6);
      FlowOptions options = ring.between(0, 2);
      options.interval = std::chrono::milliseconds(interval_ms);
      const FlowId flow = ring.network.start_flow(options);
      ring.network.run_for(2s);
      CHECK(ring.network.view(1, 2).times_suspect == 0);
      const std::uint64_t hellos = ring.network.view(0, 1).hellos_received;
      whole ? ring.network.cut(0, 1) : ring.network.set_open(0, 1, false);
      ring.network.run_for(1s);
      ring.network.stop_flow(flow);
      CHECK((ring.network.view(0, 1).hellos_received >= hellos + 5) == !whole);  // the other end goes on saying Hello
      CHECK(Ring::longest_outage_ms(ring.network.flow(flow), ring.network.now().monotonic) <= 110);
    }
  }
}

TEST_CASE("packets to a node that is gone end where the last route ends") {
  Ring ring(5);
  ring.network.stop(2);
  ring.network.run_for(2s);
  CHECK(ring.walk(0, 2).fate == Fate::no_route);
  CHECK(ring.walk(0, 2).nodes == std::vector<NodeIndex>{0});
  const FlowId flow = ring.network.start_flow(ring.between(0, 2));
  ring.network.run_for(20ms);
  CHECK(ring.network.flow(flow).packets.front().fate == Fate::no_route);
}

TEST_CASE("a source that nobody announces, or that comes from the wrong side, is filtered") {
  Ring ring(6);
  FlowOptions spoofed = ring.between(0, 2);
  spoofed.source = *IpAddress::parse("10.200.0.1");
  CHECK(ring.network.walk(ring.network.route_between(spoofed)).fate == Fate::filtered);
  spoofed.source = address_of(ring.network, 1);  // node 1's own address, from node 0
  const Walk walk = ring.network.walk(ring.network.route_between(spoofed));
  CHECK(walk.fate == Fate::filtered);
  CHECK(walk.nodes.back() == 1);
}

TEST_CASE(
    "a node that is frozen for a moment stays a neighbour, one that is frozen for long comes back with its memory") {
  Ring ring(4);
  Time newest{};
  ring.network.on_call = [&](NodeIndex, const routing::RouterOutbox&) {
    CHECK(ring.network.now().monotonic >= newest);
    newest = ring.network.now().monotonic;
  };
  const auto instance_changes = [&] { return ring.network.router(0).statistics().lsas_accepted; };
  ring.network.freeze(1);
  ring.network.run_for(40ms);
  ring.network.thaw(1);
  ring.network.run_for(1s);
  CHECK(ring.network.view(0, 1).times_down == 0);
  const auto before = instance_changes();
  ring.network.freeze(1);
  CHECK(ring.walk(0, 1).fate == Fate::lost);
  ring.network.run_for(2s);
  CHECK(ring.network.state(0, 1) == routing::NeighborState::down);
  ring.network.thaw(1);
  CHECK(ring.network.run_until([&] { return RouteOracle(ring.network).find_fault(4).empty(); }, 5s));
  CHECK(instance_changes() > before);
}

TEST_CASE("the meter tells how long a pair's packets vanish, exactly, without a packet") {
  Ring ring(6);
  Meter meter(ring.network);
  ring.network.on_call = [&](NodeIndex node, const routing::RouterOutbox& outbox) { meter.on_call(node, outbox); };
  const Route pair = ring.network.route_between(ring.between(0, 2));
  meter.begin("cut", false, {{1, 2}, {2, 1}}, {pair});
  ring.network.cut(1, 2);
  meter.look_again();
  ring.network.run_for(2s);
  CHECK(meter.all_noticed());
  const Measurement measured = meter.end();
  CHECK(measured.detected_ms.empty());  // nothing was sent there
  REQUIRE(measured.detected_idle_ms.count() == 2);
  // Doubt begins 210 ms after the last word, which was up to 101 ms ago, and its burst takes 50 ms.
  CHECK(measured.detected_idle_ms.min() >= 159);
  CHECK(measured.detected_idle_ms.max() <= 261);
  REQUIRE(measured.black_hole_ms.count() == 1);
  // Until node 1, which is on the way, has noticed, and node 0 has heard of it.
  CHECK(measured.black_hole_ms.max() + measured.micro_loop_ms.max() >= measured.detected_idle_ms.min() - 1);
  CHECK(measured.black_hole_ms.max() + measured.micro_loop_ms.max() <= measured.converged_ms.max());
  CHECK((measured.micro_loops == 0) == (measured.micro_loop_ms.max() == 0));
  CHECK(measured.flooded_ms.max() >= 3);
  CHECK(measured.flooded_ms.max() <= 10);
  CHECK(measured.messages.count() == 6);
}

TEST_CASE("a loop between nodes that have not heard yet is counted as one") {
  // 0 - 1 - 2 - 3 in a row and a way around at 0 that is dearer: when 2–3 is lost, 2 sends back to 1, which does not
  // know for as long as the news travels.
  Network network(1);
  for (int i = 0; i < 4; i++) network.add_node();
  network.link(0, 1, {.delay = 20ms});
  network.link(1, 2, {.delay = 20ms});
  network.link(2, 3, {.delay = 1ms});
  network.link(0, 3, {.delay = 1ms, .cost = 100});
  network.start_all();
  REQUIRE(network.run_until([&] { return RouteOracle(network).find_fault(4).empty(); }, 5s));
  network.run_for(1s);
  Meter meter(network);
  network.on_call = [&](NodeIndex node, const routing::RouterOutbox& outbox) { meter.on_call(node, outbox); };
  FlowOptions flow;
  flow.from = 2;
  flow.to = 3;
  flow.source = address_of(network, 2);
  flow.destination = address_of(network, 3);
  meter.begin("down", false, {{2, 3}, {3, 2}}, {network.route_between(flow)});
  network.lose_carrier(2, 3);
  meter.look_again();
  network.run_for(2s);
  const Measurement measured = meter.end();
  CHECK(measured.black_hole_ms.max() == 0);
  // The news from 2 takes 20 ms to 1, and 20 ms more to 0; until then one of them sends back.
  CHECK(measured.micro_loops == 1);
  CHECK(measured.looped_pairs == 1);
  CHECK(measured.micro_loop_ms.max() >= 20);
  CHECK(measured.micro_loop_ms.max() <= 60);
}
