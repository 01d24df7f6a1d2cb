// Two to four routers: how an adjacency comes, goes and comes back, and how fast.
#include <doctest/doctest.h>

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
