// Handshakes between two Devices in virtual time: who may talk to whom, and what each wrong message is called.
#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"
#include "tests/unit/wg/raw_initiator.h"
#include "wg/protocol/cookie.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

SecretKey filled_key(std::uint8_t fill) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(fill);
  return SecretKey(bytes);
}

// The first datagram of this type that was posted to `to`.
std::vector<std::uint8_t> recorded(const Network& network, const Endpoint& to, MessageType type) {
  for (const auto& [where, bytes] : network.recorded) {
    if (where == to && bytes[0] == static_cast<std::uint8_t>(type)) return bytes;
  }
  FAIL("no such datagram was sent");
  return {};
}

}  // namespace

TEST_CASE("a staged packet starts a handshake and arrives after one round trip and a half") {
  Pair pair;
  pair.a.send(pair.b_at_a, "hello");
  pair.network.run_for(30ms);
  REQUIRE(pair.b.received.size() == 1);
  CHECK(pair.b.received[0].payload == "hello");
  CHECK(pair.b.received[0].peer == pair.a_at_b);
  CHECK(pair.b.received[0].at == Time(1000s + 30ms));
  CHECK(pair.a.sent_count(MessageType::initiation) == 1);
  CHECK(pair.b.sent_count(MessageType::response) == 1);
  CHECK(pair.a.drops.empty());
  CHECK(pair.b.drops.empty());
  pair.b.send(pair.a_at_b, "hello yourself");
  pair.network.run_for(10ms);
  REQUIRE(pair.a.received.size() == 1);
  CHECK(pair.a.received[0].payload == "hello yourself");
  CHECK(pair.b.sent_count(MessageType::initiation) == 0);
}

TEST_CASE("both ends report the handshake, the initiator first and the responder with the first data message") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(20ms);
  REQUIRE(pair.a.established.size() == 1);
  CHECK(pair.a.established[0].as_initiator);
  CHECK(pair.b.established.empty());
  CHECK_FALSE(pair.b.device.sending_session(pair.a_at_b));
  CHECK(pair.a.device.status(pair.b_at_a)->last_handshake == WallTime(1'800'000'000s + 20ms));
  pair.network.run_for(10ms);
  REQUIRE(pair.b.established.size() == 1);
  CHECK_FALSE(pair.b.established[0].as_initiator);
  CHECK(pair.b.device.sending_session(pair.a_at_b));
  CHECK(pair.b.device.status(pair.a_at_b)->last_handshake == WallTime(1'800'000'000s + 30ms));
}

TEST_CASE("handshake messages are counted in bytes, and nothing is counted that was not authentic") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  CHECK(pair.a.device.status(pair.b_at_a)->handshake_tx_bytes == 148);
  CHECK(pair.a.device.status(pair.b_at_a)->handshake_rx_bytes == 92);
  CHECK(pair.b.device.status(pair.a_at_b)->handshake_tx_bytes == 92);
  CHECK(pair.b.device.status(pair.a_at_b)->handshake_rx_bytes == 148);
}

TEST_CASE("equal preshared keys work; different ones are a bad handshake at the initiator") {
  for (const bool equal_keys : {true, false}) {
    Network network(1);
    Host& a = network.add_host("192.0.2.1:1");
    Host& b = network.add_host("192.0.2.2:1");
    const PeerId b_at_a = a.add_peer(b, true, 0, filled_key(7));
    b.add_peer(a, true, 0, filled_key(equal_keys ? 7 : 8));
    a.send(b_at_a, "x");
    network.run_for(1s);
    CHECK(b.received.size() == (equal_keys ? 1 : 0));
    CHECK(a.drops == (equal_keys ? std::vector<DropReason>{} : std::vector{DropReason::bad_handshake}));
    CHECK(a.device.status(b_at_a)->has_preshared_key);
    CHECK(b.drops.empty());
  }
}

TEST_CASE("a preshared key set later counts from the next handshake on") {
  Pair pair;
  pair.a.device.set_preshared_key(pair.network.now, pair.b_at_a, filled_key(1));
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  CHECK(pair.b.received.empty());
  pair.b.device.set_preshared_key(pair.network.now, pair.a_at_b, filled_key(1));
  pair.network.run_for(10s);
  CHECK(pair.b.received.size() == 1);
}

TEST_CASE("an initiation to another public key than ours is a bad mac1") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1");
  Host& b = network.add_host("192.0.2.2:1");
  Host& stranger = network.add_host("192.0.2.3:1");
  b.add_peer(a);
  const PeerId peer = a.add_peer(stranger);
  // a has the key of `stranger` for the address of b.
  a.device.set_endpoint(network.now, peer, b.endpoint);
  a.send(peer, "x");
  network.run_for(1s);
  CHECK(b.drops == std::vector{DropReason::bad_mac1});
  CHECK(b.drop_peers == std::vector{kNoPeer});
}

TEST_CASE("an initiation from a key that is not configured is an unknown peer") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1");
  Host& b = network.add_host("192.0.2.2:1");
  a.send(a.add_peer(b), "x");
  network.run_for(1s);
  CHECK(b.drops == std::vector{DropReason::unknown_peer});
  CHECK(b.sent_count(MessageType::response) == 0);
}

TEST_CASE("a replayed initiation is refused and does not disturb the session") {
  Pair pair;
  pair.a.send(pair.b_at_a, "one");
  pair.network.run_for(1s);
  const auto initiation = recorded(pair.network, pair.b.endpoint, MessageType::initiation);
  pair.b.on_datagram(Endpoint::parse("203.0.113.66:6666").value(), initiation);
  CHECK(pair.b.drops == std::vector{DropReason::handshake_replay});
  CHECK(pair.b.drop_peers == std::vector{pair.a_at_b});
  CHECK(pair.b.roamed.empty());
  pair.a.send(pair.b_at_a, "two");
  pair.b.send(pair.a_at_b, "three");
  pair.network.run_for(1s);
  CHECK(pair.b.received.size() == 2);
  CHECK(pair.a.received.size() == 1);
}

TEST_CASE("a repeated response is a handshake replay, one for no handshake of ours an unknown receiver") {
  Pair pair;
  pair.a.send(pair.b_at_a, "one");
  pair.network.run_for(1s);
  auto response = recorded(pair.network, pair.a.endpoint, MessageType::response);
  pair.a.on_datagram(pair.b.endpoint, response);
  CHECK(pair.a.drops == std::vector{DropReason::handshake_replay});
  response[8] ^= 1;  // the receiver index; mac1 made right again
  CookieGenerator(pair.a.key()).add_macs(Time{}, response);
  pair.a.on_datagram(pair.b.endpoint, response);
  CHECK(pair.a.drops.back() == DropReason::unknown_receiver);
}

TEST_CASE("a forged response does not disturb the handshake that is under way") {
  Pair pair;
  bool forged = false;
  pair.network.filter = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    if (bytes[0] == 2 && !forged) {
      forged = true;
      std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
      copy[44] ^= 1;  // the tag of nothing
      CookieGenerator(pair.a.key()).add_macs(Time{}, copy);
      pair.network.post(from, to, copy);  // arrives first
    }
    return true;
  };
  pair.a.send(pair.b_at_a, "one");
  pair.network.run_for(1s);
  CHECK(pair.a.drops == std::vector{DropReason::bad_handshake});
  CHECK(pair.b.received.size() == 1);
}

TEST_CASE("more than 50 initiations a second from one peer are a flood") {
  Network network(1);
  Host& b = network.add_host("192.0.2.2:1");
  RawInitiator initiator(9, b.key());
  DevicePeerConfig config;
  config.public_key = initiator.keys.public_key;
  b.device.add_peer(network.now, config);
  for (int i = 0; i < 1000; i++) {
    b.on_datagram(Endpoint::parse("192.0.2.1:1").value(), initiator.make_initiation(network.now));
    network.run_for(1ms);
  }
  CHECK(b.sent_count(MessageType::response) == 50);
  CHECK(b.drop_count(DropReason::handshake_flood) == 950);
  CHECK(b.sessions.size() == 1);  // what was not confirmed gave way to the next
}

TEST_CASE("both sides start at once: both have a session after one round trip, and no packet is lost") {
  Pair pair;
  pair.a.send(pair.b_at_a, "from a");
  pair.b.send(pair.a_at_b, "from b");
  pair.network.run_for(30ms);
  REQUIRE(pair.a.received.size() == 1);
  REQUIRE(pair.b.received.size() == 1);
  for (int i = 0; i < 10; i++) {
    pair.a.send(pair.b_at_a, "more");
    pair.b.send(pair.a_at_b, "more");
    pair.network.run_for(1s);
  }
  CHECK(pair.a.received.size() == 11);
  CHECK(pair.b.received.size() == 11);
  CHECK(pair.a.drops.empty());
  CHECK(pair.b.drops.empty());
  CHECK(pair.a.sent_count(MessageType::initiation) == 1);
  CHECK(pair.b.sent_count(MessageType::initiation) == 1);
}

TEST_CASE("both sides start at once and one response is lost: the other handshake serves both") {
  Pair pair;
  pair.network.filter = [&](const Endpoint& from, const Endpoint&, Bytes bytes) {
    return !(bytes[0] == 2 && from == pair.a.endpoint);
  };
  pair.a.send(pair.b_at_a, "from a");
  pair.b.send(pair.a_at_b, "from b");
  pair.network.run_for(40ms);
  CHECK(pair.a.received.size() == 1);
  CHECK(pair.b.received.size() == 1);
  pair.network.run_for(20s);
  CHECK(pair.b.sent_count(MessageType::initiation) == 1);  // not retransmitted
}

TEST_CASE("a responder may not send before the first data message, and then sends what waits") {
  Pair pair;
  std::vector<std::uint8_t> held;
  pair.network.filter = [&](const Endpoint&, const Endpoint& to, Bytes bytes) {
    return !(bytes[0] == 4 && to == pair.b.endpoint && held.empty() && (held.assign(bytes.begin(), bytes.end()), true));
  };
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(15ms);
  pair.b.send(pair.a_at_b, "waits");
  pair.network.run_for(1s);
  CHECK(pair.b.sent_count(MessageType::data) == 0);
  REQUIRE_FALSE(held.empty());
  pair.b.on_datagram(pair.a.endpoint, held);
  pair.network.run_for(10ms);
  REQUIRE(pair.a.received.size() == 1);
  CHECK(pair.a.received[0].payload == "waits");
}

TEST_CASE("an initiator without anything to send confirms the session with a keepalive") {
  Pair pair(1, 25);  // a persistent keepalive makes a start by itself
  pair.network.run_for(30ms);
  CHECK(pair.a.sent_count(MessageType::data) == 1);
  CHECK(pair.b.established.size() == 1);
}

TEST_CASE("without an endpoint nothing is sent until one is set") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1");
  Host& b = network.add_host("192.0.2.2:1");
  b.add_peer(a, false);
  const PeerId b_at_a = a.add_peer(b, false);
  a.device.on_packet_staged(network.now, b_at_a);
  a.drain();
  network.run_for(60s);
  CHECK(a.sent_count(MessageType::initiation) == 0);
  CHECK(a.device.next_deadline() == kNever);
  a.device.set_endpoint(network.now, b_at_a, b.endpoint);
  a.drain();
  CHECK(a.sent_count(MessageType::initiation) == 1);
}

TEST_CASE("a peer without an endpoint learns it from the first initiation") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1");
  Host& b = network.add_host("192.0.2.2:1");
  const PeerId b_at_a = a.add_peer(b);
  const PeerId a_at_b = b.add_peer(a, false);
  a.send(b_at_a, "x");
  network.run_for(1s);
  CHECK(b.device.status(a_at_b)->endpoint == a.endpoint);
  REQUIRE(b.roamed.size() == 1);
  CHECK(b.roamed[0].endpoint == a.endpoint);
  b.send(a_at_b, "y");
  network.run_for(1s);
  CHECK(a.received.size() == 1);
}

TEST_CASE("a peer that moves is followed with its next authentic message, and with no other") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  const Endpoint moved = Endpoint::parse("[2001:db8::77]:7").value();
  // A replay from elsewhere moves nothing.
  auto data = recorded(pair.network, pair.b.endpoint, MessageType::data);
  pair.b.on_datagram(moved, data);
  CHECK(pair.b.drops.back() == DropReason::replayed);
  CHECK(pair.b.roamed.empty());
  pair.a.endpoint = moved;
  pair.a.send(pair.b_at_a, "from elsewhere");
  pair.network.run_for(1s);
  REQUIRE(pair.b.roamed.size() == 1);
  CHECK(pair.b.roamed[0].endpoint == moved);
  pair.b.send(pair.a_at_b, "found you");
  pair.network.run_for(1s);
  CHECK(pair.a.received.size() == 1);
}

TEST_CASE("data that may not be followed does not move the endpoint") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  pair.b.device.on_data_received(pair.network.now, pair.b.sending[pair.a_at_b], std::nullopt, false);
  CHECK(pair.b.device.outbox().roamed.empty());
  CHECK(pair.b.device.status(pair.a_at_b)->endpoint == pair.a.endpoint);
}

TEST_CASE("own keys and keys that are there already are refused, removed peers are gone") {
  Pair pair;
  DevicePeerConfig config;
  config.public_key = pair.a.key();
  CHECK(pair.a.device.add_peer(pair.network.now, config) == kNoPeer);
  config.public_key = pair.b.key();
  CHECK(pair.a.device.add_peer(pair.network.now, config) == kNoPeer);
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  CHECK(pair.a.sessions.size() == 1);
  pair.a.device.remove_peer(pair.network.now, pair.b_at_a);
  pair.a.drain();
  CHECK(pair.a.sessions.empty());
  CHECK(pair.a.sending[pair.b_at_a] == nullptr);
  CHECK(pair.a.device.next_deadline() == kNever);
  CHECK_FALSE(pair.a.device.find_peer(pair.b.key()));
  CHECK(pair.a.device.peers().empty());
  const PeerId again = pair.a.device.add_peer(pair.network.now, config);
  CHECK(again != pair.b_at_a);
  CHECK(again != kNoPeer);
  CHECK(pair.a.device.find_peer(pair.b.key()) == again);
}

TEST_CASE("calls and late reports for a peer that was removed change nothing") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  const SessionPtr session = pair.a.sending[pair.b_at_a];
  pair.a.device.remove_peer(pair.network.now, pair.b_at_a);
  pair.a.device.outbox().clear();
  pair.a.device.on_data_sent(pair.network.now, session, false);
  pair.a.device.on_data_received(pair.network.now, session, pair.b.endpoint, false);
  pair.a.device.on_packet_staged(pair.network.now, pair.b_at_a);
  pair.a.device.remove_peer(pair.network.now, pair.b_at_a);
  pair.a.device.set_persistent_keepalive(pair.network.now, pair.b_at_a, 5);
  CHECK(pair.a.device.outbox().empty());
  CHECK(pair.a.device.next_deadline() == kNever);
}

TEST_CASE("a peer with a public key of low order is never sent anything") {
  Network network(1);
  Host& a = network.add_host("192.0.2.1:1");
  DevicePeerConfig config;
  config.public_key.bytes[0] = 1;
  config.endpoint = Endpoint::parse("192.0.2.2:1").value();
  config.persistent_keepalive_s = 1;
  const PeerId peer = a.device.add_peer(network.now, config);
  a.device.on_packet_staged(network.now, peer);
  a.drain();
  CHECK(a.drops.back() == DropReason::low_order_key);
  CHECK(a.gave_up.size() == a.drops.size());
  network.run_for(60s);
  CHECK(a.sent_count(MessageType::initiation) == 0);
}

TEST_CASE("an initiation with an ephemeral key of low order is dropped by that name") {
  Pair pair;
  std::vector<std::uint8_t> bytes(sizeof(MessageInitiation));
  bytes[0] = 1;
  CookieGenerator(pair.b.key()).add_macs(Time{}, bytes);
  pair.b.on_datagram(pair.a.endpoint, bytes);
  CHECK(pair.b.drops == std::vector{DropReason::low_order_key});
}

TEST_CASE("a clock that was set back does not make initiations look like replays") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  CHECK(pair.b.received.size() == 1);
  pair.network.now.wall -= 3600s;
  pair.network.run_for(600s);  // the session is gone
  pair.a.send(pair.b_at_a, "y");
  pair.network.run_for(1s);
  CHECK(pair.b.received.size() == 2);
  CHECK(pair.b.drops.empty());
}

TEST_CASE("a peer that lost its memory is answered by a new session at once when it starts, whatever the old one") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(30s);
  Host& reborn = pair.network.add_host("192.0.2.9:9");
  // The same private key in a new Device, at a new address.
  SeededRandom random(99);
  Device device(make_key_pair((std::uint64_t{1} * 100 + 1) ^ 0x5eed).private_key, random);
  REQUIRE(device.public_key() == pair.a.key());
  DevicePeerConfig config;
  config.public_key = pair.b.key();
  config.endpoint = pair.b.endpoint;
  device.on_packet_staged(pair.network.now, device.add_peer(pair.network.now, config));
  REQUIRE(device.outbox().datagrams.size() == 1);
  pair.b.on_datagram(reborn.endpoint, device.outbox().datagrams[0].bytes);
  device.outbox().clear();
  CHECK(pair.b.drops.empty());
  CHECK(pair.b.sent_count(MessageType::response) == 2);
  device.on_handshake_datagram(pair.network.now, pair.b.endpoint, pair.network.recorded.back().second);
  CHECK(device.outbox().established.size() == 1);
}
