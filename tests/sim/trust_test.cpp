// A network with a key: who is in, who is out, and that being out is quiet.
#include <doctest/doctest.h>

#include <algorithm>

#include "routing/grant.h"
#include "routing/identity.h"
#include "sim/oracle.h"
#include "sim/rogue.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;
using routing::Grant;
using routing::LsaHandle;
using routing::NeighborState;
using routing::NodeId;
using routing::RejectReason;

namespace {

SecretKey secret(std::uint8_t fill) {
  std::array<std::uint8_t, kKeySize> bytes;
  bytes.fill(fill);
  return SecretKey{Bytes(bytes)};
}

const Prefix kForeign = Prefix::parse("10.200.0.0/16").value();

class Owner {
 public:
  explicit Owner(std::uint8_t fill = 99) : identity_(routing::Identity::of_network(secret(fill))) {}

  const NodeId& key() const { return identity_.id(); }
  LsaHandle sign(const Grant& grant) const {
    return routing::sign_grant(grant, [this](Bytes message) { return identity_.sign(message); });
  }

 private:
  routing::Identity identity_;
};

// A line of nodes, each with a grant for what it announces, in a network whose key `owner` has.
struct Members {
  Network network;
  Owner owner;
  NodeIndex size;

  explicit Members(NodeIndex nodes, std::uint64_t seed = 1, const routing::HelloConfig& hello = {})
      : network(seed), size(nodes) {
    for (NodeIndex node = 0; node < size; node++) {
      NodeOptions options;
      options.hello = hello;
      network.add_node(options);
      if (node > 0) network.link(node - 1, node);
    }
    for (NodeIndex node = 0; node < size; node++) network.set_trust(node, owner.key(), {grant(node)});
  }

  std::uint64_t wall_s() const {
    return static_cast<std::uint64_t>(network.now().wall.time_since_epoch() / std::chrono::seconds(1));
  }
  Grant terms(NodeIndex node, std::uint64_t serial = 10) const {
    Grant grant;
    grant.holder = network.identity(node).id();
    grant.serial = serial;
    grant.until_s = wall_s() + 365u * 86400;
    for (const Prefix& prefix : network.options(node).prefixes) {
      grant.rights.push_back({prefix, prefix.length(), prefix.length()});
    }
    return grant;
  }
  LsaHandle grant(NodeIndex node, std::uint64_t serial = 10) const { return owner.sign(terms(node, serial)); }
  LsaHandle revocation(NodeIndex node, std::uint64_t serial = 20) const {
    Grant grant = terms(node, serial);
    grant.revoked = true;
    grant.rights.clear();
    return owner.sign(grant);
  }

  std::optional<Duration> converge(Duration limit) {
    const Oracle oracle(network);
    const auto took = network.run_until([&] { return converged(network, oracle); }, limit);
    if (!took) MESSAGE(first_difference(network, oracle));
    return took;
  }
  bool knows(NodeIndex at, NodeIndex origin) {
    const auto views = network.router(at).database(network.now());
    return std::any_of(views.begin(), views.end(),
                       [&](const auto& view) { return view.key.origin == network.identity(origin).id(); });
  }
  bool reaches(NodeIndex from, NodeIndex to) {
    return network.reached(from).contains(network.options(to).prefixes.front());
  }
  std::uint64_t rejected(NodeIndex at, RejectReason reason) {
    return network.router(at).statistics().rejected[static_cast<std::size_t>(reason)];
  }
};

// Packets between two nodes that are no Hellos.
struct Talk {
  std::uint64_t packets = 0;
  Talk(Network& network, NodeIndex a, NodeIndex b) {
    network.on_send = [this, a, b](const InFlight& packet) {
      const bool between = (packet.from == a && packet.to == b) || (packet.from == b && packet.to == a);
      const auto type = static_cast<routing::MessageType>(packet.bytes[1]);
      const bool counts = type != routing::MessageType::hello && type != routing::MessageType::path_probe &&
                          type != routing::MessageType::path_answer;
      if (between && counts) packets++;
      return true;
    };
  }
};

}  // namespace

TEST_CASE("members with grants find together as quickly as nodes without a network key") {
  Members members(6);
  members.network.start_all();
  const auto took = members.converge(2s);
  REQUIRE(took);
  CHECK(*took <= 500ms);
  for (NodeIndex node = 0; node < 6; node++) CHECK(members.network.router(node).grants().size() == 6);
}

TEST_CASE("members find together over links that lose and reorder packets") {
  for (std::uint64_t seed = 1; seed <= 8; seed++) {
    Members members(6, seed);
    members.network.set_quality(200, 50, 20ms);
    members.network.start_all();
    CHECK(members.converge(60s));
  }
}

TEST_CASE("a node without a grant is kept out, learns nothing of the network, and both sides are quiet") {
  for (const bool has_key : {true, false}) {
    CAPTURE(has_key);
    Members members(5);
    if (has_key) {
      members.network.set_trust(3, members.owner.key(), {});
    } else {
      members.network.set_trust(3, std::nullopt, {});
    }
    members.network.start_all();
    members.network.run_for(60s);
    for (const NodeIndex node : {0u, 1u, 2u, 4u}) {
      CHECK_FALSE(members.knows(node, 3));
      CHECK_FALSE(members.reaches(node, 3));
    }
    CHECK_FALSE(members.reaches(0, 4));  // only the stranger leads to it
    CHECK_FALSE(members.knows(3, 0));
    CHECK(members.knows(3, 2));
    CHECK(members.reaches(0, 2));
    CHECK(members.network.state(2, 3) == NeighborState::exchange);
    CHECK(std::string(members.network.router(2).neighbors()[1].obstacle) == "it has no grant of our network");
    CHECK(members.rejected(2, RejectReason::no_grant) > 0);

    Talk talk(members.network, 2, 3);
    members.network.run_for(20min);
    CHECK(talk.packets <= 60);  // the stranger compares digests, ever more rarely; nobody answers at length
    members.network.on_send = nullptr;
  }
}

TEST_CASE("a grant that is handed to any member lets a stranger in at once") {
  Members members(5);
  members.network.set_trust(3, members.owner.key(), {});
  members.network.start_all();
  members.network.run_for(10min);
  REQUIRE_FALSE(members.reaches(0, 3));
  CHECK(members.network.add_grant(0, members.grant(3)));
  const auto took = members.converge(5s);
  REQUIRE(took);
  CHECK(*took <= 500ms);
  CHECK(members.reaches(0, 4));
}

TEST_CASE("a revocation that is handed to any member ends a membership everywhere, and a restart does not help") {
  Members members(5);
  members.network.start_all();
  REQUIRE(members.converge(2s));
  REQUIRE(members.reaches(0, 4));
  CHECK(members.network.add_grant(4, members.revocation(2)));
  members.network.run_for(1s);
  for (const NodeIndex node : {0u, 1u, 3u, 4u}) {
    CHECK_FALSE(members.knows(node, 2));
    CHECK_FALSE(members.reaches(node, 2));
  }
  CHECK(members.network.state(1, 2) == NeighborState::exchange);
  members.network.stop(2);
  members.network.run_for(2s);
  members.network.start(2);  // with the grant of its configuration
  members.network.run_for(10s);
  CHECK_FALSE(members.knows(1, 2));
  CHECK_FALSE(members.knows(3, 2));
  CHECK_FALSE(members.network.add_grant(1, members.grant(2)));  // older than the revocation
  Talk talk(members.network, 1, 2);
  members.network.run_for(10min);
  CHECK(talk.packets <= 60);
  members.network.on_send = nullptr;

  // Forgiven: a still newer grant.
  CHECK(members.network.add_grant(0, members.grant(2, 30)));
  CHECK(members.network.add_grant(4, members.grant(2, 30)));
  CHECK(members.converge(10s));
}

TEST_CASE("of several grants for one node the largest serial counts on all, in whatever order they come to whom") {
  std::vector<int> order{0, 1, 2};
  std::optional<routing::DatabaseDigest> digest;
  do {
    Members members(4);
    members.network.start_all();
    REQUIRE(members.converge(2s));
    for (const int which : order) {
      Grant grant = members.terms(3, 20 + static_cast<std::uint64_t>(which));
      if (which != 2) grant.rights.clear();
      if (which == 2) grant.rights.push_back({kForeign, 16, 24});
      members.network.add_grant(static_cast<NodeIndex>(which), members.owner.sign(grant));
    }
    members.network.run_for(2s);
    for (NodeIndex node = 0; node < 4; node++) {
      const auto grants = members.network.router(node).grants();
      const auto held = std::find_if(grants.begin(), grants.end(), [&](const auto& view) {
        return view.grant.holder == members.network.identity(3).id();
      });
      REQUIRE(held != grants.end());
      CHECK(held->grant.serial == 22);
      CHECK(held->grant.rights.size() == 2);
      CHECK(members.network.router(node).digest() == members.network.router(0).digest());
    }
    CHECK(members.converge(1s));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE(
    "what a grant does not allow is used by nobody, is told with its reason, and harms no one whom it is granted") {
  Members members(4);
  members.network.start_all();
  REQUIRE(members.converge(2s));
  const auto before = members.network.reached(0);
  int told = 0;
  members.network.on_event = [&](NodeIndex node, const routing::Event& event) {
    if (node != 0 || event.kind != routing::EventKind::route_refused) return;
    CHECK(std::string(event.reason) == "not_granted");
    CHECK(event.lsa.origin == members.network.identity(1).id());
    told++;
  };
  // The nearer node 1 announces node 3's prefix too, and one of its own making.
  auto prefixes = members.network.options(1).prefixes;
  const Prefix stolen = members.network.options(3).prefixes.front();
  prefixes.push_back(stolen);
  prefixes.push_back(kForeign);
  members.network.set_prefixes(1, prefixes);
  members.network.run_for(3s);
  CHECK(members.network.reached(0) == before);
  CHECK(told == 2);
  for (const auto& view : members.network.router(0).database(members.network.now())) {
    if (view.key.origin != members.network.identity(1).id()) continue;
    for (const auto& announced : view.prefixes) {
      const bool is_granted = announced.prefix != stolen && announced.prefix != kForeign;
      CHECK((announced.verdict == routing::ImportVerdict::accepted) == is_granted);
      if (!is_granted) CHECK(announced.verdict == routing::ImportVerdict::not_granted);
    }
  }
  CHECK(members.network.router(0).prefix_findings().size() == 2);
  // Node 1 itself is told as well; and once it is granted, the prefix is used.
  CHECK(members.network.router(1).prefix_findings().size() == 2);
  Grant more = members.terms(1, 20);
  CHECK(members.network.add_grant(3, members.owner.sign(more)));
  CHECK(members.network.run_until([&] { return members.network.reached(0).contains(kForeign); }, 1s));
  CHECK(members.network.router(0).prefix_findings().empty());
}

TEST_CASE("a grant outlives its holder's announcements, so that a node comes back without one in its configuration") {
  const routing::HelloConfig slow{1s, 3};
  Members members(3, 1, slow);
  members.network.start_all();
  REQUIRE(members.converge(10s));
  members.network.stop(2);
  members.network.run_for(3h);
  CHECK_FALSE(members.knows(0, 2));
  members.network.set_trust(2, members.owner.key(), {});
  members.network.start(2);
  CHECK(members.converge(10s));
}

TEST_CASE("a grant ends at its second by each node's clock, and one that was renewed in time ends nothing") {
  Members members(3);
  Grant short_lived = members.terms(2);
  short_lived.until_s = members.wall_s() + 60;
  members.network.set_trust(2, members.owner.key(), {members.owner.sign(short_lived)});
  members.network.set_wall_offset(1, 5s);  // its clock is ahead
  members.network.start_all();
  members.network.run_for(50s);
  REQUIRE(members.reaches(0, 2));

  SUBCASE("ended") {
    members.network.run_for(4900ms);
    CHECK(members.reaches(1, 2));
    members.network.run_for(200ms);
    CHECK_FALSE(members.knows(1, 2));  // by its own clock; and for node 0 nothing leads there any more
    CHECK_FALSE(members.reaches(0, 2));
    members.network.run_for(5s);
    CHECK_FALSE(members.knows(0, 2));
    Talk talk(members.network, 1, 2);
    members.network.run_for(10min);
    CHECK(talk.packets <= 80);
    members.network.on_send = nullptr;
    CHECK(members.network.add_grant(0, members.grant(2, 30)));
    CHECK(members.converge(2s));
  }
  SUBCASE("renewed") {
    int removed = 0;
    members.network.on_event = [&](NodeIndex, const routing::Event& event) {
      removed += event.kind == routing::EventKind::route_remove;
    };
    CHECK(members.network.add_grant(2, members.grant(2, 30)));
    members.network.run_for(60s);
    CHECK(removed == 0);
    CHECK(members.reaches(0, 2));
  }
}

TEST_CASE("a clock that jumps far ahead and back makes no lasting harm") {
  Members members(3);
  members.network.start_all();
  REQUIRE(members.converge(2s));
  members.network.set_wall_offset(1, std::chrono::hours(24 * 3650));
  members.network.run_for(5s);
  CHECK_FALSE(members.reaches(1, 2));
  members.network.set_wall_offset(1, 0s);
  CHECK(members.converge(400s));
}

namespace {

// Node 0, a member, between an honest member and one that is played by hand (a member, too).
struct Scene {
  Members members{3};
  Rogue rogue;

  static Network& start(Members& members) {
    members.network.link(0, 2);
    members.network.cut(1, 2);
    members.network.start(0);
    members.network.start(1);
    members.network.run_for(500ms);
    return members.network;
  }
  Scene() : rogue(start(members), 2, 0) {
    rogue.become_adjacent();
    rogue.send_lsa(*members.grant(2));
    rogue.finish_exchange();
  }
  std::uint64_t rejected(RejectReason reason) { return members.rejected(0, reason); }
  Network& network() { return members.network; }
};

}  // namespace

TEST_CASE("a grant that the network key did not sign is not kept, and too many are not even verified") {
  Scene scene;
  const auto digest = scene.network().router(0).digest();
  const Owner thief(7);
  for (std::uint64_t serial = 100; serial < 300; serial++) {
    scene.rogue.send_lsa(*thief.sign(scene.members.terms(1, serial)));
  }
  CHECK(scene.rejected(RejectReason::bad_grant) == routing::kForgeryBurst);
  CHECK(scene.rejected(RejectReason::forgery_too_often) == 200 - routing::kForgeryBurst);
  CHECK(scene.network().router(0).digest() == digest);
  CHECK(scene.members.reaches(0, 1));
}

TEST_CASE("a node cannot grant to itself by signing with its own key, nor change what was signed") {
  Scene scene;
  const auto digest = scene.network().router(0).digest();
  const auto& identity = scene.network().identity(2);
  scene.rogue.send_lsa(*routing::sign_grant(scene.members.terms(2, 50), [&](Bytes m) { return identity.sign(m); }));
  const LsaHandle mine = scene.members.grant(2, 60);
  Grant wider = scene.members.terms(2, 60);
  wider.rights.push_back({kForeign, 16, 32});
  const LsaHandle changed = scene.members.owner.sign(wider);
  scene.rogue.send_lsa(
      routing::Lsa(mine->header(), mine->signature(), {changed->body().begin(), changed->body().end()}, {}));
  scene.rogue.send_with_signature(*changed, mine->signature());
  CHECK(scene.rejected(RejectReason::bad_grant) == 3);
  CHECK(scene.network().router(0).digest() == digest);
}

TEST_CASE("an old grant that is replayed is answered with the newer one, and not verified") {
  Scene scene;
  REQUIRE(scene.network().add_grant(1, scene.members.revocation(2)));
  scene.rogue.stay_for(100ms);
  const auto verified = scene.network().router(0).statistics().signatures_verified;
  bool answered = false;
  scene.network().on_send = [&](const InFlight& packet) {
    const auto message = routing::decode_message(packet.bytes).value();
    if (const auto* update = std::get_if<routing::Update>(&message.content); update && packet.to == 2) {
      for (const auto& lsa : update->lsas) answered |= lsa.header.sequence == 20;
    }
    return true;
  };
  scene.rogue.send_lsa(*scene.members.grant(2));
  CHECK(answered);
  CHECK(scene.rejected(RejectReason::stale) == 1);
  CHECK(scene.network().router(0).statistics().signatures_verified == verified);
}

TEST_CASE("a member that empties its own bucket cannot keep its revocation out") {
  Scene scene;
  const auto content = scene.rogue.content(scene.network().wireguard_key(2), "10.0.2.0/24");
  for (std::uint64_t i = 0; i < routing::kOriginBurst + 500; i++)
    scene.rogue.send_lsa(*scene.rogue.lsa_of(2, 1000 + i, content));
  REQUIRE(scene.rejected(RejectReason::origin_too_fast) > 100);
  REQUIRE(scene.members.knows(0, 2));
  CHECK(scene.network().add_grant(1, scene.members.revocation(2)));
  scene.rogue.stay_for(100ms);
  CHECK_FALSE(scene.members.knows(0, 2));
  CHECK_FALSE(scene.members.knows(1, 2));
}

TEST_CASE("grants that have ended, bare headers of grants, and grants with an age are not kept") {
  Scene scene;
  const auto digest = scene.network().router(0).digest();
  Grant ended = scene.members.terms(2, 50);
  ended.until_s = scene.members.wall_s();
  scene.rogue.send_lsa(*scene.members.owner.sign(ended));
  CHECK(scene.rejected(RejectReason::grant_ended) == 1);
  const LsaHandle newer = scene.members.grant(2, 51);
  scene.rogue.send_lsa(routing::Lsa(newer->header(), newer->signature()));
  CHECK(scene.rejected(RejectReason::header_without_use) == 1);
  routing::LsaHeader aged = newer->header();
  aged.lifetime_s = 3600;
  scene.rogue.send_lsa(routing::Lsa(aged, newer->signature(), {newer->body().begin(), newer->body().end()}, {}));
  CHECK(scene.rejected(RejectReason::bad_lifetime) == 1);
  CHECK(scene.network().router(0).digest() == digest);
}

TEST_CASE("without a network key, grants of others are acknowledged and forgotten") {
  Network network(5);
  const Owner owner;
  for (int i = 0; i < 2; i++) network.add_node();
  network.link(0, 1);
  Grant grant;
  grant.holder = network.identity(1).id();
  grant.serial = 1;
  grant.until_s = 4'000'000'000;
  network.set_trust(1, owner.key(), {owner.sign(grant)});
  network.start_all();
  network.run_for(10s);
  CHECK(network.router(0).grants().empty());
  CHECK(network.router(0).statistics().rejected[static_cast<std::size_t>(RejectReason::grant_without_key)] == 1);
  CHECK(network.state(1, 0) == NeighborState::exchange);
}
