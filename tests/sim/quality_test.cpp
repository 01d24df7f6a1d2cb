// What links are worth, in virtual time: measured metrics, overrides, grey links, and a node that is drained while a
// flow passes through it.
#include <doctest/doctest.h>

#include "topologies/lab/sim/network.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;
using routing::GreyReason;
using routing::kLastResortMetric;

namespace {

const Prefix kTarget = Prefix::parse("10.0.3.0/24").value();  // of node 3

Quality delayed(Duration delay) {
  Quality quality;
  quality.delay = delay;
  return quality;
}

// 0 - 1 - 3 and 0 - 2 - 3.
struct Diamond {
  Network network;
  int originated = 0;
  std::vector<std::string> greys;

  explicit Diamond(std::uint64_t seed, routing::MetricMode mode = routing::MetricMode::fixed) : network(seed) {
    for (std::uint8_t i = 0; i < 4; i++) {
      routing::RouterConfig config;
      config.name = "n" + std::to_string(i);
      config.metric = mode;
      config.announced = {Prefix(IpAddress::v4({10, 0, i, 0}), 24)};
      std::array<std::uint8_t, kKeySize> secret{};
      secret.fill(static_cast<std::uint8_t>(i + 1));
      network.add_node(std::move(config), SecretKey{Bytes(secret)});
    }
    for (const auto& [a, b] : {std::pair(0u, 1u), std::pair(1u, 3u), std::pair(0u, 2u), std::pair(2u, 3u)})
      network.link(a, b);
    network.on_event = [this](NodeIndex node, const routing::Event& event) {
      using Kind = routing::EventKind;
      if (event.kind == Kind::lsa_originate && std::string(event.reason) == "changed") originated++;
      if (event.kind == Kind::link_grey || event.kind == Kind::link_healed)
        greys.push_back(std::to_string(node) + "-" + std::to_string(event.neighbor) + " " +
                        routing::to_string(event.kind) + " " + event.reason + " " + std::to_string(event.count));
    };
  }
  void start() {
    network.start_all();
    network.run_for(2s);
    originated = 0;
  }
  void set_delay(NodeIndex a, NodeIndex b, Duration delay) {
    network.set_quality(a, b, delayed(delay));
    network.set_quality(b, a, delayed(delay));
  }
  std::vector<NodeIndex> hops() { return network.reached(0).at(kTarget).hops; }
  routing::Metric metric() { return network.reached(0).at(kTarget).metric; }
};

}  // namespace

TEST_CASE("a measured metric leads over the quicker way, and follows it after the hold time") {
  Diamond diamond(1, routing::MetricMode::rtt);
  diamond.set_delay(0, 2, 10ms);
  diamond.start();
  CHECK(diamond.hops() == std::vector<NodeIndex>{1});
  CHECK(diamond.metric() == 2 * (1000 + 2000));
  diamond.set_delay(0, 1, 30ms);
  diamond.network.run_for(5s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{1});
  diamond.network.run_for(15s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{2});
  CHECK(diamond.originated == 2);  // by both ends of the link, once each
}

TEST_CASE("measuring changes nothing while delays only waver") {
  Diamond diamond(2, routing::MetricMode::rtt);
  for (const auto& [ends, link] : diamond.network.links()) {
    Quality quality = delayed(5ms);
    quality.jitter = 2ms;
    diamond.network.set_quality(ends.first, ends.second, quality);
    diamond.network.set_quality(ends.second, ends.first, quality);
  }
  diamond.start();
  diamond.network.run_for(30s);
  diamond.originated = 0;
  diamond.network.run_for(600s);
  CHECK(diamond.originated == 0);
}

// All traffic of node 0 takes the better of two equal ways, and delays it by as much as makes the other the better.
TEST_CASE("a metric that follows the round trip does not swing with the traffic that follows the metric") {
  Diamond diamond(3, routing::MetricMode::rtt);
  diamond.set_delay(0, 1, 5ms);
  diamond.set_delay(0, 2, 5200us);
  diamond.start();
  const auto turns_in = [&](Duration duration) {
    int turns = 0;
    std::vector<NodeIndex> before = diamond.hops();
    for (Duration passed{}; passed < duration; passed += 200ms) {
      const bool by_1 = before == std::vector<NodeIndex>{1};
      diamond.set_delay(0, 1, by_1 ? 25ms : 5ms);
      diamond.set_delay(0, 2, by_1 ? 5200us : 25ms);
      diamond.network.run_for(200ms);
      const std::vector<NodeIndex> now = diamond.hops();
      turns += now != before;
      before = now;
    }
    return turns;
  };
  const int first = turns_in(1800s);
  CHECK(first >= 1);
  CHECK(first <= 12);  // each link doubles its hold time with each of its own turns
  CHECK(turns_in(1800s) <= 2);
}

TEST_CASE("a cost that one end has set by hand counts for both directions, of two the larger") {
  Diamond diamond(4, routing::MetricMode::rtt);
  diamond.start();
  const auto metric_to_1 = [&] { return diamond.network.reached(0).at(Prefix::parse("10.0.1.0/24").value()).metric; };
  const auto metric_from_1 = [&] { return diamond.network.reached(1).at(Prefix::parse("10.0.0.0/24").value()).metric; };
  CHECK(metric_to_1() == 3000);
  const auto set = [&](NodeIndex node, NodeIndex neighbor, std::optional<routing::Metric> cost) {
    diamond.network.router(node).set_cost(diamond.network.now(), neighbor, cost);
    diamond.network.run_for(1s);
  };
  set(1, 0, 7);
  CHECK(metric_to_1() == 7);
  CHECK(metric_from_1() == 7);
  CHECK(diamond.network.view(1, 0).cost_is_manual);
  CHECK_FALSE(diamond.network.view(0, 1).cost_is_manual);
  set(0, 1, 40);
  CHECK(metric_to_1() == 40);
  CHECK(metric_from_1() == 40);
  set(0, 1, std::nullopt);
  set(1, 0, std::nullopt);
  CHECK(metric_to_1() == 3000);
}

TEST_CASE(
    "a path that swallows full-size packets is avoided, told with what passes, and used again once it is mended") {
  Diamond diamond(5);
  diamond.network.link(0, 2, {.cost = 20});
  diamond.start();
  CHECK(diamond.hops() == std::vector<NodeIndex>{1});
  diamond.network.run_for(100s);
  CHECK(diamond.greys.empty());
  Quality hole;
  hole.mtu = 1380;
  diamond.network.set_quality(0, 1, hole);  // one direction is enough
  diamond.network.run_for(14s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{2});
  CHECK(diamond.network.state(0, 1) == routing::NeighborState::full);
  CHECK(diamond.network.view(0, 1).grey == GreyReason::full_size_lost);
  CHECK(diamond.network.view(1, 0).grey == GreyReason::none);
  diamond.network.run_for(30s);
  CHECK(diamond.greys ==
        std::vector<std::string>{"0-1 link.grey full_size_lost 0", "0-1 link.grey full_size_lost 1376"});
  diamond.network.set_quality(0, 1, Quality{});
  diamond.network.run_for(30s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{1});
  CHECK(diamond.greys.back() == "0-1 link.healed full_size_lost 0");
  CHECK(diamond.greys.size() == 3);
}

TEST_CASE("a link that loses half of what goes one way is avoided by both ends, and used again once it is mended") {
  Diamond diamond(9);
  diamond.network.link(0, 2, {.cost = 20});
  diamond.start();
  REQUIRE(diamond.hops() == std::vector<NodeIndex>{1});
  Quality lossy;
  lossy.loss_permille = 500;
  diamond.network.set_quality(0, 1, lossy);
  diamond.network.run_for(40s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{2});
  // One end's probes are lost, the other's Hellos do not come.
  CHECK((diamond.network.view(0, 1).grey != GreyReason::none || diamond.network.view(1, 0).grey != GreyReason::none));
  CHECK(diamond.network.state(0, 1) == routing::NeighborState::full);
  diamond.network.set_quality(0, 1, Quality{});
  diamond.network.run_for(60s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{1});
  CHECK(diamond.network.view(0, 1).grey == GreyReason::none);
  CHECK(diamond.network.view(1, 0).grey == GreyReason::none);
}

TEST_CASE("a hole that is there from the start is known two seconds later, and where all ways are grey they are used") {
  Diamond diamond(6);
  Quality hole;
  hole.mtu = 1300;
  diamond.network.set_quality(0, 1, hole);
  diamond.network.set_quality(2, 0, hole);
  diamond.network.start_all();
  diamond.network.run_for(3s);
  CHECK(diamond.network.view(0, 1).grey == GreyReason::full_size_lost);
  CHECK(diamond.network.view(2, 0).grey == GreyReason::full_size_lost);
  CHECK(diamond.hops() == std::vector<NodeIndex>{1, 2});
  CHECK(diamond.metric() == kLastResortMetric + 10);
}

TEST_CASE("five per cent lost at random on every link make none grey in half an hour") {
  Diamond diamond(7);
  diamond.network.set_quality(50, 0, 1ms);
  diamond.start();
  diamond.network.run_for(1800s);
  CHECK(diamond.greys.empty());
}

TEST_CASE("a drained node loses no packet that passes through it, and is the last resort of what has no other way") {
  Diamond diamond(8);
  diamond.network.link(0, 2, {.cost = 20});
  diamond.start();
  FlowOptions options;
  options.from = 0;
  options.to = 3;
  options.source = IpAddress::v4({10, 0, 0, 1});
  options.destination = IpAddress::v4({10, 0, 3, 1});
  const FlowId flow = diamond.network.start_flow(options);
  diamond.network.run_for(1s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{1});
  diamond.network.set_drained(1, true);
  diamond.network.run_for(20ms);
  CHECK(diamond.network.router(1).unacknowledged() == 0);
  CHECK(diamond.hops() == std::vector<NodeIndex>{2});
  CHECK(diamond.network.reached(0).contains(Prefix::parse("10.0.1.0/24").value()));
  diamond.network.run_for(1s);
  diamond.network.stop(1);  // killed, without a word
  diamond.network.run_for(2s);
  int delivered = 0, under_way = 0;
  for (const FlowPacket& packet : diamond.network.flow(flow).packets) {
    delivered += packet.fate == Fate::delivered;
    under_way += packet.fate == Fate::under_way;
  }
  CHECK(delivered > 3900);
  CHECK(delivered + under_way == static_cast<int>(diamond.network.flow(flow).packets.size()));
  CHECK(under_way <= 5);
}

TEST_CASE("a node that is the only way is drained and goes on carrying") {
  Diamond diamond(9);
  diamond.start();
  diamond.network.set_drained(1, true);
  diamond.network.set_drained(2, true);
  diamond.network.run_for(1s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{1, 2});
  CHECK(diamond.metric() == 2 * kLastResortMetric);
  diamond.network.set_drained(1, false);
  diamond.network.run_for(1s);
  CHECK(diamond.hops() == std::vector<NodeIndex>{1});
  CHECK(diamond.metric() == 20);
}
