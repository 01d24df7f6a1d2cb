// Ageing, and nodes that come back without memory.
#include <doctest/doctest.h>

#include "sim/oracle.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;
using routing::NeighborState;

namespace {

constexpr routing::HelloConfig kSlow{1s, 3};  // hours of virtual time, fewer Hellos

std::optional<Duration> converge(Network& network, Duration limit) {
  const Oracle oracle(network);
  const auto took = network.run_until([&] { return converged(network, oracle); }, limit);
  if (!took) MESSAGE(first_difference(network, oracle));
  return took;
}

Network line(NodeIndex size, const routing::HelloConfig& hello = {}) {
  Network network(size);
  for (NodeIndex i = 0; i < size; i++) {
    NodeOptions options;
    options.hello = hello;
    network.add_node(options);
    if (i > 0) network.link(i - 1, i);
  }
  network.start_all();
  REQUIRE(converge(network, 5s));
  return network;
}

std::map<std::uint16_t, routing::LsaView> announcements(Network& network, NodeIndex at, NodeIndex origin) {
  std::map<std::uint16_t, routing::LsaView> all;
  for (const auto& view : network.router(at).database(network.now())) {
    if (view.key.origin == network.identity(origin).id()) all[view.key.fragment] = view;
  }
  return all;
}

std::vector<Prefix> many_prefixes(int count) {
  std::vector<Prefix> prefixes;
  for (int i = 0; i < count; i++) {
    const auto high = static_cast<std::uint8_t>(i / 256);
    const auto low = static_cast<std::uint8_t>(i % 256);
    prefixes.emplace_back(IpAddress::v4({10, 128, high, low}), 32);
  }
  return prefixes;
}

}  // namespace

TEST_CASE("a router that restarts at once is seen by its new instance, not by silence") {
  Network network = line(3);
  network.stop(1);
  network.start(1);
  const auto took = converge(network, 1s);
  REQUIRE(took);
  CHECK(*took <= 60ms);
}

TEST_CASE("a router that comes back with its clock far behind wins over its former self") {
  Network network = line(3);
  const auto before = announcements(network, 0, 2).at(0).sequence;
  network.stop(2);
  network.run_for(2s);
  network.set_wall_offset(2, -24h);
  network.set_prefixes(2, {*Prefix::parse("10.77.0.0/16")});
  bool jumped = false;
  network.on_event = [&](NodeIndex node, const routing::Event& event) {
    jumped |= node == 2 && event.kind == routing::EventKind::sequence_jump;
  };
  network.start(2);
  const auto took = converge(network, 1s);
  REQUIRE(took);
  CHECK(jumped);
  CHECK(announcements(network, 0, 2).at(0).sequence > before);
  CHECK(network.reached(0).contains(*Prefix::parse("10.77.0.0/16")));
}

TEST_CASE("prefixes that fit no single packet go into fragments, and a change touches one of them") {
  Network network = line(3);
  network.set_prefixes(2, many_prefixes(400));
  REQUIRE(converge(network, 2s));
  const auto before = announcements(network, 0, 2);
  CHECK(before.size() >= 3);
  auto fewer = many_prefixes(400);
  fewer.erase(fewer.begin() + 200);
  network.set_prefixes(2, fewer);
  REQUIRE(converge(network, 2s));
  int changed = 0;
  for (const auto& [fragment, view] : announcements(network, 0, 2))
    changed += view.sequence != before.at(fragment).sequence;
  CHECK(changed == 1);
}

TEST_CASE("fragments of a former life that are not needed any more are withdrawn") {
  Network network = line(3);
  network.set_prefixes(2, many_prefixes(400));
  REQUIRE(converge(network, 2s));
  network.stop(2);
  network.set_prefixes(2, {*Prefix::parse("10.77.0.0/16")});
  network.set_wall_offset(2, -1h);
  network.start(2);
  REQUIRE(converge(network, 2s));
  std::size_t prefixes = 0;
  for (const auto& [fragment, view] : announcements(network, 0, 2)) prefixes += view.prefixes.size();
  CHECK(prefixes == 1);
}

TEST_CASE("announcements are refreshed before they expire, and nobody computes for that") {
  Network network = line(3, kSlow);
  network.run_for(10s);
  const auto before = announcements(network, 0, 2).at(0).sequence;
  const auto runs = network.router(0).statistics().spf_runs;
  network.run_for(3h);
  CHECK(converge(network, 1s));
  CHECK(announcements(network, 0, 2).at(0).sequence >= before + 6);
  CHECK(announcements(network, 0, 2).at(0).sequence <= before + 8);
  CHECK(network.router(0).statistics().spf_runs == runs);
}

TEST_CASE("the announcement of a node that is gone expires one lifetime after its last refresh") {
  Network network = line(3, kSlow);
  network.stop(2);
  network.run_for(29min);
  CHECK(announcements(network, 0, 2).size() == 1);
  network.run_for(32min);
  CHECK(announcements(network, 0, 2).empty());
  CHECK(converge(network, 1s));
}

TEST_CASE("a node whose old announcement has expired comes back with its clock behind") {
  Network network = line(3, kSlow);
  network.stop(2);
  network.run_for(90min);  // expired; its header is remembered
  REQUIRE(announcements(network, 0, 2).empty());
  network.set_wall_offset(2, -5h);
  network.start(2);
  CHECK(converge(network, 5s));
}

TEST_CASE("a header that only a distant node remembers finds its way to its origin") {
  Network network = line(4, kSlow);
  const auto before = announcements(network, 0, 3).at(0).sequence;
  network.stop(3);
  network.run_for(90min);
  network.stop(2);  // the direct neighbour forgets; nodes 0 and 1 remember
  network.start(2);
  REQUIRE(converge(network, 5s));
  network.set_wall_offset(3, -5h);
  network.start(3);
  REQUIRE(converge(network, 10s));
  CHECK(announcements(network, 0, 3).at(0).sequence > before);
}

TEST_CASE("the same seed gives the same trace, and timer calls that nobody asked for leave it unchanged") {
  const auto run = [](std::uint64_t seed, bool extra_calls) {
    Network network(seed);
    for (int i = 0; i < 10; i++) network.add_node();
    for (NodeIndex i = 0; i < 10; i++) network.link(i, (i + 1) % 10);
    network.link(2, 7);
    network.set_quality(50, 50, 2ms);
    if (extra_calls) network.call_timers_at_random(99);
    network.start_all();
    network.run_for(3s);
    network.cut(2, 7);
    network.stop(4);
    network.run_for(3s);
    network.start(4);
    network.restore(2, 7);
    network.run_for(3s);
    return network.trace_hash();
  };
  const auto once = run(11, false);
  CHECK(run(11, false) == once);
  CHECK(run(11, true) == once);
  CHECK(run(12, false) != once);
}
