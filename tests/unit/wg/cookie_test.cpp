// The cookie reply of a responder under load, as its initiator takes it. The reply is made here by libsodium, as the
// whitepaper says (§5.4.7).
#include "wg/protocol/cookie.h"

#include <sodium.h>

#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

const Mac kCookie = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

std::vector<std::uint8_t> make_cookie_reply(const PublicKey& responder, Bytes message) {
  MessageCookieReply reply;
  std::memcpy(reply.receiver.bytes.data(), message.data() + 4, 4);
  reply.nonce.fill(0x24);
  const Hash key = hash({as_bytes(kLabelCookie), responder.bytes});
  const Bytes mac1 = message.subspan(message.size() - 32, 16);
  crypto_aead_xchacha20poly1305_ietf_encrypt(reply.encrypted_cookie.data(), nullptr, kCookie.data(), kCookie.size(),
                                             mac1.data(), mac1.size(), nullptr, reply.nonce.data(), key.data());
  std::vector<std::uint8_t> bytes(sizeof reply);
  std::memcpy(bytes.data(), &reply, sizeof reply);
  return bytes;
}

Mac mac2_of(Bytes message) {
  Mac mac2;
  std::memcpy(mac2.data(), message.data() + message.size() - 16, 16);
  return mac2;
}

// A Pair whose b answers the first initiation with a cookie and hears no other.
struct LoadedPair : Pair {
  LoadedPair() {
    network.filter = [this](const Endpoint& from, const Endpoint&, Bytes bytes) {
      if (bytes[0] != 1) return true;
      initiations.emplace_back(bytes.begin(), bytes.end());
      if (initiations.size() == 1) network.post(b.endpoint, from, make_cookie_reply(b.key(), bytes));
      return false;
    };
  }
  std::vector<std::vector<std::uint8_t>> initiations;
};

}  // namespace

TEST_CASE("mac1 verifies only for the public key it was made for, and for every byte") {
  SeededRandom random(1);
  const PublicKey key = generate_key_pair(random).public_key;
  const PublicKey other = generate_key_pair(random).public_key;
  std::vector<std::uint8_t> message(148, 0x31);
  CookieGenerator(key).add_macs(Time{}, message);
  CHECK(CookieChecker(key).verify_mac1(message));
  CHECK_FALSE(CookieChecker(other).verify_mac1(message));
  CHECK(mac2_of(message) == Mac{});
  for (std::size_t i = 0; i < message.size() - 16; i++) {
    message[i] ^= 1;
    CHECK_FALSE(CookieChecker(key).verify_mac1(message));
    message[i] ^= 1;
  }
  CHECK_FALSE(CookieChecker(key).verify_mac1(Bytes(message).first(31)));
}

TEST_CASE("after a cookie reply the next initiation carries mac2, made with the cookie") {
  LoadedPair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(6s);
  REQUIRE(pair.initiations.size() == 2);
  CHECK(mac2_of(pair.initiations[0]) == Mac{});
  CHECK(mac2_of(pair.initiations[1]) == mac(kCookie, Bytes(pair.initiations[1]).first(132)));
  CHECK(pair.a.drops.empty());
}

TEST_CASE("a cookie is used for less than 120 s") {
  LoadedPair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(119s);
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(20s);
  REQUIRE(pair.initiations.size() >= 4);
  bool after = false;
  for (std::size_t i = 1; i < pair.initiations.size(); i++) {
    const bool has_mac2 = mac2_of(pair.initiations[i]) != Mac{};
    if (!has_mac2) after = true;
    CHECK(has_mac2 != after);  // it never comes back
  }
  CHECK(after);
}

TEST_CASE("a forged, a repeated and a misdirected cookie reply have names of their own") {
  LoadedPair pair;
  pair.a.send(pair.b_at_a, "x");
  auto reply = make_cookie_reply(pair.b.key(), pair.initiations[0]);
  auto forged = reply;
  forged[40] ^= 1;
  pair.a.on_datagram(pair.b.endpoint, forged);
  CHECK(pair.a.drops == std::vector{DropReason::bad_handshake});
  auto misdirected = reply;
  misdirected[4] ^= 1;
  pair.a.on_datagram(pair.b.endpoint, misdirected);
  CHECK(pair.a.drops.back() == DropReason::unknown_receiver);
  pair.network.run_for(1s);  // the genuine one arrives
  CHECK(pair.a.drops.size() == 2);
  pair.a.on_datagram(pair.b.endpoint, reply);
  CHECK(pair.a.drops.back() == DropReason::handshake_replay);
}
