// Random networks under loss, duplication and reordering, compared with the oracle after every change.
#include <doctest/doctest.h>

#include <cstdlib>

#include "sim/oracle.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;

namespace {

constexpr Duration kConvergenceLimit = 15s;  // of virtual time, under 10 % loss

// Five Hellos: at 10 % loss three in a row are lost somewhere every second.
constexpr routing::HelloConfig kPatient{100ms, 5};

// A random tree and as many links again, a few end points, a few anycast prefixes.
void build(Network& network, SeededRandom& random, NodeIndex size) {
  for (NodeIndex node = 0; node < size; node++) {
    NodeOptions options;
    options.hello = kPatient;
    options.transit = node < 2 || random.below(8) != 0;
    options.prefixes = {Prefix(IpAddress::v4({10, 0, static_cast<std::uint8_t>(node), 0}), 24)};
    if (random.below(4) == 0) {
      options.prefixes.emplace_back(IpAddress::v4({10, 99, static_cast<std::uint8_t>(random.below(3)), 0}), 24);
    }
    network.add_node(options);
  }
  const auto link = [&](NodeIndex a, NodeIndex b) {
    LinkOptions options;
    options.delay = std::chrono::microseconds(500 + random.below(5000));
    options.cost = static_cast<routing::Metric>(1 + random.below(4));
    network.link(a, b, options);
  };
  for (NodeIndex node = 1; node < size; node++) link(static_cast<NodeIndex>(random.below(node)), node);
  for (NodeIndex i = 0; i < size; i++) {
    const auto a = static_cast<NodeIndex>(random.below(size));
    const auto b = static_cast<NodeIndex>(random.below(size));
    if (a != b && !network.links().contains({std::min(a, b), std::max(a, b)})) link(a, b);
  }
  network.set_quality(100, 50, 3ms);
}

void change_something(Network& network, SeededRandom& random) {
  auto chosen = network.links().begin();
  std::advance(chosen, random.below(network.links().size()));
  const auto [a, b] = chosen->first;
  const auto node = static_cast<NodeIndex>(random.below(network.size()));
  switch (random.below(6)) {
    case 0: chosen->second.up ? network.cut(a, b) : network.restore(a, b); break;
    case 1: chosen->second.up ? network.lose_carrier(a, b) : network.restore(a, b); break;
    case 2: network.set_cost(a, b, static_cast<routing::Metric>(1 + random.below(4))); break;
    case 3: network.running(node) ? network.stop(node) : network.start(node); break;
    case 4: network.running(node) ? network.shut_down(node) : network.start(node); break;
    default: {
      const auto low = static_cast<std::uint8_t>(random.below(4));
      network.set_prefixes(node, {Prefix(IpAddress::v4({10, 0, static_cast<std::uint8_t>(node), 0}), 24),
                                  Prefix(IpAddress::v4({10, 98, low, 0}), 24)});
    }
  }
}

void expect_convergence(Network& network, const char* after) {
  const Oracle oracle(network);
  const auto took = network.run_until([&] { return converged(network, oracle); }, kConvergenceLimit, 50ms);
  CAPTURE(after);
  CAPTURE(first_difference(network, oracle));
  REQUIRE(took);
}

void run_random_network(std::uint64_t seed, NodeIndex size, int changes) {
  CAPTURE(seed);
  SeededRandom random(seed);
  Network network(seed);
  build(network, random, size);
  network.start_all();
  expect_convergence(network, "the start");
  for (int i = 0; i < changes; i++) {
    change_something(network, random);
    if (random.below(3) == 0) change_something(network, random);
    expect_convergence(network, "a change");
  }
}

// STARLING_SIM_SEEDS=1000 makes a soak of it.
std::uint64_t seed_count() {
  const char* text = std::getenv("STARLING_SIM_SEEDS");
  return text ? std::strtoull(text, nullptr, 10) : 20;
}

}  // namespace

TEST_CASE("small random networks follow the oracle through every change, under loss, duplication and reordering") {
  for (std::uint64_t seed = 1; seed <= seed_count(); seed++) {
    run_random_network(seed, static_cast<NodeIndex>(3 + seed % 13), 15);
  }
}

TEST_CASE("random networks of 30 and 50 routers follow the oracle through every change") {
  run_random_network(101, 30, 12);
  run_random_network(102, 50, 12);
}

TEST_CASE("halves of a partition converge apart, and together again once it heals") {
  Network network(7);
  for (int i = 0; i < 8; i++) network.add_node();
  for (NodeIndex node = 0; node < 8; node++) network.link(node, (node + 1) % 8);
  network.link(1, 6);
  network.start_all();
  expect_convergence(network, "the start");
  network.cut(3, 4);
  network.cut(7, 0);
  network.cut(1, 6);
  expect_convergence(network, "the partition");
  CHECK(network.reached(0).size() == 3);
  network.set_prefixes(2, {*Prefix::parse("10.7.0.0/16")});  // each half changes while it does not see the other
  network.set_prefixes(5, {*Prefix::parse("10.8.0.0/16")});
  network.run_for(30s);
  expect_convergence(network, "changes in both halves");
  network.restore(7, 0);
  expect_convergence(network, "the heal");
  CHECK(network.reached(0).size() == 7);
}
