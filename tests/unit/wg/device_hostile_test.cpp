// What an attacker, a broken peer or a peer with a past sends: each message by the name of its drop, and what stays
// as it was.
#include <functional>
#include <set>

#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"
#include "tests/unit/wg/raw_initiator.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

using Datagram = std::vector<std::uint8_t>;

const Endpoint kElsewhere = Endpoint::parse("203.0.113.66:6666").value();

Datagram last_recorded(const Network& network, const Endpoint& to, MessageType type) {
  for (auto each = network.recorded.rbegin(); each != network.recorded.rend(); ++each) {
    if (each->first == to && each->second[0] == static_cast<std::uint8_t>(type)) return each->second;
  }
  FAIL("no such datagram was sent");
  return {};
}

// mac1 is a checksum for whoever knows the public key, and attackers do.
Datagram with_mac1(Datagram message, const PublicKey& receiver) {
  CookieGenerator(receiver).add_macs(Time{}, message);
  return message;
}

// Everything that is to be seen of a Device.
struct State {
  explicit State(const Host& host) : next_deadline(host.device.next_deadline()), sessions(host.sessions) {
    for (const PeerId id : host.device.peers()) {
      const auto status = *host.device.status(id);
      peers.push_back({id, status.endpoint, status.last_handshake, status.unanswered_initiations,
                       status.handshake_rx_bytes, status.handshake_tx_bytes, host.device.sending_session(id)});
    }
    outputs = host.sent_log.size() + host.established.size() + host.roamed.size() + host.gave_up.size() +
              host.received.size() + host.keepalives.size();
  }
  friend bool operator==(const State&, const State&) = default;

  struct PeerState {
    PeerId id;
    std::optional<Endpoint> endpoint;
    std::optional<WallTime> last_handshake;
    std::uint32_t unanswered_initiations;
    std::uint64_t handshake_rx_bytes, handshake_tx_bytes;
    SessionPtr sending;
    friend bool operator==(const PeerState&, const PeerState&) = default;
  };
  Time next_deadline;
  std::map<std::uint32_t, SessionPtr> sessions;
  std::vector<PeerState> peers;
  std::size_t outputs;
};

// Sends `datagram` with each of the bits [first, last) changed, one after the other and slowly enough to be no load;
// each is to be one drop for one of these reasons, and to change nothing else.
void check_each_bit(Host& host, Datagram datagram, std::size_t first_bit, std::size_t last_bit,
                    const std::set<DropReason>& reasons, const std::function<Datagram(Datagram)>& finish = {}) {
  for (std::size_t bit = first_bit; bit < last_bit; bit++) {
    CAPTURE(bit);
    Datagram changed = datagram;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    if (finish) changed = finish(changed);
    host.network.run_for(1ms);
    const State before(host);
    const std::size_t drops = host.drops.size();
    host.on_datagram(kElsewhere, changed);
    REQUIRE(host.drops.size() == drops + 1);
    CAPTURE(to_string(host.drops.back()));
    REQUIRE(reasons.count(host.drops.back()) == 1);
    REQUIRE(State(host) == before);
  }
}

constexpr std::size_t kMac2Bits = kMacSize * 8;

}  // namespace

TEST_CASE("each bit of an initiation, changed, is a named drop and changes nothing") {
  HoldingPair pair(MessageType::initiation);
  const std::size_t bits = pair.held.size() * 8;
  // mac2 is looked at under load only.
  check_each_bit(pair.b, pair.held, 0, bits - kMac2Bits, {DropReason::bad_mac1, DropReason::malformed});
  // The same by someone who makes mac1 right again. The sender's index is in nothing but mac1.
  check_each_bit(pair.b, pair.held, 8 * 8, bits - 2 * kMac2Bits,
                 {DropReason::bad_handshake, DropReason::unknown_peer, DropReason::low_order_key},
                 [&](Datagram changed) { return with_mac1(std::move(changed), pair.b.key()); });
  pair.b.on_datagram(pair.a.endpoint, pair.held);
  pair.network.run_for(1s);
  CHECK(pair.b.received.size() == 1);
}

TEST_CASE("each bit of a response, changed, is a named drop and the handshake goes on") {
  HoldingPair pair(MessageType::response);
  const std::size_t bits = pair.held.size() * 8;
  check_each_bit(pair.a, pair.held, 0, bits - kMac2Bits, {DropReason::bad_mac1, DropReason::malformed});
  const auto right_mac1 = [&](Datagram changed) { return with_mac1(std::move(changed), pair.a.key()); };
  check_each_bit(pair.a, pair.held, 8 * 8, 12 * 8, {DropReason::unknown_receiver}, right_mac1);
  check_each_bit(pair.a, pair.held, 12 * 8, bits - 2 * kMac2Bits, {DropReason::bad_handshake}, right_mac1);
  pair.a.on_datagram(pair.b.endpoint, pair.held);
  pair.network.run_for(1s);
  CHECK(pair.b.received.size() == 1);
}

TEST_CASE("each bit of a cookie reply, changed, is a named drop and gives no cookie") {
  HoldingPair pair(MessageType::initiation);
  CookieChecker checker(pair.b.key());
  const MessageCookieReply reply =
      checker.create_reply(pair.network.now.monotonic, pair.held, pair.a.endpoint, pair.network.random);
  Datagram datagram(sizeof reply);
  std::memcpy(datagram.data(), &reply, sizeof reply);
  check_each_bit(pair.a, datagram, 0, 4 * 8, {DropReason::malformed});
  check_each_bit(pair.a, datagram, 4 * 8, 8 * 8, {DropReason::unknown_receiver});
  check_each_bit(pair.a, datagram, 8 * 8, datagram.size() * 8, {DropReason::bad_handshake});
  pair.network.run_for(5s);
  CHECK_FALSE(checker.verify_mac2(pair.network.now.monotonic, pair.held, pair.a.endpoint));

  const MessageCookieReply next =
      checker.create_reply(pair.network.now.monotonic, pair.held, pair.a.endpoint, pair.network.random);
  std::memcpy(datagram.data(), &next, sizeof next);
  pair.a.on_datagram(pair.b.endpoint, datagram);
  pair.network.run_for(6s);
  CHECK(checker.verify_mac2(pair.network.now.monotonic, pair.held, pair.a.endpoint));
}

TEST_CASE("each bit of a data message, changed, is a named drop and changes nothing") {
  HoldingPair pair(MessageType::data);
  check_each_bit(pair.b, pair.held, 0, 8 * 8,
                 {DropReason::malformed, DropReason::unknown_receiver, DropReason::decrypt_failed});
  check_each_bit(pair.b, pair.held, 8 * 8, pair.held.size() * 8,
                 {DropReason::decrypt_failed, DropReason::session_expired});
  pair.b.on_datagram(pair.a.endpoint, pair.held);
  CHECK(pair.b.received.size() == 1);
}

TEST_CASE("under load each bit of mac2 counts, and one that is wrong costs a cookie reply and nothing else") {
  HoldingPair pair(MessageType::initiation);
  RawInitiator attacker(6, pair.b.key());
  const Datagram flood = attacker.make_initiation(pair.network.now);
  const auto make_load = [&] {
    for (std::uint32_t i = 0; i <= kHandshakeQueueSize; i++) pair.b.on_datagram(kElsewhere, flood);
  };
  make_load();
  pair.b.on_datagram(pair.a.endpoint, pair.held);
  pair.network.run_for(6s);  // the cookie, and an initiation with it
  make_load();
  for (std::size_t bit = (pair.held.size() - kMacSize) * 8; bit < pair.held.size() * 8; bit++) {
    Datagram changed = pair.held;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    pair.b.on_datagram(pair.a.endpoint, changed);
    REQUIRE(pair.b.drops.back() == DropReason::cookie_required);
  }
  CHECK(pair.b.sessions.empty());
  pair.b.on_datagram(pair.a.endpoint, pair.held);
  CHECK(pair.b.sessions.size() == 1);
  CHECK(pair.b.sent_count(MessageType::response) == 1);
}

// --- the table ---

namespace {

// b has a session with a, and knows three others: `other`, who starts what it likes, one of low order, and `silent`,
// to whom it sends an initiation that nobody answers. It had a session with `removed`.
struct Scene : Pair {
  Scene() : other(21, b.key()), stranger(22, b.key()) {
    other_at_b = add(other.keys.public_key);
    low_order.bytes[0] = 1;
    low_order_at_b = add(low_order);
    Host& removed = network.add_host("192.0.2.30:1");
    const PeerId removed_at_b = b.add_peer(removed);
    removed.send(removed.add_peer(b), "x");
    network.run_for(1s);
    data_of_removed = last_recorded(network, b.endpoint, MessageType::data);
    for (const auto& [to, bytes] : network.recorded) {
      if (to == removed.endpoint && bytes[0] == 2) removed_index = Datagram(bytes.begin() + 4, bytes.begin() + 8);
    }
    b.device.remove_peer(network.now, removed_at_b);
    b.drain();
    a.send(b_at_a, "x");
    network.run_for(1s);
    initiation = last_recorded(network, b.endpoint, MessageType::initiation);
    Host& silent = network.add_host("192.0.2.40:1");
    silent_key = silent.key();
    silent_at_b = b.add_peer(silent);
    b.send(silent_at_b, "x");
    to_silent = last_recorded(network, silent.endpoint, MessageType::initiation);
    b.send(a_at_b, "x");
    network.run_for(1s);
  }

  PeerId add(const PublicKey& key) {
    DevicePeerConfig config;
    config.public_key = key;
    return b.device.add_peer(network.now, config);
  }
  // A response with this receiver index that authenticates nothing.
  Datagram response_to(Bytes index) const {
    Datagram bytes(sizeof(MessageResponse), 0x5a);
    bytes[0] = 2;
    bytes[1] = bytes[2] = bytes[3] = 0;
    std::copy(index.begin(), index.end(), bytes.begin() + 8);
    return with_mac1(bytes, b.key());
  }
  Datagram cookie_to(Bytes index) const {
    Datagram bytes(sizeof(MessageCookieReply), 0x5a);
    bytes[0] = 3;
    bytes[1] = bytes[2] = bytes[3] = 0;
    std::copy(index.begin(), index.end(), bytes.begin() + 4);
    return bytes;
  }
  Datagram initiation_at(WallTime time) {
    other.timestamp = Tai64n::at(time);
    Now then = network.now;
    then.wall = time;
    return other.make_initiation(then);
  }

  RawInitiator other, stranger;
  PublicKey low_order, silent_key;
  PeerId other_at_b, low_order_at_b, silent_at_b;
  Datagram initiation, data_of_removed, removed_index, to_silent;
};

struct HostileCase {
  const char* name;
  DropReason reason;
  PeerId Scene::*peer;  // null: of no known peer
  std::function<Datagram(Scene&)> make;
};

Datagram of_size(std::uint8_t type, std::size_t size) {
  Datagram bytes(size);
  if (size > 0) bytes[0] = type;
  return bytes;
}

const std::vector<HostileCase> kHostileCases = {
    {"nothing", DropReason::malformed, nullptr, [](Scene&) { return Datagram{}; }},
    {"one byte", DropReason::malformed, nullptr, [](Scene&) { return of_size(1, 1); }},
    {"type 0", DropReason::malformed, nullptr, [](Scene&) { return of_size(0, 148); }},
    {"type 5", DropReason::malformed, nullptr, [](Scene&) { return of_size(5, 148); }},
    {"type 255", DropReason::malformed, nullptr, [](Scene&) { return of_size(255, 148); }},
    {"an initiation too short", DropReason::malformed, nullptr, [](Scene&) { return of_size(1, 147); }},
    {"an initiation too long", DropReason::malformed, nullptr, [](Scene&) { return of_size(1, 149); }},
    {"an initiation as large as UDP goes", DropReason::malformed, nullptr, [](Scene&) { return of_size(1, 65507); }},
    {"a response too short", DropReason::malformed, nullptr, [](Scene&) { return of_size(2, 91); }},
    {"a response as long as an initiation", DropReason::malformed, nullptr, [](Scene&) { return of_size(2, 148); }},
    {"a cookie reply too short", DropReason::malformed, nullptr, [](Scene&) { return of_size(3, 63); }},
    {"a cookie reply too long", DropReason::malformed, nullptr, [](Scene&) { return of_size(3, 65); }},
    {"a data message without room for a tag", DropReason::malformed, nullptr, [](Scene&) { return of_size(4, 31); }},
    {"a reserved byte that is not zero", DropReason::malformed, nullptr,
     [](Scene& scene) {
       Datagram bytes = scene.initiation;
       bytes[2] = 1;
       return with_mac1(bytes, scene.b.key());
     }},
    {"our own initiation, sent back", DropReason::bad_mac1, nullptr, [](Scene& scene) { return scene.to_silent; }},
    {"our own response, sent back", DropReason::bad_mac1, nullptr,
     [](Scene& scene) { return last_recorded(scene.network, scene.a.endpoint, MessageType::response); }},
    {"an initiation for someone else", DropReason::bad_mac1, nullptr,
     [](Scene& scene) { return RawInitiator(23, scene.silent_key).make_initiation(scene.network.now); }},
    {"an initiation of someone whom nobody knows", DropReason::unknown_peer, nullptr,
     [](Scene& scene) { return scene.stranger.make_initiation(scene.network.now); }},
    {"an initiation in our own name", DropReason::unknown_peer, nullptr,
     [](Scene& scene) {
       scene.stranger.keys.public_key = scene.b.key();
       return scene.stranger.make_initiation(scene.network.now);
     }},
    {"an initiation in a peer's name without its private key", DropReason::bad_handshake, &Scene::other_at_b,
     [](Scene& scene) {
       scene.stranger.keys.public_key = scene.other.keys.public_key;
       return scene.stranger.make_initiation(scene.network.now);
     }},
    {"an initiation in the name of a peer of low order", DropReason::low_order_key, &Scene::low_order_at_b,
     [](Scene& scene) {
       scene.stranger.keys.public_key = scene.low_order;
       return scene.stranger.make_initiation(scene.network.now);
     }},
    {"an initiation with an ephemeral key of low order", DropReason::low_order_key, nullptr,
     [](Scene& scene) { return with_mac1(of_size(1, 148), scene.b.key()); }},
    {"an initiation in which all bytes are random", DropReason::bad_handshake, nullptr,
     [](Scene& scene) {
       Datagram bytes(148);
       scene.network.random.fill(bytes);
       bytes[0] = 1;
       bytes[1] = bytes[2] = bytes[3] = 0;
       return with_mac1(bytes, scene.b.key());
     }},
    {"an initiation a second time", DropReason::handshake_replay, &Scene::a_at_b,
     [](Scene& scene) { return scene.initiation; }},
    {"an initiation with the timestamp of the last", DropReason::handshake_replay, &Scene::other_at_b,
     [](Scene& scene) {
       const WallTime time = scene.network.now.wall;
       scene.b.on_datagram(kElsewhere, scene.initiation_at(time));
       scene.other.timestamp = {};
       scene.network.run_for(1s);
       Now then = scene.network.now;
       then.wall = time + 17ms;  // make_initiation() went one step on
       return scene.other.make_initiation(then);
     }},
    {"an initiation of an hour ago, when the last was now", DropReason::handshake_replay, &Scene::other_at_b,
     [](Scene& scene) {
       const Datagram old = scene.initiation_at(scene.network.now.wall - 3600s);
       scene.b.on_datagram(kElsewhere, scene.initiation_at(scene.network.now.wall));
       scene.network.run_for(1s);
       return old;
     }},
    {"two initiations within 20 ms", DropReason::handshake_flood, &Scene::other_at_b,
     [](Scene& scene) {
       scene.b.on_datagram(kElsewhere, scene.other.make_initiation(scene.network.now));
       scene.network.run_for(20ms - 1ns);
       return scene.other.make_initiation(scene.network.now);
     }},
    {"a response to nothing", DropReason::unknown_receiver, nullptr,
     [](Scene& scene) { return scene.response_to(Datagram(4, 0x77)); }},
    {"a response to a session", DropReason::handshake_replay, &Scene::a_at_b,
     [](Scene& scene) {
       return scene.response_to(Bytes(last_recorded(scene.network, scene.b.endpoint, MessageType::data)).subspan(4, 4));
     }},
    {"a response to a session of a peer that was removed", DropReason::unknown_receiver, nullptr,
     [](Scene& scene) { return scene.response_to(scene.removed_index); }},
    {"a response to an initiation of ours by someone who has seen it", DropReason::bad_handshake, &Scene::silent_at_b,
     [](Scene& scene) { return scene.response_to(Bytes(scene.to_silent).subspan(4, 4)); }},
    {"a response with an ephemeral key of low order", DropReason::low_order_key, &Scene::silent_at_b,
     [](Scene& scene) {
       Datagram bytes = scene.response_to(Bytes(scene.to_silent).subspan(4, 4));
       std::fill_n(bytes.begin() + 12, 32, std::uint8_t{0});
       return with_mac1(bytes, scene.b.key());
     }},
    {"a response to an initiation that was given up", DropReason::unknown_receiver, nullptr,
     [](Scene& scene) {
       scene.network.run_for(100s);
       return scene.response_to(Bytes(scene.to_silent).subspan(4, 4));
     }},
    {"a cookie reply to nothing", DropReason::unknown_receiver, nullptr,
     [](Scene& scene) { return scene.cookie_to(Datagram(4, 0x77)); }},
    {"a cookie reply to a session of a peer that was removed", DropReason::unknown_receiver, nullptr,
     [](Scene& scene) { return scene.cookie_to(scene.removed_index); }},
    {"a forged cookie reply to an initiation of ours", DropReason::bad_handshake, &Scene::silent_at_b,
     [](Scene& scene) { return scene.cookie_to(Bytes(scene.to_silent).subspan(4, 4)); }},
    {"a data message for nothing", DropReason::unknown_receiver, nullptr, [](Scene&) { return of_size(4, 32); }},
    {"a data message of a peer that was removed", DropReason::unknown_receiver, nullptr,
     [](Scene& scene) { return scene.data_of_removed; }},
    {"a data message a second time", DropReason::replayed, &Scene::a_at_b,
     [](Scene& scene) { return last_recorded(scene.network, scene.b.endpoint, MessageType::data); }},
};

}  // namespace

TEST_CASE("each hostile message has the name of its own, is counted for the right peer and changes nothing") {
  for (const HostileCase& each : kHostileCases) {
    const std::string name = each.name;
    CAPTURE(name);
    Scene scene;
    const Datagram datagram = each.make(scene);
    const State before(scene.b);
    const std::size_t drops = scene.b.drops.size();
    scene.b.on_datagram(kElsewhere, datagram);
    REQUIRE(scene.b.drops.size() == drops + 1);
    CHECK(std::string(to_string(scene.b.drops.back())) == std::string(to_string(each.reason)));
    CHECK(scene.b.drop_peers.back() == (each.peer ? scene.*each.peer : kNoPeer));
    CHECK(State(scene.b) == before);
    // The honest session goes on, or comes again.
    scene.a.send(scene.b_at_a, "after");
    scene.network.run_for(1s);
    CHECK(scene.b.received.back().payload == "after");
  }
}

// --- peers with a past ---

TEST_CASE("an initiation whose sender index is that of another peer's session has a session of its own") {
  Network network(1);
  Host& b = network.add_host("192.0.2.2:1");
  RawInitiator one(31, b.key()), two(32, b.key());
  for (RawInitiator* initiator : {&one, &two}) {
    DevicePeerConfig config;
    config.public_key = initiator->keys.public_key;
    b.device.add_peer(network.now, config);
    initiator->index = 100;
    b.on_datagram(kElsewhere, initiator->make_initiation(network.now));
  }
  CHECK(b.drops.empty());
  REQUIRE(b.sessions.size() == 2);
  CHECK(b.sessions.begin()->first != b.sessions.rbegin()->first);
  for (const auto& [index, session] : b.sessions) CHECK(session->remote_index() == 101);
}

TEST_CASE("a peer that restarted with a later clock gets in at once, and what it sent before stays old") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(30s);
  const Datagram old = last_recorded(pair.network, pair.b.endpoint, MessageType::initiation);

  RawInitiator reborn(1, pair.b.key());
  reborn.keys = make_key_pair(101 ^ 0x5eed);
  REQUIRE(reborn.keys.public_key == pair.a.key());
  reborn.remote = make_remote_static(reborn.keys, pair.b.key(), {});
  pair.b.on_datagram(pair.a.endpoint, reborn.make_initiation(pair.network.now));
  CHECK(pair.b.drops.empty());
  CHECK(pair.b.sent_count(MessageType::response) == 2);
  pair.network.run_for(1s);
  pair.b.on_datagram(kElsewhere, old);
  CHECK(pair.b.drops == std::vector{DropReason::handshake_replay});

  // And with a clock that went back it is a replay until the clock is where it was.
  const Now then = pair.network.now;
  RawInitiator confused(2, pair.b.key());
  confused.keys = reborn.keys;
  confused.remote = reborn.remote;
  pair.network.now.wall -= 60s;
  pair.b.on_datagram(pair.a.endpoint, confused.make_initiation(pair.network.now));
  CHECK(pair.b.drops == std::vector(2, DropReason::handshake_replay));
  pair.network.run_for(61s);
  REQUIRE(pair.network.now.wall > then.wall);
  pair.b.on_datagram(pair.a.endpoint, confused.make_initiation(pair.network.now));
  CHECK(pair.b.drops.size() == 2);
}

TEST_CASE("an initiation that was recorded before our restart neither takes the peer's endpoint nor its place") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  const Datagram old = last_recorded(pair.network, pair.b.endpoint, MessageType::initiation);

  Host& reborn = pair.network.add_host("192.0.2.50:1", make_key_pair(102 ^ 0x5eed).private_key);
  REQUIRE(reborn.key() == pair.b.key());
  const PeerId a_at_reborn = reborn.add_peer(pair.a);
  reborn.on_datagram(kElsewhere, old);
  CHECK(reborn.roamed.empty());
  CHECK(reborn.device.status(a_at_reborn)->endpoint == pair.a.endpoint);
  CHECK_FALSE(reborn.device.sending_session(a_at_reborn));
  // What waits goes to the peer, 5 s after the answer to the replay.
  reborn.send(a_at_reborn, "to a, and to nobody else");
  pair.network.run_for(6s);
  REQUIRE(pair.a.received.size() == 1);
  CHECK(pair.a.received[0].payload == "to a, and to nobody else");
}
