// Without a network key everybody may announce anything: nothing depends on who came first, and nothing old comes back.
#include <doctest/doctest.h>

#include <algorithm>

#include "sim/oracle.h"
#include "sim/rogue.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;

namespace {

constexpr NodeIndex kVictim = 0;
constexpr NodeIndex kRelay = 1;  // played by hand
constexpr NodeIndex kNodes = 5;

struct Outcome {
  std::map<Prefix, Network::Reached> reached;
  std::vector<routing::IngressChange> ingress;
  std::vector<routing::PrefixFinding> findings;
  routing::DatabaseDigest digest{};
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

// What node 0 makes of announcements of nodes 1 to 4 that its neighbour tells it in this order.
Outcome hear(const std::vector<NodeIndex>& order, bool also_withdrawn) {
  Network network(5);
  for (NodeIndex i = 0; i < kNodes; i++) network.add_node();
  network.link(kVictim, kRelay);
  network.start(kVictim);
  network.run_for(100ms);
  Rogue rogue(network, kRelay, kVictim);
  rogue.become_adjacent();
  const auto link_to = [&](NodeIndex neighbor, routing::Metric metric) {
    routing::LsaLink link;
    link.neighbor = network.identity(neighbor).id();
    link.metric = metric;
    return link;
  };
  for (const NodeIndex origin : order) {
    routing::LsaContent content;
    content.attributes = routing::NodeAttributes{"n", network.wireguard_key(origin), true, false};
    if (origin == kRelay) {
      for (NodeIndex other = 2; other < kNodes; other++) content.links.push_back(link_to(other, other));
      content.links.push_back(link_to(kVictim, 10));
    } else {
      content.links.push_back(link_to(kRelay, 1));
    }
    // Everybody the same, a wide one of one node, narrower ones of the others inside it.
    content.prefixes.push_back(Prefix::parse("10.50.0.0/16").value());
    const auto own = IpAddress::v4({10, 60, static_cast<std::uint8_t>(origin), 0});
    content.prefixes.push_back(origin == 2 ? Prefix::parse("10.60.0.0/16").value() : Prefix(own, 24));
    rogue.send_lsa(*rogue.lsa_of(origin, 1000, content));
    if (also_withdrawn && origin == 4) rogue.send_lsa(*rogue.lsa_of(origin, 1001, {}));
  }
  rogue.finish_exchange();
  rogue.stay_for(6s);  // longer than kIngressHold
  routing::Router& victim = network.router(kVictim);
  return {network.reached(kVictim), victim.ingress(), victim.prefix_findings(), victim.digest()};
}

}  // namespace

TEST_CASE("routes, rights to send and what is reported are the same in whatever order announcements come") {
  for (const bool also_withdrawn : {false, true}) {
    std::vector<NodeIndex> order{1, 2, 3, 4};
    const Outcome first = hear(order, also_withdrawn);
    CHECK(first.reached.size() == (also_withdrawn ? 4 : 5));
    // One duplicate, and each /24 inside the /16 of another.
    CHECK(first.findings.size() == (also_withdrawn ? 3 : 4));
    while (std::next_permutation(order.begin(), order.end())) CHECK(hear(order, also_withdrawn) == first);
  }
}

TEST_CASE("duplicates and foreign more-specifics are told once, a second after they came to be") {
  Network network(3);
  for (int i = 0; i < 3; i++) network.add_node();
  network.link(0, 1);
  network.link(1, 2);
  network.start_all();
  network.run_for(2s);
  std::vector<routing::Event> told;
  network.on_event = [&](NodeIndex node, const routing::Event& event) {
    const bool is_finding =
        event.kind == routing::EventKind::prefix_duplicate || event.kind == routing::EventKind::prefix_more_specific;
    if (node == 0 && is_finding) told.push_back(event);
  };
  const Prefix shared = Prefix::parse("10.50.0.0/16").value();
  network.set_prefixes(1, {Prefix::parse("10.0.1.0/24").value(), shared});
  network.set_prefixes(2, {Prefix::parse("10.0.2.0/24").value(), shared, Prefix::parse("10.0.1.128/25").value()});
  network.run_for(900ms);
  CHECK(told.empty());
  network.run_for(10s);
  REQUIRE(told.size() == 2);
  CHECK(told[0].kind == routing::EventKind::prefix_more_specific);
  CHECK(told[0].prefix == Prefix::parse("10.0.1.128/25"));
  CHECK(told[0].inside == Prefix::parse("10.0.1.0/24"));
  CHECK(told[0].lsa.origin == network.identity(2).id());
  CHECK(told[0].other == network.identity(1).id());
  CHECK(told[1].kind == routing::EventKind::prefix_duplicate);
  CHECK(told[1].prefix == shared);
}

TEST_CASE("a prefix that moves from one node to another in time is no duplicate") {
  Network network(3);
  for (int i = 0; i < 3; i++) network.add_node();
  network.link(0, 1);
  network.link(1, 2);
  network.start_all();
  const Prefix moving = Prefix::parse("10.50.0.0/16").value();
  const auto with = [&](NodeIndex node, bool has) {
    std::vector<Prefix> prefixes{Prefix(IpAddress::v4({10, 0, static_cast<std::uint8_t>(node), 0}), 24)};
    if (has) prefixes.push_back(moving);
    network.set_prefixes(node, prefixes);
  };
  with(1, true);
  network.run_for(5s);
  int told = 0;
  network.on_event = [&](NodeIndex, const routing::Event& event) {
    told += event.kind == routing::EventKind::prefix_duplicate;
  };
  with(2, true);
  network.run_for(500ms);
  with(1, false);
  network.run_for(5s);
  CHECK(told == 0);
  CHECK(network.reached(0).at(moving).hops == std::vector<NodeIndex>{1});
}

TEST_CASE("everything that was ever announced, told again, changes nothing") {
  Network network(8);
  for (int i = 0; i < 5; i++) network.add_node();
  for (NodeIndex i = 0; i < 4; i++) network.link(i, (i + 1) % 4);
  network.link(0, 4);  // node 4 is played by hand
  std::vector<std::vector<std::uint8_t>> heard;
  network.on_send = [&](const InFlight& packet) {
    if (packet.bytes[1] == static_cast<std::uint8_t>(routing::MessageType::update)) heard.push_back(packet.bytes);
    return packet.to != 4;
  };
  for (NodeIndex i = 0; i < 4; i++) network.start(i);
  network.run_for(1s);
  for (int round = 0; round < 6; round++) {
    const auto node = static_cast<NodeIndex>(round % 3 + 1);
    const auto third = static_cast<std::uint8_t>(100 + round);
    network.set_prefixes(node, {Prefix(IpAddress::v4({10, third, 0, 0}), 16)});
    network.run_for(1s);
    network.stop(node);
    network.run_for(1s);
    network.start(node);
    network.run_for(2s);
  }
  network.on_send = [](const InFlight& packet) { return packet.to != 4; };
  const Oracle oracle(network);
  REQUIRE(converged(network, oracle));
  const auto digest = network.router(0).digest();
  const auto routes = network.reached(0);
  std::vector<routing::EventKind> changes;
  network.on_event = [&](NodeIndex, const routing::Event& event) {
    const bool counts =
        event.kind == routing::EventKind::lsa_accept || event.kind == routing::EventKind::lsa_withdraw ||
        event.kind == routing::EventKind::sequence_jump || event.kind == routing::EventKind::route_group;
    if (counts) changes.push_back(event.kind);
  };
  Rogue rogue(network, 4, 0);
  rogue.become_adjacent();
  std::size_t replayed = 0;
  for (const auto& packet : heard) {
    const auto message = routing::decode_message(packet).value();
    for (const auto& lsa : std::get<routing::Update>(message.content).lsas) {
      rogue.send_lsa(routing::Lsa(lsa.header, lsa.signature, {lsa.body.begin(), lsa.body.end()},
                                  routing::decode_body(lsa.body).value_or(routing::LsaContent{})));
      replayed++;
    }
  }
  network.run_for(10s);
  CHECK(replayed > 50);
  CHECK(changes.empty());
  CHECK(network.router(0).digest() == digest);
  CHECK(network.reached(0) == routes);
  CHECK(converged(network, oracle));
}
