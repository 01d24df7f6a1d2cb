// Two Devices over a network that loses, repeats and reorders, and against an attacker who invents and changes
// datagrams.
#include <set>

#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"
#include "tests/unit/wg/raw_initiator.h"
#include "wg/protocol/cookie.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

// Both ends send numbered messages at random moments for this long.
void exchange(Pair& pair, SeededRandom& random, Duration duration, Duration mean_gap) {
  const Time end = pair.network.now.monotonic + duration;
  for (int i = 0; pair.network.now.monotonic < end; i++) {
    if (random.below(2) == 0) {
      pair.a.send(pair.b_at_a, "a" + std::to_string(i));
    } else {
      pair.b.send(pair.a_at_b, "b" + std::to_string(i));
    }
    pair.network.run_for(Duration(random.below(static_cast<std::uint64_t>(2 * mean_gap.count()))));
    REQUIRE(pair.a.sessions.size() <= 5);
    REQUIRE(pair.b.sessions.size() <= 5);
  }
}

void check_no_message_twice(const Host& host) {
  std::set<std::string> seen;
  for (const Received& each : host.received) REQUIRE(seen.insert(each.payload).second);
}

Hash chaos_trace(std::uint64_t seed, bool extra_on_timer) {
  Pair pair(seed);
  pair.network.extra_on_timer = extra_on_timer;
  pair.network.loss = 0.2;
  pair.network.duplication = 0.1;
  pair.network.jitter = 300ms;
  SeededRandom random(seed);
  exchange(pair, random, 400s, 400ms);
  pair.network.run_for(700s);
  return pair.network.trace_hash;
}

}  // namespace

TEST_CASE("over a lossy, repeating and reordering network no message arrives twice, and after it heals all arrive") {
  for (std::uint64_t seed = 1; seed <= 10; seed++) {
    CAPTURE(seed);
    Pair pair(seed);
    pair.network.loss = 0.3;
    pair.network.duplication = 0.2;
    pair.network.jitter = 300ms;
    SeededRandom random(seed);
    exchange(pair, random, 500s, 200ms);
    CHECK(pair.a.received.size() > 500);
    CHECK(pair.b.received.size() > 500);
    check_no_message_twice(pair.a);
    check_no_message_twice(pair.b);
    for (const Host* host : {&pair.a, &pair.b}) {
      // Loss, repetition and delay explain these and no others.
      CHECK(host->drops.size() ==
            host->drop_count(DropReason::replayed) + host->drop_count(DropReason::handshake_replay) +
                host->drop_count(DropReason::handshake_flood) + host->drop_count(DropReason::unknown_receiver));
    }
    pair.network.loss = pair.network.duplication = 0;
    pair.network.jitter = 0ns;
    pair.a.send(pair.b_at_a, "heal");
    pair.b.send(pair.a_at_b, "heal");
    pair.network.run_for(20s);
    const std::size_t at_a = pair.a.received.size(), at_b = pair.b.received.size();
    for (int i = 0; i < 100; i++) {
      pair.a.send(pair.b_at_a, "after a" + std::to_string(i));
      pair.b.send(pair.a_at_b, "after b" + std::to_string(i));
      pair.network.run_for(100ms);
    }
    CHECK(pair.a.received.size() == at_a + 100);
    CHECK(pair.b.received.size() == at_b + 100);
  }
}

TEST_CASE(
    "keys that change, interfaces set down, floods and a bad network leave nothing behind: after them all arrives") {
  for (std::uint64_t seed = 1; seed <= 4; seed++) {
    CAPTURE(seed);
    Pair pair(seed);
    SeededRandom random(seed);
    // b knows a by each key that it will ever have; zeros are none.
    std::vector<SecretKey> keys{SecretKey{}};
    for (std::uint64_t i = 0; i < 3; i++) {
      const KeyPair key = make_key_pair(seed * 1000 + i);
      pair.b.add_peer(key.public_key, pair.a.endpoint);
      keys.push_back(key.private_key);
    }
    pair.network.extra_on_timer = seed % 2 == 0;
    pair.network.loss = 0.3;
    pair.network.duplication = 0.2;
    pair.network.jitter = 300ms;
    const auto flood = RawInitiator(seed, pair.b.key()).make_initiation(pair.network.now);
    for (int i = 0; i < 300; i++) {
      pair.a.send(pair.b_at_a, "a" + std::to_string(i));
      const auto peers = pair.b.device.peers();
      const PeerId peer = peers[random.below(peers.size())];
      if (pair.b.device.sending_session(peer)) pair.b.send(peer, "b" + std::to_string(i));
      if (random.below(20) == 0) pair.a.set_private_key(keys[random.below(keys.size())]);
      if (random.below(20) == 0) {
        pair.a.device.set_up(pair.network.now, random.below(4) != 0);
        pair.a.drain();
      }
      if (random.below(10) == 0) {
        for (int n = 0; n < 200; n++) pair.b.on_datagram(pair.a.endpoint, flood);
      }
      pair.network.run_for(Duration(random.below(2'000'000'000)));
      REQUIRE(pair.a.sessions.size() <= 5);
      REQUIRE(pair.b.sessions.size() <= 5 * peers.size());
    }
    check_no_message_twice(pair.a);
    check_no_message_twice(pair.b);
    CHECK(pair.b.received.size() > 100);
    CHECK(pair.b.drop_count(DropReason::cookie_required) > 1000);
    CHECK(pair.a.peers_removed.empty());
    pair.network.loss = pair.network.duplication = 0;
    pair.network.jitter = 0ns;
    pair.a.device.set_up(pair.network.now, true);
    pair.a.set_private_key(keys[1]);
    pair.a.send(pair.b_at_a, "heal");
    pair.network.run_for(20s);
    const std::size_t received = pair.b.received.size();
    for (int i = 0; i < 100; i++) {
      pair.a.send(pair.b_at_a, "after" + std::to_string(i));
      pair.network.run_for(100ms);
    }
    CHECK(pair.b.received.size() == received + 100);
    pair.network.run_for(kZeroKeyMaterialAfterTime + 20s);
    CHECK(pair.a.sessions.empty());
    CHECK(pair.b.sessions.empty());
  }
}

TEST_CASE("renewals lose no message, however the two sides started") {
  for (const bool both_start : {false, true}) {
    for (const Duration latency : {1ms, 30ms, 300ms}) {
      Pair pair;
      pair.network.latency = latency;
      pair.a.send(pair.b_at_a, "first");
      if (both_start) pair.b.send(pair.a_at_b, "first");
      pair.network.run_for(5s);
      const std::size_t at_a = pair.a.received.size(), at_b = pair.b.received.size();
      constexpr std::size_t count = 20000;  // 1000 s: eight renewals
      for (std::size_t i = 0; i < count; i++) {
        pair.a.send(pair.b_at_a, "x");
        pair.b.send(pair.a_at_b, "x");
        pair.network.run_for(50ms);
      }
      pair.network.run_for(1s);
      CHECK(pair.a.received.size() - at_a == count);
      CHECK(pair.b.received.size() - at_b == count);
      CHECK(pair.a.drops.empty());
      CHECK(pair.b.drops.empty());
      CHECK(pair.a.established.size() >= 8);
    }
  }
}

TEST_CASE("the same seed gives the same trace, another seed another") {
  CHECK(chaos_trace(1, false) == chaos_trace(1, false));
  CHECK(chaos_trace(1, false) != chaos_trace(2, false));
}

TEST_CASE("extra on_timer calls at arbitrary moments change nothing") {
  for (std::uint64_t seed = 1; seed <= 5; seed++) CHECK(chaos_trace(seed, true) == chaos_trace(seed, false));
}

TEST_CASE("each changed or invented handshake datagram is one named drop, and the tunnel goes on") {
  Pair pair;
  pair.a.send(pair.b_at_a, "x");
  pair.b.send(pair.a_at_b, "x");
  pair.network.run_for(1s);
  std::vector<std::vector<std::uint8_t>> genuine;
  for (const auto& [to, bytes] : pair.network.recorded) {
    if (bytes[0] <= 2) genuine.push_back(bytes);
  }
  genuine.emplace_back(64, std::uint8_t{3});
  SeededRandom random(5);
  const Endpoint attacker = Endpoint::parse("203.0.113.66:6666").value();
  for (int i = 0; i < 20000; i++) {
    auto bytes = genuine[random.below(genuine.size())];
    const std::uint64_t changes = 1 + random.below(4);
    for (std::uint64_t n = 0; n < changes; n++)
      bytes[random.below(4) == 0 ? random.below(12) : random.below(bytes.size())] ^=
          static_cast<std::uint8_t>(1 + random.below(255));
    if (random.below(8) == 0) bytes.resize(random.below(200));
    if (bytes.empty() || bytes[0] == 4) continue;
    Host& target = random.below(2) == 0 ? pair.a : pair.b;
    // An attacker knows the public key, so often mac1 is right.
    if (random.below(2) == 0 && bytes.size() >= 32) CookieGenerator(target.key()).add_macs(Time{}, bytes);
    const std::size_t before = target.drops.size();
    target.on_datagram(attacker, bytes);
    REQUIRE(target.drops.size() == before + 1);
  }
  CHECK(pair.a.roamed.empty());
  CHECK(pair.b.roamed.empty());
  const std::size_t at_a = pair.a.received.size(), at_b = pair.b.received.size();
  pair.a.send(pair.b_at_a, "y");
  pair.b.send(pair.a_at_b, "y");
  pair.network.run_for(1s);
  CHECK(pair.a.received.size() == at_a + 1);
  CHECK(pair.b.received.size() == at_b + 1);
}

TEST_CASE("random bytes of every length are malformed or otherwise named") {
  Pair pair;
  SeededRandom random(6);
  for (std::size_t size = 0; size < 300; size++) {
    for (std::uint8_t type = 0; type < 4; type++) {
      std::vector<std::uint8_t> bytes(size);
      random.fill(bytes);
      if (size > 0) bytes[0] = type;
      const std::size_t before = pair.b.drops.size();
      pair.b.on_datagram(pair.a.endpoint, bytes);
      REQUIRE(pair.b.drops.size() == before + 1);
    }
  }
  CHECK(pair.b.sessions.empty());
}
