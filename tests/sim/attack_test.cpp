// What a neighbour that lies can do: nothing to others' announcements, and for itself no adjacency that its keys do not
// prove. Node 0 is the victim, node 1 its honest neighbour, node 2 the rogue with a tunnel to the victim.
#include <doctest/doctest.h>

#include "sim/rogue.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;
using routing::NeighborState;
using routing::NodeId;
using routing::RejectReason;

namespace {

constexpr NodeIndex kVictim = 0;
constexpr NodeIndex kHonest = 1;
constexpr NodeIndex kRogue = 2;
const Prefix kHonestPrefix = Prefix::parse("10.0.1.0/24").value();
const Prefix kOtherPrefix = Prefix::parse("10.77.0.0/16").value();
const Prefix kRoguePrefix = Prefix::parse("10.66.0.0/16").value();

struct Scene {
  Network network{5};
  Rogue rogue;

  Scene() : rogue(build(network), kRogue, kVictim) {
    network.start(kVictim);
    network.start(kHonest);
    network.run_for(500ms);
    REQUIRE(network.state(kVictim, kHonest) == NeighborState::full);
  }
  static Network& build(Network& network) {
    for (int i = 0; i < 3; i++) network.add_node();
    network.link(kVictim, kHonest);
    network.link(kVictim, kRogue);
    return network;
  }

  routing::Router& victim() { return network.router(kVictim); }
  std::uint64_t rejected(RejectReason reason) {
    return victim().statistics().rejected[static_cast<std::size_t>(reason)];
  }
  routing::LsaView honest_view() {
    for (const auto& view : victim().database(network.now())) {
      if (view.key.origin == network.identity(kHonest).id()) return view;
    }
    return {};
  }
  std::uint64_t honest_sequence() { return honest_view().sequence; }
  bool honest_is_unharmed() {
    const auto reached = network.reached(kVictim);
    return reached.contains(kHonestPrefix) && reached.at(kHonestPrefix).hops == std::vector<NodeIndex>{kHonest};
  }
};

bool is_update(const InFlight& packet) {
  return packet.bytes[1] == static_cast<std::uint8_t>(routing::MessageType::update);
}

routing::LsaHandle first_lsa(const InFlight& packet) {
  const auto message = routing::decode_message(packet.bytes).value();
  const auto& lsa = std::get<routing::Update>(message.content).lsas.front();
  return std::make_shared<const routing::Lsa>(lsa.header, lsa.signature,
                                              std::vector<std::uint8_t>(lsa.body.begin(), lsa.body.end()),
                                              routing::decode_body(lsa.body).value());
}

}  // namespace

TEST_CASE("a neighbour whose announcement names its tunnel's key becomes Full") {
  Scene scene;
  scene.rogue.become_adjacent();
  scene.rogue.finish_exchange();
  CHECK(scene.network.state(kVictim, kRogue) == NeighborState::exchange);
  const auto content = scene.rogue.content(scene.network.wireguard_key(kRogue), "10.66.0.0/16");
  scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1000, content));
  CHECK(scene.network.state(kVictim, kRogue) == NeighborState::full);
  CHECK(scene.network.reached(kVictim).contains(kRoguePrefix));
}

TEST_CASE("a neighbour whose announcement names another WireGuard key never becomes Full") {
  Scene scene;
  scene.rogue.become_adjacent();
  scene.rogue.finish_exchange();
  const auto content = scene.rogue.content(scene.network.wireguard_key(kHonest), "10.66.0.0/16");
  scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1000, content));
  scene.rogue.stay_for(5s);
  CHECK(scene.network.state(kVictim, kRogue) == NeighborState::exchange);
  CHECK_FALSE(scene.network.reached(kVictim).contains(kRoguePrefix));
}

TEST_CASE("a neighbour that claims an honest node's NodeId does not get its adjacency") {
  Scene scene;
  scene.rogue.become_adjacent(scene.network.identity(kHonest).id());
  scene.rogue.finish_exchange();
  scene.rogue.stay_for(5s);
  CHECK(scene.network.state(kVictim, kRogue) == NeighborState::exchange);
  CHECK(scene.network.state(kVictim, kHonest) == NeighborState::full);
  CHECK(scene.honest_is_unharmed());
}

TEST_CASE("a neighbour that claims our own NodeId is not heard") {
  Scene scene;
  scene.rogue.become_adjacent(scene.network.identity(kVictim).id());
  CHECK(scene.network.state(kVictim, kRogue) == NeighborState::down);
  CHECK(scene.rejected(RejectReason::own_node_id) >= 1);
}

TEST_CASE("a neighbour in Full that renames its key leaves Full at once") {
  Scene scene;
  scene.rogue.become_adjacent();
  scene.rogue.finish_exchange();
  const auto mine = scene.rogue.content(scene.network.wireguard_key(kRogue), "10.66.0.0/16");
  scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1000, mine));
  REQUIRE(scene.network.state(kVictim, kRogue) == NeighborState::full);
  const auto other = scene.rogue.content(scene.network.wireguard_key(kHonest), "10.66.0.0/16");
  scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1001, other));
  CHECK(scene.network.state(kVictim, kRogue) == NeighborState::exchange);
  CHECK_FALSE(scene.network.reached(kVictim).contains(kRoguePrefix));
}

TEST_CASE("a forged signature, a foreign withdrawal and a swapped body change nothing") {
  Scene scene;
  scene.rogue.become_adjacent();
  const auto digest = scene.victim().digest();
  const std::uint64_t newer = scene.honest_sequence() + 1'000'000;
  const auto true_one = scene.rogue.lsa_of(kHonest, newer, {});

  routing::Signature forged = true_one->signature();
  forged.bytes[10] ^= 1;
  scene.rogue.send_with_signature(*true_one, forged);
  CHECK(scene.rejected(RejectReason::bad_signature) == 1);

  const auto signed_by_rogue = scene.rogue.lsa_of(kRogue, newer, {});
  scene.rogue.send_with_signature(*true_one, signed_by_rogue->signature());
  CHECK(scene.rejected(RejectReason::bad_signature) == 2);

  const auto body = routing::encode_body(scene.rogue.content(scene.network.wireguard_key(kHonest), "10.66.0.0/16"));
  scene.rogue.send_lsa(routing::Lsa(true_one->header(), true_one->signature(), body, {}));
  CHECK(scene.rejected(RejectReason::bad_body_hash) == 1);

  CHECK(scene.victim().digest() == digest);
  CHECK(scene.honest_is_unharmed());
}

TEST_CASE("a replayed older announcement is answered with the newer one and not verified") {
  Scene scene;
  const auto content = scene.rogue.content(scene.network.wireguard_key(kHonest), "10.66.0.0/16");
  const auto old = scene.rogue.lsa_of(kHonest, scene.honest_sequence() - 1, content);
  scene.rogue.become_adjacent();
  const auto digest = scene.victim().digest();
  const auto verified = scene.victim().statistics().signatures_verified;
  bool answered = false;
  scene.network.on_send = [&](const InFlight& packet) {
    const auto message = routing::decode_message(packet.bytes).value();
    if (const auto* update = std::get_if<routing::Update>(&message.content); update && packet.to == kRogue) {
      for (const auto& lsa : update->lsas) answered |= lsa.header.sequence == scene.honest_sequence();
    }
    return true;
  };
  scene.rogue.send_lsa(*old);
  CHECK(answered);
  CHECK(scene.rejected(RejectReason::stale) == 1);
  CHECK(scene.victim().statistics().signatures_verified == verified);
  CHECK(scene.victim().digest() == digest);
  CHECK(scene.honest_is_unharmed());
}

TEST_CASE("an announcement is flooded to the others and never back to where it came from") {
  Scene scene;
  scene.rogue.become_adjacent();
  int to_others = 0;
  int back = 0;
  scene.network.on_send = [&](const InFlight& packet) {
    const auto message = routing::decode_message(packet.bytes).value();
    const auto* update = std::get_if<routing::Update>(&message.content);
    if (!update || packet.from != kVictim) return true;
    for (const auto& lsa : update->lsas) {
      if (lsa.header.key.origin != scene.network.identity(kRogue).id()) continue;
      (packet.to == kRogue ? back : to_others)++;
    }
    return true;
  };
  const auto content = scene.rogue.content(scene.network.wireguard_key(kRogue), "10.66.0.0/16");
  scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1000, content));
  scene.network.run_for(5s);
  CHECK(to_others == 1);
  CHECK(back == 0);
}

TEST_CASE("an age of nothing left does not withdraw a valid announcement") {
  Scene scene;
  scene.rogue.become_adjacent();
  const auto content = scene.rogue.content(scene.network.wireguard_key(kRogue), "10.66.0.0/16");
  scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1000, content), 0);
  const auto find = [&]() -> std::uint32_t {
    for (const auto& view : scene.victim().database(scene.network.now())) {
      if (view.key.origin == scene.network.identity(kRogue).id()) return view.remaining_s;
    }
    return 0;
  };
  CHECK(find() == 60);
  scene.rogue.stay_for(10s);
  scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1000, content), 1'800'000);  // an honest copy by another way
  CHECK(find() == 1800);
  scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1000, content), 0xffffffff);  // capped: one lifetime from the first
  CHECK(find() == 3590);
}

TEST_CASE("an age of nothing left that wins the race ends nothing later either") {
  // The rogue shows the victim a change of node 3's before node 1 hears of it, as if its life were nearly over.
  Network network(5);
  for (int i = 0; i < 4; i++) network.add_node();
  network.link(kVictim, kHonest);
  network.link(kVictim, kRogue);
  network.link(kHonest, 3, {.delay = 20ms});
  Rogue rogue(network, kRogue, kVictim);
  for (const NodeIndex node : {kVictim, kHonest, NodeIndex{3}}) network.start(node);
  network.run_for(1s);
  rogue.become_adjacent();
  const NodeId origin = network.identity(3).id();
  routing::LsaHandle stolen;
  network.on_send = [&](const InFlight& packet) {
    if (packet.from == 3 && is_update(packet) && !stolen) stolen = first_lsa(packet);
    return true;
  };
  network.set_prefixes(3, {kOtherPrefix});
  REQUIRE(stolen);
  rogue.send_lsa(*stolen, 0);
  int lost = 0;
  network.on_event = [&](NodeIndex, const routing::Event& event) {
    lost += event.kind == routing::EventKind::lsa_expire && event.lsa.origin == origin;
  };
  network.run_for(100s);
  CHECK(lost == 0);
  CHECK(network.reached(kVictim).contains(kOtherPrefix));
}

TEST_CASE("who hears an age that is far too short answers with its own") {
  Scene scene;
  scene.rogue.become_adjacent();
  routing::LsaHandle stolen;
  scene.network.on_send = [&](const InFlight& packet) {  // the first Update is lost
    if (packet.from != kHonest || !is_update(packet) || stolen) return true;
    stolen = first_lsa(packet);
    return false;
  };
  scene.network.set_prefixes(kHonest, {kHonestPrefix, kOtherPrefix});
  REQUIRE(stolen);
  scene.rogue.send_lsa(*stolen, 0);
  CHECK(scene.honest_view().remaining_s == 60);
  scene.network.run_for(2ms);  // there and back; node 1 need not repeat it any more
  CHECK(scene.honest_view().remaining_s > 3500);
}

TEST_CASE("what a lie about its age ended comes back from whoever still has it") {
  Scene scene;
  scene.rogue.become_adjacent();
  routing::LsaHandle stolen;
  scene.network.on_send = [&](const InFlight& packet) {
    if (packet.from != kHonest || !is_update(packet)) return true;
    stolen = first_lsa(packet);
    return false;
  };
  scene.network.set_prefixes(kHonest, {kHonestPrefix, kOtherPrefix});
  REQUIRE(stolen);
  scene.rogue.send_lsa(*stolen, 0);
  scene.network.run_for(61s);
  REQUIRE(scene.honest_view().remaining_s == 0);
  scene.network.on_send = nullptr;
  scene.network.run_for(10s);
  CHECK(scene.honest_view().remaining_s > 3500);
  CHECK(scene.honest_is_unharmed());
}

TEST_CASE("a bare header of another's announcement withdraws nothing") {
  Scene scene;
  scene.rogue.become_adjacent();
  const auto digest = scene.victim().digest();
  const auto newer = scene.rogue.lsa_of(kHonest, scene.honest_sequence() + 5, {});
  routing::Signature forged = newer->signature();
  forged.bytes[0] ^= 1;
  scene.rogue.send_lsa(routing::Lsa(newer->header(), forged));
  CHECK(scene.rejected(RejectReason::bad_signature) == 1);
  CHECK(scene.victim().digest() == digest);
  scene.rogue.send_lsa(routing::Lsa(newer->header(), newer->signature()));
  CHECK(scene.victim().digest() == digest);
  CHECK(scene.honest_is_unharmed());
  scene.network.run_for(100ms);  // it was passed on to its origin, which counts past it
  CHECK(scene.honest_sequence() == newer->header().sequence + 1);
  CHECK(scene.honest_is_unharmed());
}

TEST_CASE("one origin cannot make us store and flood faster than its bucket allows") {
  Scene scene;
  scene.rogue.become_adjacent();
  const auto content = scene.rogue.content(scene.network.wireguard_key(kRogue), "10.66.0.0/16");
  const auto before = scene.victim().statistics().lsas_accepted;
  for (std::uint64_t i = 0; i < 2000; i++) scene.rogue.send_lsa(*scene.rogue.lsa_of(kRogue, 1000 + i, content));
  CHECK(scene.victim().statistics().lsas_accepted - before <= routing::kOriginBurst + 1);
  CHECK(scene.rejected(RejectReason::origin_too_fast) >= 1300);
}

TEST_CASE("forgeries are not even verified once a neighbour has sent too many") {
  Scene scene;
  scene.rogue.become_adjacent();
  const auto before = scene.victim().statistics().signatures_verified;
  for (std::uint64_t i = 0; i < 500; i++) {
    const auto lsa = scene.rogue.lsa_of(kRogue, 1000 + i, {});
    scene.rogue.send_with_signature(*lsa, routing::Signature{});
  }
  CHECK(scene.victim().statistics().signatures_verified - before == routing::kForgeryBurst);
  CHECK(scene.rejected(RejectReason::forgery_too_often) == 500 - routing::kForgeryBurst);
}

TEST_CASE("events of rejections are rate-limited and say how many they stand for") {
  Scene scene;
  std::uint64_t events = 0;
  std::uint64_t counted = 0;
  scene.network.on_event = [&](NodeIndex, const routing::Event& event) {
    if (event.kind != routing::EventKind::packet_reject) return;
    events++;
    counted += event.count;
  };
  for (int i = 0; i < 300; i++) {
    scene.rogue.send({1, 2, 3});
    scene.network.run_for(10ms);
  }
  CHECK(scene.rejected(RejectReason::truncated) == 300);
  CHECK(events == 3);
  CHECK(counted >= 200);
}

TEST_CASE("random and mutilated packets are counted and harm nobody") {
  Scene scene;
  scene.rogue.become_adjacent();
  SeededRandom random(9);
  std::vector<std::vector<std::uint8_t>> seen;
  scene.network.on_send = [&](const InFlight& packet) {
    if (seen.size() < 200) seen.push_back(packet.bytes);
    return true;
  };
  scene.network.run_for(1s);
  scene.network.on_send = nullptr;
  for (int i = 0; i < 20'000; i++) {
    std::vector<std::uint8_t> packet = seen[random.below(seen.size())];
    for (std::uint64_t flips = random.below(4); flips < 4; flips++) {
      packet[random.below(packet.size())] ^= static_cast<std::uint8_t>(1u << random.below(8));
    }
    if (random.below(4) == 0) packet.resize(random.below(packet.size() + 1));
    scene.rogue.send(packet);
  }
  CHECK(scene.victim().statistics().packets_rejected > 1000);
  CHECK(scene.network.state(kVictim, kHonest) == NeighborState::full);
  CHECK(scene.honest_is_unharmed());
}
