// A private key that comes late, changes or goes while the Device runs.
#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"
#include "tests/unit/wg/raw_initiator.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

const KeyPair kNewKey = make_key_pair(4711);

DevicePeerConfig peer_config(const PublicKey& key, const Endpoint& endpoint) {
  DevicePeerConfig config;
  config.public_key = key;
  config.endpoint = endpoint;
  return config;
}

std::vector<std::uint8_t> recorded(const Network& network, const Endpoint& to, MessageType type) {
  for (const auto& [where, bytes] : network.recorded) {
    if (where == to && bytes[0] == static_cast<std::uint8_t>(type)) return bytes;
  }
  FAIL("no such datagram was sent");
  return {};
}

// b knows a by its present key and by the one that it will have; a session is up.
struct ChangingPair : Pair {
  ChangingPair() {
    new_a_at_b = b.device.add_peer(network.now, peer_config(kNewKey.public_key, a.endpoint));
    a.send(b_at_a, "before");
    network.run_for(1s);
    REQUIRE(b.received.size() == 1);
  }
  PeerId new_a_at_b;
};

}  // namespace

TEST_CASE("without a private key nothing goes out, and there is no public key") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1", SecretKey{});
  Host& b = network.add_host("192.0.2.2:1");
  CHECK(a.key() == PublicKey{});
  const PeerId b_at_a = a.add_peer(b, true, 25);
  a.send(b_at_a, "x");
  network.run_for(200s);
  CHECK(network.recorded.empty());
  CHECK(a.drops.empty());
  CHECK(a.gave_up.empty());
}

TEST_CASE("what comes in while there is no private key is dropped by that name") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  Host& keyless = pair.network.add_host("192.0.2.9:1", SecretKey{});
  keyless.on_datagram(pair.a.endpoint, recorded(pair.network, pair.b.endpoint, MessageType::initiation));
  keyless.on_datagram(pair.a.endpoint, recorded(pair.network, pair.a.endpoint, MessageType::response));
  std::vector<std::uint8_t> cookie(sizeof(MessageCookieReply));
  cookie[0] = 3;
  keyless.on_datagram(pair.a.endpoint, cookie);
  CHECK(keyless.drops == std::vector(3, DropReason::no_private_key));
  // A message for whoever has the private key of zeros, which is a key that everybody knows.
  RawInitiator attacker(1, derive_public_key(SecretKey{}));
  keyless.on_datagram(pair.a.endpoint, attacker.make_initiation(pair.network.now));
  CHECK(keyless.drops == std::vector(4, DropReason::no_private_key));
  cookie.pop_back();
  keyless.on_datagram(pair.a.endpoint, cookie);
  CHECK(keyless.drops.back() == DropReason::malformed);
}

TEST_CASE("what waited for the private key starts at once when it comes") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1", SecretKey{});
  Host& b = network.add_host("192.0.2.2:1");
  const PeerId b_at_a = a.add_peer(b);
  b.device.add_peer(network.now, peer_config(kNewKey.public_key, a.endpoint));
  a.send(b_at_a, "waits");
  network.run_for(100s);
  a.set_private_key(kNewKey.private_key);
  CHECK(a.key() == kNewKey.public_key);
  network.run_for(30ms);
  REQUIRE(b.received.size() == 1);
  CHECK(b.received[0].payload == "waits");
}

TEST_CASE("a peer that nobody asked for a session is left alone when the key comes or changes") {
  Pair pair;
  pair.a.set_private_key(kNewKey.private_key);
  pair.network.run_for(1s);
  CHECK(pair.network.recorded.empty());
  CHECK(pair.a.device.next_deadline() == kNever);
}

TEST_CASE("a changed private key makes a new session at once, under the new name") {
  ChangingPair pair;
  const Time changed = pair.network.now.monotonic;
  pair.a.set_private_key(kNewKey.private_key);
  CHECK(pair.a.sending[pair.b_at_a] == nullptr);
  CHECK_FALSE(pair.a.device.sending_session(pair.b_at_a));
  CHECK(pair.a.sent_log.back() == std::pair(changed, MessageType::initiation));
  pair.network.run_for(30ms);
  REQUIRE(pair.b.established.size() == 2);
  CHECK(pair.b.established.back().peer == pair.new_a_at_b);
  pair.a.send(pair.b_at_a, "after");
  pair.network.run_for(10ms);
  REQUIRE(pair.b.received.size() == 2);
  CHECK(pair.b.received.back().peer == pair.new_a_at_b);
  CHECK(pair.a.drops.empty());
  CHECK(pair.b.drops.empty());
}

TEST_CASE("the session of the former key still receives what is under way, and never sends again") {
  ChangingPair pair;
  pair.b.send(pair.a_at_b, "under way");
  pair.a.set_private_key(kNewKey.private_key);
  pair.network.filter = [](const Endpoint&, const Endpoint&, Bytes) { return false; };
  pair.network.run_for(20ms);
  REQUIRE(pair.a.received.size() == 1);
  CHECK(pair.a.received[0].payload == "under way");
  const std::size_t data_before = pair.a.sent_count(MessageType::data);
  pair.a.send(pair.b_at_a, "waits for a session");
  pair.network.run_for(200s);
  CHECK(pair.a.sent_count(MessageType::data) == data_before);
  pair.network.run_for(540s);
  CHECK(pair.a.sessions.empty());
}

TEST_CASE("a session that is answered but not confirmed does not become one that sends by a message of before") {
  HoldingPair pair(MessageType::data);
  pair.b.set_private_key(kNewKey.private_key);
  pair.b.on_datagram(pair.a.endpoint, pair.held);
  CHECK(pair.b.received.size() == 1);
  CHECK(pair.b.established.empty());
  CHECK_FALSE(pair.b.device.sending_session(pair.a_at_b));
}

TEST_CASE("an initiation of the former key is forgotten: its answer is for another public key") {
  HoldingPair pair(MessageType::response);
  const SecretKey former = make_key_pair(101 ^ 0x5eed).private_key;
  REQUIRE(derive_public_key(former) == pair.a.key());
  pair.a.set_private_key(kNewKey.private_key);
  CHECK(pair.a.sent_count(MessageType::initiation) == 2);  // another began in its place
  pair.a.on_datagram(pair.b.endpoint, pair.held);
  CHECK(pair.a.drops.back() == DropReason::bad_mac1);
  pair.a.set_private_key(former);
  pair.a.on_datagram(pair.b.endpoint, pair.held);
  CHECK(pair.a.drops.back() == DropReason::unknown_receiver);
  CHECK(pair.a.established.empty());
}

TEST_CASE("the same private key again changes nothing") {
  ChangingPair pair;
  const Time deadline = pair.a.device.next_deadline();
  const SessionPtr sending = pair.a.device.sending_session(pair.b_at_a);
  pair.a.device.set_private_key(pair.network.now, make_key_pair(101 ^ 0x5eed).private_key);
  CHECK(pair.a.device.outbox().empty());
  CHECK(pair.a.device.next_deadline() == deadline);
  CHECK(pair.a.device.sending_session(pair.b_at_a) == sending);
}

TEST_CASE("peers with our own new public key are removed and stay away when the key changes back") {
  ChangingPair pair;
  const SecretKey own = make_key_pair(102 ^ 0x5eed).private_key;
  REQUIRE(derive_public_key(own) == pair.b.key());
  pair.b.set_private_key(make_key_pair(101 ^ 0x5eed).private_key);  // the peer a
  CHECK(pair.b.peers_removed == std::vector{pair.a_at_b});
  CHECK_FALSE(pair.b.device.status(pair.a_at_b));
  CHECK(pair.b.sessions.empty());
  CHECK(pair.b.sending[pair.a_at_b] == nullptr);
  CHECK(pair.b.device.peers() == std::vector{pair.new_a_at_b});
  pair.b.set_private_key(own);
  CHECK(pair.b.device.peers() == std::vector{pair.new_a_at_b});
  CHECK(pair.b.peers_removed.size() == 1);
}

TEST_CASE("a Device without a private key may have any peer, even one whose key will be its own") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1", SecretKey{});
  const PeerId peer = a.device.add_peer(network.now, peer_config(kNewKey.public_key, a.endpoint));
  REQUIRE(peer != kNoPeer);
  const PeerId zero = a.device.add_peer(network.now, peer_config(PublicKey{}, a.endpoint));
  REQUIRE(zero != kNoPeer);
  a.set_private_key(kNewKey.private_key);
  CHECK(a.peers_removed == std::vector{peer});
  CHECK(a.device.peers() == std::vector{zero});
  // Nor is no key the same as the key of zeros.
  a.set_private_key(SecretKey{});
  CHECK(a.device.peers() == std::vector{zero});
  a.set_private_key(kNewKey.private_key);
  CHECK(a.device.add_peer(network.now, peer_config(kNewKey.public_key, a.endpoint)) == kNoPeer);
}

TEST_CASE("a private key taken away ends all sending, and given back starts it again") {
  Pair pair;
  const SecretKey own = make_key_pair(101 ^ 0x5eed).private_key;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  pair.a.set_private_key(SecretKey{});
  CHECK(pair.a.key() == PublicKey{});
  const std::size_t posted = pair.network.recorded.size();
  pair.a.send(pair.b_at_a, "waits");
  pair.network.run_for(5s);
  CHECK(pair.network.recorded.size() == posted);
  pair.a.set_private_key(own);
  pair.network.run_for(30ms);
  REQUIRE(pair.b.received.size() == 2);
  CHECK(pair.b.received[1].payload == "waits");
}

TEST_CASE("of a session whose private key was taken away only the wiping is left to wait for") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  pair.a.send(pair.b_at_a, "unanswered");
  const Time created = pair.a.device.sending_session(pair.b_at_a)->created();
  CHECK(pair.a.device.next_deadline() < created + kRejectAfterTime);
  pair.a.set_private_key(SecretKey{});
  CHECK(pair.a.device.next_deadline() == created + kZeroKeyMaterialAfterTime);
}

TEST_CASE("an old initiation of a peer stays old, however often our key changes") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  const auto initiation = recorded(pair.network, pair.b.endpoint, MessageType::initiation);
  const SecretKey own = make_key_pair(102 ^ 0x5eed).private_key;
  REQUIRE(derive_public_key(own) == pair.b.key());
  pair.b.set_private_key(kNewKey.private_key);
  pair.b.on_datagram(pair.a.endpoint, initiation);
  CHECK(pair.b.drops == std::vector{DropReason::bad_mac1});
  pair.b.set_private_key(own);
  pair.b.on_datagram(pair.a.endpoint, initiation);
  CHECK(pair.b.drops.back() == DropReason::handshake_replay);
}

TEST_CASE("a key that changes in the middle of a renewal, again and again, ends in one session") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  for (std::uint64_t i = 0; i < 50; i++) {
    const KeyPair next = make_key_pair(5000 + i);
    pair.b.device.add_peer(pair.network.now, peer_config(next.public_key, pair.a.endpoint));
    pair.a.set_private_key(next.private_key);
    REQUIRE(pair.a.sessions.size() <= 5);
    pair.network.run_for(Duration(pair.network.random.below(30'000'000)));
  }
  pair.network.run_for(6s);
  pair.a.send(pair.b_at_a, "last");
  pair.network.run_for(1s);
  CHECK(pair.b.received.back().payload == "last");
  CHECK(pair.b.received.back().peer == pair.b.device.peers().back());
}

TEST_CASE("a peer of low order is sent nothing, whatever our key becomes") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1", SecretKey{});
  DevicePeerConfig config = peer_config(PublicKey{}, Endpoint::parse("192.0.2.2:1").value());
  config.public_key.bytes[0] = 1;
  config.persistent_keepalive_s = 5;
  const PeerId peer = a.device.add_peer(network.now, config);
  for (std::uint64_t i = 0; i < 5; i++) {
    a.set_private_key(make_key_pair(i).private_key);
    a.send(peer, "x");
    network.run_for(20s);
  }
  CHECK(network.recorded.empty());
  CHECK(a.drop_count(DropReason::low_order_key) == a.drops.size());
  CHECK(a.drop_count(DropReason::low_order_key) >= 5);
}

TEST_CASE("a private key that is not clamped works as the clamped one") {
  SecretKey unclamped = kNewKey.private_key;
  unclamped.mutable_bytes()[0] |= 7;
  unclamped.mutable_bytes()[31] = static_cast<std::uint8_t>((unclamped.mutable_bytes()[31] | 0x80) & ~0x40);
  CHECK_FALSE(unclamped == kNewKey.private_key);
  CHECK(derive_public_key(unclamped) == kNewKey.public_key);
  ChangingPair pair;
  pair.a.set_private_key(unclamped);
  pair.network.run_for(30ms);
  CHECK(pair.b.established.size() == 2);
}
