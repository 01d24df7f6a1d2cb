// Nothing secret stays in the memory of what has ended: handshakes, sessions, peers.
#include <algorithm>
#include <cstddef>
#include <new>

#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"
#include "wg/protocol/noise.h"
#include "wg/protocol/peer.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

// Room for one T, whose bytes can be looked at when it is no more.
template <typename T>
class Grave {
 public:
  template <typename... Arguments>
  T& make(Arguments&&... arguments) {
    return *new (room_) T(std::forward<Arguments>(arguments)...);
  }
  // The room is looked at as the optimiser does not know it, since a dead object's bytes are otherwise no one's.
  bool holds(const SecretKey& secret) const {
    const std::byte* room = room_;
    __asm__ volatile("" : "+r"(room) : : "memory");
    const auto* begin = reinterpret_cast<const std::uint8_t*>(room);
    return std::search(begin, begin + sizeof(T), secret.bytes().begin(), secret.bytes().end()) != begin + sizeof(T);
  }

 private:
  alignas(T) std::byte room_[sizeof(T)]{};
};

template <typename T>
void destroy(T& object) {
  object.~T();
}

SecretKey filled_key(std::uint8_t fill) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(fill);
  return SecretKey(bytes);
}

struct Keys {
  SeededRandom random{1};
  KeyPair a = generate_key_pair(random), b = generate_key_pair(random);
  RemoteStatic b_at_a = make_remote_static(a, b.public_key, filled_key(9));
  RemoteStatic a_at_b = make_remote_static(b, a.public_key, filled_key(9));
};

}  // namespace

TEST_CASE("a handshake that ended leaves neither ephemeral nor chaining key, at either side") {
  Keys keys;
  Grave<InitiatorState> initiator_grave;
  Grave<ResponderState> responder_grave;
  InitiatorState& initiator = initiator_grave.make(keys.b.public_key, 1u);
  ResponderState& responder = responder_grave.make(keys.b.public_key);
  MessageInitiation initiation;
  MessageResponse response;
  REQUIRE(create_initiation(keys.a, keys.b_at_a, Tai64n{}, keys.random, initiator, initiation) == HandshakeResult::ok);
  REQUIRE(identify_initiator(keys.b, initiation, responder) == HandshakeResult::ok);
  REQUIRE(consume_initiation(keys.a_at_b, initiation, responder) == HandshakeResult::ok);
  REQUIRE(create_response(keys.a_at_b, 2, keys.random, responder, response) == HandshakeResult::ok);
  const SecretKey initiator_ephemeral = initiator.ephemeral_private, responder_ephemeral = responder.ephemeral_private;
  CHECK(initiator_grave.holds(initiator_ephemeral));
  CHECK(responder_grave.holds(responder_ephemeral));

  REQUIRE(consume_response(keys.a, keys.b_at_a, response, initiator) == HandshakeResult::ok);
  CHECK_FALSE(initiator_grave.holds(initiator_ephemeral));  // of no more use, so gone before the state is
  const SecretKey chaining_key = initiator.symmetric.chaining_key();
  CHECK(chaining_key == responder.symmetric.chaining_key());
  CHECK(initiator_grave.holds(chaining_key));
  destroy(initiator);
  destroy(responder);
  CHECK_FALSE(initiator_grave.holds(chaining_key));
  CHECK_FALSE(responder_grave.holds(chaining_key));
  CHECK_FALSE(responder_grave.holds(responder_ephemeral));
}

TEST_CASE("a session that ended leaves no key") {
  Grave<Session> grave;
  const Session::Keys keys{filled_key(5), filled_key(6)};
  Session& session = grave.make(PeerId{0}, keys, 1u, 2u, true, Time{});
  CHECK(grave.holds(keys.send));
  CHECK(grave.holds(keys.receive));
  destroy(session);
  CHECK_FALSE(grave.holds(keys.send));
  CHECK_FALSE(grave.holds(keys.receive));
}

TEST_CASE("a peer that was removed in the middle of a handshake leaves nothing secret") {
  Keys keys;
  Grave<Peer> grave;
  Peer& peer = grave.make(PeerId{0}, keys.b_at_a);
  peer.initiation.emplace(keys.b.public_key, 1u);
  MessageInitiation message;
  REQUIRE(create_initiation(keys.a, peer.remote, Tai64n{}, keys.random, *peer.initiation, message) ==
          HandshakeResult::ok);
  const SecretKey ephemeral = peer.initiation->ephemeral_private;
  const SecretKey chaining_key = peer.initiation->symmetric.chaining_key();
  CHECK(grave.holds(ephemeral));
  SUBCASE("given up") {
    peer.initiation.reset();
    CHECK_FALSE(grave.holds(ephemeral));
    CHECK_FALSE(grave.holds(chaining_key));
    CHECK(grave.holds(keys.b_at_a.preshared_key));
  }
  SUBCASE("removed") {}
  destroy(peer);
  for (const SecretKey& secret :
       {ephemeral, chaining_key, keys.b_at_a.preshared_key, keys.b_at_a.static_static_shared}) {
    CHECK_FALSE(grave.holds(secret));
  }
}

TEST_CASE("an initiation that is repeated, answered, given up or forgotten keeps no index, so its state is gone") {
  Pair pair;
  std::vector<std::vector<std::uint8_t>> initiations;
  pair.network.filter = [&](const Endpoint&, const Endpoint&, Bytes bytes) {
    if (bytes[0] == 1) initiations.emplace_back(bytes.begin(), bytes.end());
    return false;
  };
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(89s);
  REQUIRE(initiations.size() > 10);
  const auto reply_to = [&](const std::vector<std::uint8_t>& initiation) {
    std::vector<std::uint8_t> reply(sizeof(MessageCookieReply));
    reply[0] = 3;
    std::copy_n(initiation.begin() + 4, 4, reply.begin() + 4);
    pair.a.on_datagram(pair.b.endpoint, reply);
    return pair.a.drops.back();
  };
  for (std::size_t i = 0; i + 1 < initiations.size(); i++) {
    CHECK(reply_to(initiations[i]) == DropReason::unknown_receiver);
  }
  CHECK(reply_to(initiations.back()) == DropReason::bad_handshake);
  pair.network.run_for(20s);
  REQUIRE(pair.a.gave_up.size() == 1);
  for (const auto& initiation : initiations) CHECK(reply_to(initiation) == DropReason::unknown_receiver);
  CHECK(pair.a.device.next_deadline() == kNever);
}

TEST_CASE("540 s after the newest session both ends have forgotten every key of it") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(1s);
  std::vector<std::weak_ptr<Session>> sessions;
  for (const auto& [index, session] : pair.a.sessions) sessions.push_back(session);
  for (const auto& [index, session] : pair.b.sessions) sessions.push_back(session);
  REQUIRE(sessions.size() == 2);
  pair.network.run_for(538s);
  for (const auto& session : sessions) CHECK_FALSE(session.expired());
  pair.network.run_for(2s);
  for (const auto& session : sessions) CHECK(session.expired());
}
