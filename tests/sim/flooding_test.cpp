// Flooding: what it costs at rest, what it carries, and what two machines with one key do to it.
#include <doctest/doctest.h>

#include "routing/messages.h"
#include "sim/oracle.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;
using routing::MessageType;
using routing::NeighborState;

namespace {

constexpr routing::HelloConfig kRare{10s, 3};  // hours of virtual time, in which Hellos are not what is counted
// The largest of several sizes, where size is what a case is about: smaller with sanitizers, under which the same
// network costs ten times as much.
#ifdef __SANITIZE_ADDRESS__
constexpr NodeIndex kLargestSide = 6;
#else
constexpr NodeIndex kLargestSide = 9;
#endif
constexpr std::size_t kHelloBytes = 92;

MessageType type_of(const InFlight& packet) {
  return static_cast<MessageType>(packet.bytes[1]);
}

Network grid(NodeIndex side, const routing::HelloConfig& hello = {}) {
  Network network(side);
  for (NodeIndex node = 0; node < side * side; node++) {
    NodeOptions options;
    options.hello = hello;
    network.add_node(options);
  }
  for (NodeIndex node = 0; node < side * side; node++) {
    if (node % side != side - 1) network.link(node, node + 1);
    if (node + side < side * side) network.link(node, node + side);
  }
  network.start_all();
  return network;
}

bool is_whole(Network& network) {
  for (NodeIndex node = 1; node < network.size(); node++) {
    if (network.router(node).digest() != network.router(0).digest()) return false;
  }
  for (const auto& [ends, link] : network.links()) {
    if (network.state(ends.first, ends.second) != NeighborState::full) return false;
  }
  return true;
}

// Bytes by type of message, of all nodes.
std::map<MessageType, std::uint64_t> count_bytes(Network& network, Duration duration) {
  std::map<MessageType, std::uint64_t> bytes;
  network.on_send = [&](const InFlight& packet) {
    bytes[type_of(packet)] += packet.bytes.size();
    return true;
  };
  network.run_for(duration);
  network.on_send = nullptr;
  return bytes;
}

std::vector<Prefix> many_prefixes(int count) {
  std::vector<Prefix> prefixes;
  for (int i = 0; i < count; i++) {
    std::array<std::uint8_t, 16> bytes{0xfd};
    bytes[14] = static_cast<std::uint8_t>(i >> 8);
    bytes[15] = static_cast<std::uint8_t>(i);
    prefixes.emplace_back(IpAddress::v6(bytes), 128);
  }
  return prefixes;
}

}  // namespace

TEST_CASE("what a new node says before it has links stays with its neighbour, what it says with links does not") {
  Network network(1);
  for (NodeIndex node = 0; node < 4; node++) network.add_node({});
  for (NodeIndex node = 0; node < 3; node++) network.link(node, node + 1);
  for (NodeIndex node = 0; node < 3; node++) network.start(node);
  network.run_for(2s);
  const auto accepted = [&](NodeIndex node) { return network.router(node).statistics().lsas_accepted; };
  const auto far = accepted(0), near = accepted(2);
  network.start(3);
  network.run_for(2s);
  CHECK(is_whole(network));
  CHECK(accepted(2) - near == 2);  // bare, and with the link
  CHECK(accepted(0) - far == 2);   // its announcement of the link, and its neighbour's
}

TEST_CASE("at rest an adjacency costs its Hellos and path probes, whatever the size of the network") {
  for (NodeIndex side = 3; side <= kLargestSide; side += 3) {
    Network network = grid(side);
    REQUIRE(network.run_until([&] { return is_whole(network); }, 10s));
    network.run_for(20s);
    const auto bytes = count_bytes(network, 60s);
    const std::size_t ways = network.links().size() * 2;
    CAPTURE(side);
    CHECK(bytes.at(MessageType::hello) <= ways * kHelloBytes * 667);
    CHECK(bytes.at(MessageType::hello) >= ways * kHelloBytes * 600);
    for (const auto& [type, count] : bytes) {
      CAPTURE(static_cast<int>(type));
      const bool is_path = type == MessageType::path_probe || type == MessageType::path_answer;
      CHECK((type == MessageType::hello || is_path));
      if (is_path) CHECK(count <= ways * 7 * 1400);
    }
  }
}

TEST_CASE("refreshes cost each neighbour the same for each announcement, whatever the size of the network") {
  for (const NodeIndex side : {3u, 5u}) {
    Network network = grid(side, kRare);
    REQUIRE(network.run_until([&] { return is_whole(network); }, 20s));
    network.run_for(60min);
    const auto bytes = count_bytes(network, 120min);
    const double announcements = static_cast<double>(network.size());
    const double ways = static_cast<double>(network.links().size() * 2);
    const double flooded = static_cast<double>(bytes.at(MessageType::update) + bytes.at(MessageType::ack));
    const double per_minute = flooded / 120 / announcements / ways;
    CAPTURE(side);
    CAPTURE(per_minute);
    CHECK(per_minute <= 12);
    CHECK(per_minute >= 7);
    CHECK(bytes.count(MessageType::ask) == 0);
    CHECK(is_whole(network));
  }
}

TEST_CASE("5,000 prefixes of one node go through the network, and a change of one is one announcement") {
  Network network = grid(2);
  REQUIRE(network.run_until([&] { return is_whole(network); }, 10s));
  network.set_prefixes(0, many_prefixes(5000));
  const auto arrived = [&] { return network.reached(3).size() >= 5000 && is_whole(network); };
  const auto took = network.run_until(arrived, 10s);
  REQUIRE(took);
  CHECK(*took <= 1s);
  const auto accepted = network.router(3).statistics().lsas_accepted;
  auto fewer = many_prefixes(5000);
  fewer.erase(fewer.begin() + 1234);
  network.set_prefixes(0, fewer);
  network.run_for(1s);
  CHECK(network.router(3).statistics().lsas_accepted == accepted + 1);
  CHECK(is_whole(network));
  network.stop(0);
  network.start(0);  // without memory, and all of it is asked for again
  REQUIRE(network.run_until([&] { return is_whole(network) && network.reached(3).size() >= 4999; }, 10s));
}

TEST_CASE("neighbours whose databases agree when they meet again exchange nothing") {
  Network network(4);
  for (int i = 0; i < 6; i++) network.add_node();
  for (NodeIndex node = 0; node < 6; node++) network.link(node, (node + 1) % 6);
  network.start_all();
  REQUIRE(network.run_until([&] { return is_whole(network); }, 10s));
  network.cut(0, 1);
  network.run_for(5s);
  network.restore(0, 1);
  const auto bytes = count_bytes(network, 5s);
  CHECK(is_whole(network));
  CHECK(bytes.count(MessageType::ask) == 0);
  CHECK(bytes.count(MessageType::headers) == 0);
}

TEST_CASE("what several neighbours have is fetched from each in parts") {
  Network network(8);
  for (int i = 0; i < 5; i++) network.add_node();
  for (NodeIndex hub = 1; hub < 5; hub++) {
    network.link(0, hub, {.delay = 20ms});
    network.link(hub, hub % 4 + 1);
  }
  network.set_prefixes(1, many_prefixes(5000));
  for (NodeIndex node = 1; node < 5; node++) network.start(node);
  network.run_for(5s);
  network.start(0);
  std::uint64_t updates = 0;
  network.on_send = [&](const InFlight& packet) {
    if (packet.to == 0 && type_of(packet) == MessageType::update) updates += packet.bytes.size();
    return true;
  };
  REQUIRE(network.run_until([&] { return is_whole(network); }, 10s));
  std::uint64_t size = 0;
  for (const auto& view : network.router(0).database(network.now())) size += 150 + 21 * view.prefixes.size();
  CAPTURE(updates);
  CAPTURE(size);
  CHECK(updates < 2 * size);
}

TEST_CASE("a link that blinks costs the network little, and is used again once it stays") {
  Network network = grid(3);
  REQUIRE(network.run_until([&] { return is_whole(network); }, 10s));
  network.run_for(5s);
  const auto before = network.router(8).statistics().lsas_accepted;
  constexpr int kBlinks = 100;
  for (int i = 0; i < kBlinks; i++) {
    network.lose_carrier(0, 1);
    network.run_for(250ms);
    network.restore(0, 1);
    network.run_for(250ms);
  }
  const auto accepted = network.router(8).statistics().lsas_accepted - before;
  // Of both ends, each a withdrawal and a return.
  CHECK(accepted <= 2 * 2 * (routing::kFlapBurst + kBlinks * 500ms / routing::kFlapPerToken + 1));
  network.run_for(routing::kFlapPerToken + 1s);
  bool announced = false;  // by both
  for (const auto& view : network.router(8).database(network.now())) {
    if (view.key.origin != network.identity(0).id()) continue;
    for (const auto& link : view.links) announced |= link.neighbor == network.identity(1).id() && link.two_way;
  }
  CHECK(announced);
}

TEST_CASE("two machines with one key do not storm, and are told of at both and shown") {
  Network network(9);
  for (int i = 0; i < 3; i++) network.add_node();
  network.link(0, 1);
  network.link(1, 2);
  network.make_twin(2, 0);  // both announce other things under one name
  std::map<NodeIndex, int> told;
  network.on_event = [&](NodeIndex node, const routing::Event& event) {
    if (event.kind != routing::EventKind::identity_duplicate) return;
    told[node]++;
    CHECK(event.neighbor == 1);
    CHECK(event.lsa.origin == network.identity(node).id());
  };
  network.start_all();
  network.run_for(10s);
  CHECK(told[0] == 1);
  CHECK(told[2] == 1);
  CHECK(told[1] == 0);
  const auto shown = network.router(0).duplicates(network.now());
  REQUIRE(shown.size() == 1);
  CHECK(shown[0].ourselves);
  CHECK(shown[0].neighbor == 1);
  CHECK(shown[0].signs >= 1);
  CHECK(network.router(1).duplicates(network.now()).empty());

  network.run_for(590s);
  for (const NodeIndex twin : {0u, 2u}) {
    CHECK(network.router(twin).statistics().lsas_originated <= 40);
    CHECK(network.router(twin).statistics().lsas_originated >= 10);
    CHECK(told[twin] >= 5);  // again and again, at most once a minute
    CHECK(told[twin] <= 10);
  }
  network.stop(2);  // the other machine gets a key of its own
  network.run_for(routing::kDuplicateWindow + 1s);
  CHECK(network.router(0).duplicates(network.now()).empty());
}

TEST_CASE("lives that take turns in one tunnel are told of as two machines with the neighbour's key") {
  Network network(3);
  network.add_node();
  network.add_node();
  network.link(0, 1);
  network.start(0);
  int told = 0;
  network.on_event = [&](NodeIndex, const routing::Event& event) {
    told += event.kind == routing::EventKind::identity_duplicate && event.neighbor == 1;
  };
  routing::Hello hello;
  hello.interval_us = 100'000;
  hello.multiplier = 3;
  hello.node = network.identity(1).id();
  for (std::uint32_t i = 0; i < 20; i++) {
    hello.sequence = i;
    network.inject(0, 1, routing::encode({7 + i % 2, 0}, hello));
    network.run_for(100ms);
  }
  CHECK(told == 1);
  const auto shown = network.router(0).duplicates(network.now());
  REQUIRE(shown.size() == 1);
  CHECK_FALSE(shown[0].ourselves);
  CHECK(shown[0].neighbor == 1);
}

TEST_CASE("a router that restarts often is no second machine") {
  Network network(6);
  for (int i = 0; i < 3; i++) network.add_node();
  network.link(0, 1);
  network.link(1, 2);
  int told = 0;
  network.on_event = [&](NodeIndex, const routing::Event& event) {
    told += event.kind == routing::EventKind::identity_duplicate;
  };
  network.start_all();
  for (int i = 0; i < 30; i++) {
    network.run_for(1s);
    network.stop(2);
    network.set_wall_offset(2, -std::chrono::hours(i));  // each life finds announcements from its future
    network.start(2);
  }
  network.run_for(2s);
  CHECK(told == 0);
  CHECK(is_whole(network));
}
