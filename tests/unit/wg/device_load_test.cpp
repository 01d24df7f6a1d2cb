// A Device under load: who is read, who is asked for a cookie, who has had enough, and that honest peers get in.
#include <set>

#include "doctest/doctest.h"
#include "tests/unit/wg/network.h"
#include "tests/unit/wg/raw_initiator.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

Endpoint endpoint(const std::string& text) {
  return Endpoint::parse(text).value();
}

// A different source for each number.
Endpoint spoofed(std::uint32_t number) {
  const auto byte = [&](int shift) { return static_cast<std::uint8_t>(number >> shift); };
  return {IpAddress::v4({198, byte(16), byte(8), byte(0)}), static_cast<std::uint16_t>(1024 + number % 60000)};
}

// A host with valid mac1 initiations of a stranger to flood it with. One that is read, which costs a Diffie-Hellman
// function, is an unknown peer; that is how reading shows.
struct Victim {
  Victim() : host(network.add_host("192.0.2.2:51820")), attacker(5, host.key()) {}

  void flood(std::size_t count) {
    for (std::size_t i = 0; i < count; i++) host.on_datagram(spoofed(next_source++), initiation);
  }
  // Under load from now on, and for as long as this is called at least once a second.
  void keep_loaded() { flood(kHandshakeQueueSize + 1); }
  std::size_t read_count() const { return host.drop_count(DropReason::unknown_peer); }
  std::size_t refused_count() const { return host.drop_count(DropReason::cookie_required); }
  std::vector<std::uint8_t> last_reply() const { return network.recorded.back().second; }

  Network network{1};
  Host& host;
  RawInitiator attacker;
  std::vector<std::uint8_t> initiation = attacker.make_initiation(network.now);
  std::uint32_t next_source = 0;
};

// Keeps hosts under load with spoofed initiations while the network runs: more than fit, twice as often as load lasts.
void run_flooded(Network& network, const std::vector<Host*>& victims, Duration duration) {
  std::vector<std::vector<std::uint8_t>> initiations;
  for (const Host* victim : victims) initiations.push_back(RawInitiator(6, victim->key()).make_initiation(network.now));
  const Time end = network.now.monotonic + duration;
  for (std::uint32_t n = 0; network.now.monotonic < end; n++) {
    for (std::size_t i = 0; i < victims.size(); i++) {
      for (std::uint32_t k = 0; k <= kHandshakeQueueSize; k++)
        victims[i]->on_datagram(spoofed(1000 * n + k), initiations[i]);
    }
    network.run_for(std::min<Duration>(kUnderLoadTime / 2, end - network.now.monotonic));
  }
}

bool has_mac2(Bytes message) {
  const Bytes mac2 = message.last(kMacSize);
  return std::any_of(mac2.begin(), mac2.end(), [](std::uint8_t byte) { return byte != 0; });
}

}  // namespace

TEST_CASE("of many initiations at one moment 128 are read, and each of the others is answered by a cookie reply") {
  Victim victim;
  victim.flood(200);
  CHECK(victim.read_count() == 128);
  CHECK(victim.refused_count() == 72);
  CHECK(victim.host.drops.size() == 200);
  CHECK(victim.host.sent_count(MessageType::cookie_reply) == 72);
  CHECK(victim.host.sent_count(MessageType::response) == 0);
}

TEST_CASE("1000 initiations a second are no load, for as long as they come") {
  Victim victim;
  for (int i = 0; i < 3000; i++) {
    victim.flood(1);
    victim.network.run_for(1ms);
  }
  CHECK(victim.read_count() == 3000);
}

TEST_CASE("2000 initiations a second are load once 128 wait: with the 256th") {
  // The n-th comes at n/2 ms and waits behind n − n/2 others, each of which takes 1 ms.
  Victim victim;
  for (int i = 0; i < 1000 && victim.refused_count() == 0; i++) {
    victim.flood(1);
    victim.network.run_for(500us);
  }
  CHECK(victim.read_count() == 255);
}

TEST_CASE("load ends exactly one second after the last message that did not fit") {
  Victim victim;
  victim.flood(129);
  victim.network.run_for(1s - 1ns);
  victim.flood(1);
  CHECK(victim.refused_count() == 2);
  victim.network.run_for(1ns);
  victim.flood(1);
  CHECK(victim.refused_count() == 2);
  CHECK(victim.read_count() == 129);
}

TEST_CASE(
    "whoever reads the socket may say that messages pile up: load for exactly one second, however few were read") {
  Victim victim;
  victim.host.device.on_handshakes_piled_up(victim.network.now);
  victim.flood(1);
  CHECK(victim.refused_count() == 1);
  victim.network.run_for(1s - 1ns);
  victim.flood(1);
  CHECK(victim.refused_count() == 2);
  victim.network.run_for(1ns);
  victim.flood(1);
  CHECK(victim.read_count() == 1);
}

TEST_CASE("messages with a bad mac1 make no load and get no cookie") {
  Victim victim;
  victim.initiation[116] ^= 1;
  victim.flood(1000);
  CHECK(victim.host.drop_count(DropReason::bad_mac1) == 1000);
  CHECK(victim.host.sent_count(MessageType::cookie_reply) == 0);
  victim.initiation[116] ^= 1;
  victim.flood(128);
  CHECK(victim.read_count() == 128);
}

TEST_CASE("a flood from spoofed sources costs no more Diffie-Hellman functions than the queue holds") {
  Victim victim;
  for (int i = 0; i < 20; i++) {
    victim.flood(1000);
    victim.network.run_for(1ms);  // a million a second
  }
  CHECK(victim.read_count() == 128);
  CHECK(victim.refused_count() == 20'000 - 128);
}

TEST_CASE("a cookie reply is smaller than either message that it answers") {
  CHECK(sizeof(MessageCookieReply) < sizeof(MessageResponse));
  CHECK(sizeof(MessageCookieReply) < sizeof(MessageInitiation));
}

TEST_CASE("under load an initiation with the cookie of its source is read, from another address or port it is not") {
  Victim victim;
  victim.keep_loaded();
  RawInitiator honest(7, victim.host.key());
  const Endpoint source = endpoint("192.0.2.7:7777");
  const Now now = victim.network.now;
  victim.host.on_datagram(source, honest.make_initiation(now));
  CHECK(victim.host.drops.back() == DropReason::cookie_required);
  REQUIRE(honest.take_cookie(now, victim.last_reply()) == CookieGenerator::ReplyResult::ok);

  const auto with_cookie = honest.make_initiation(now);
  CHECK(has_mac2(with_cookie));
  victim.host.on_datagram(endpoint("192.0.2.7:7778"), with_cookie);
  CHECK(victim.host.drops.back() == DropReason::cookie_required);
  victim.host.on_datagram(endpoint("192.0.2.8:7777"), with_cookie);
  CHECK(victim.host.drops.back() == DropReason::cookie_required);
  victim.host.on_datagram(endpoint("[::ffff:192.0.2.7]:7777"), with_cookie);
  CHECK(victim.host.drops.back() == DropReason::cookie_required);
  victim.host.on_datagram(source, with_cookie);
  CHECK(victim.host.drops.back() == DropReason::unknown_peer);  // read
}

TEST_CASE("under load one source has 5 messages read at once and then 20 a second, whatever its ports") {
  Victim victim;
  const auto send_with_cookie = [&](const Endpoint& from) {
    RawInitiator honest(7, victim.host.key());
    victim.host.on_datagram(from, honest.make_initiation(victim.network.now));
    REQUIRE(honest.take_cookie(victim.network.now, victim.last_reply()) == CookieGenerator::ReplyResult::ok);
    victim.host.on_datagram(from, honest.make_initiation(victim.network.now));
    return victim.host.drops.back();
  };
  victim.keep_loaded();
  for (std::uint16_t port = 1; port <= 5; port++) {
    CHECK(send_with_cookie({IpAddress::v4({192, 0, 2, 7}), port}) == DropReason::unknown_peer);
  }
  CHECK(send_with_cookie(endpoint("192.0.2.7:6")) == DropReason::source_rate_limited);
  CHECK(send_with_cookie(endpoint("192.0.2.8:6")) == DropReason::unknown_peer);
  victim.network.run_for(50ms - 1ns);
  CHECK(send_with_cookie(endpoint("192.0.2.7:6")) == DropReason::source_rate_limited);
  victim.network.run_for(1ns);
  CHECK(send_with_cookie(endpoint("192.0.2.7:6")) == DropReason::unknown_peer);
  CHECK(send_with_cookie(endpoint("192.0.2.7:6")) == DropReason::source_rate_limited);
}

TEST_CASE("mac2 does not matter while there is no load") {
  Pair pair;
  pair.network.filter = [&](const Endpoint& from, const Endpoint& to, Bytes bytes) {
    if (bytes[0] != 1 || has_mac2(bytes)) return true;
    std::vector<std::uint8_t> changed(bytes.begin(), bytes.end());
    changed.back() = 0x77;
    pair.network.post(from, to, changed);
    return false;
  };
  pair.a.send(pair.b_at_a, "x");
  pair.network.run_for(30ms);
  CHECK(pair.b.received.size() == 1);
}

TEST_CASE("a flooded responder lets an honest initiator in with its second initiation") {
  Pair pair;
  run_flooded(pair.network, {&pair.b}, 200ms);
  pair.a.send(pair.b_at_a, "honest");
  const Time sent = pair.network.now.monotonic;
  run_flooded(pair.network, {&pair.b}, 6s);
  REQUIRE(pair.b.received.size() == 1);
  CHECK(pair.a.sent_count(MessageType::initiation) == 2);
  // A cookie reply does not make it try earlier.
  CHECK(pair.b.received[0].at >= sent + kRekeyTimeout);
  CHECK(pair.b.received[0].at <= sent + kRekeyTimeout + kRekeyTimeoutJitterMax + 30ms);
  CHECK(pair.a.drops.empty());
}

TEST_CASE("a flooded initiator lets its responder in with its second response") {
  Pair pair;
  run_flooded(pair.network, {&pair.a}, 200ms);
  pair.a.send(pair.b_at_a, "honest");
  run_flooded(pair.network, {&pair.a}, 6s);
  REQUIRE(pair.b.received.size() == 1);
  CHECK(pair.a.sent_count(MessageType::initiation) == 2);
  CHECK(pair.b.sent_count(MessageType::response) == 2);
  CHECK(pair.b.drops.empty());
}

TEST_CASE("two flooded hosts get a session after two cookies, and it lives through a renewal under the flood") {
  Pair pair;
  run_flooded(pair.network, {&pair.a, &pair.b}, 200ms);
  pair.a.send(pair.b_at_a, "honest");
  run_flooded(pair.network, {&pair.a, &pair.b}, 11s);
  REQUIRE(pair.b.received.size() == 1);
  CHECK(pair.a.sent_count(MessageType::initiation) == 3);
  pair.network.run_for(108s);
  std::size_t sent = 1;
  for (int i = 0; i < 35; i++) {
    pair.a.send(pair.b_at_a, "more");
    sent++;
    run_flooded(pair.network, {&pair.a, &pair.b}, 1s);
  }
  CHECK(pair.b.received.size() == sent);
  CHECK(pair.b.established.size() == 2);
}

TEST_CASE("where both begin at once and one is flooded, the other understands both of its cookie replies") {
  // It has an initiation and a response out when the replies to them come.
  Pair pair;
  run_flooded(pair.network, {&pair.b}, 200ms);
  pair.a.send(pair.b_at_a, "from a");
  pair.b.send(pair.a_at_b, "from b");
  run_flooded(pair.network, {&pair.b}, 1s);
  CHECK(pair.a.sent_count(MessageType::initiation) == 1);
  CHECK(pair.a.sent_count(MessageType::response) == 1);
  CHECK(pair.a.received.empty());
  run_flooded(pair.network, {&pair.b}, 6s);
  CHECK(pair.a.received.size() == 1);
  CHECK(pair.b.received.size() == 1);
  CHECK(pair.a.drops.empty());
}

TEST_CASE("a response to a handshake of ours is asked for a cookie too; one to no handshake is not") {
  HoldingPair pair(MessageType::response);
  std::vector<std::uint8_t>& response = pair.held;
  REQUIRE(response.size() == sizeof(MessageResponse));
  const auto flood = RawInitiator(6, pair.a.key()).make_initiation(pair.network.now);
  for (std::uint32_t i = 0; i < 129; i++) pair.a.on_datagram(spoofed(i), flood);
  const std::size_t replies = pair.a.sent_count(MessageType::cookie_reply);
  pair.a.on_datagram(pair.b.endpoint, response);
  CHECK(pair.a.drops.back() == DropReason::cookie_required);
  CHECK(pair.a.drop_peers.back() == pair.b_at_a);
  CHECK(pair.a.sent_count(MessageType::cookie_reply) == replies + 1);

  response[8] ^= 1;  // the receiver index; mac1 made right again
  CookieGenerator(pair.a.key()).add_macs(Time{}, response);
  pair.a.on_datagram(pair.b.endpoint, response);
  CHECK(pair.a.drops.back() == DropReason::unknown_receiver);
  CHECK(pair.a.sent_count(MessageType::cookie_reply) == replies + 1);
}

TEST_CASE("a flood of responses to a handshake of ours is load as well") {
  HoldingPair pair(MessageType::response);
  std::vector<std::uint8_t>& response = pair.held;
  response[44] ^= 1;  // forged: the right index, a wrong tag
  CookieGenerator(pair.a.key()).add_macs(Time{}, response);
  for (std::uint32_t i = 0; i < 1000; i++) pair.a.on_datagram(spoofed(i), response);
  CHECK(pair.a.drop_count(DropReason::bad_handshake) == 128);
  CHECK(pair.a.drop_count(DropReason::cookie_required) == 872);
}

TEST_CASE("cookies of one source are the same for two minutes, and an old one counts for as long as it is used") {
  Victim victim;
  RawInitiator honest(7, victim.host.key());
  const Endpoint source = endpoint("[2001:db8::7]:7777");
  const auto reading = [&] {
    victim.keep_loaded();
    victim.host.on_datagram(source, honest.make_initiation(victim.network.now));
    return victim.host.drops.back();
  };
  victim.keep_loaded();  // the secret is drawn here
  victim.network.run_for(119s);
  CHECK(reading() == DropReason::cookie_required);
  REQUIRE(honest.take_cookie(victim.network.now, victim.last_reply()) == CookieGenerator::ReplyResult::ok);
  victim.network.run_for(119s);  // the secret has changed in between
  CHECK(reading() == DropReason::unknown_peer);
  victim.network.run_for(1s);  // the initiator drops its cookie
  CHECK(reading() == DropReason::cookie_required);
}

TEST_CASE("a cookie does not outlive the second change of the secret") {
  SeededRandom random(1);
  const PublicKey key = generate_key_pair(random).public_key;
  CookieChecker checker(key);
  const Endpoint source = endpoint("192.0.2.7:7777");
  std::vector<std::uint8_t> message(sizeof(MessageInitiation), 0x31);
  CookieGenerator generator(key);
  const Time start(1000s);
  generator.add_macs(start, message);
  const MessageCookieReply reply = checker.create_reply(start, message, source, random);
  REQUIRE(generator.consume_reply(start, reply) == CookieGenerator::ReplyResult::ok);
  generator.add_macs(start, message);
  checker.create_reply(start + 120s, message, source, random);
  CHECK(checker.verify_mac2(start + 239s, message, source));
  CHECK_FALSE(checker.verify_mac2(start + 240s, message, source));
  checker.create_reply(start + 240s, message, source, random);
  CHECK_FALSE(checker.verify_mac2(start + 239s, message, source));
}

TEST_CASE("no two cookie replies share a nonce, and each bit of mac2 counts") {
  SeededRandom random(1);
  const PublicKey key = generate_key_pair(random).public_key;
  CookieChecker checker(key);
  CookieGenerator generator(key);
  const Endpoint source = endpoint("192.0.2.7:7777");
  std::vector<std::uint8_t> message(sizeof(MessageResponse), 0x31);
  std::set<std::array<std::uint8_t, 24>> nonces;
  for (int i = 0; i < 100; i++) {
    generator.add_macs(Time{}, message);
    const MessageCookieReply reply = checker.create_reply(Time{}, message, source, random);
    CHECK(nonces.insert(reply.nonce).second);
    REQUIRE(generator.consume_reply(Time{}, reply) == CookieGenerator::ReplyResult::ok);
  }
  generator.add_macs(Time{}, message);
  REQUIRE(checker.verify_mac2(Time{}, message, source));
  for (std::size_t bit = 0; bit < message.size() * 8; bit++) {
    message[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    CHECK_FALSE(checker.verify_mac2(Time{}, message, source));
    message[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
  }
}

TEST_CASE("a Device that never was under load accepts no mac2, not even one made with a cookie of zeros") {
  SeededRandom random(1);
  const PublicKey key = generate_key_pair(random).public_key;
  std::vector<std::uint8_t> message(sizeof(MessageInitiation), 0x31);
  CookieGenerator(key).add_macs(Time{}, message);
  const Mac mac2 = mac(Mac{}, Bytes(message).first(message.size() - kMacSize));
  std::copy(mac2.begin(), mac2.end(), message.end() - kMacSize);
  CHECK_FALSE(CookieChecker(key).verify_mac2(Time{}, message, endpoint("192.0.2.7:7777")));
}

TEST_CASE("a flooded Device does the same for the same seed") {
  const auto trace = [] {
    Pair pair;
    run_flooded(pair.network, {&pair.a, &pair.b}, 200ms);
    pair.a.send(pair.b_at_a, "honest");
    run_flooded(pair.network, {&pair.a, &pair.b}, 2s);
    return pair.network.trace_hash;
  };
  CHECK(trace() == trace());
}
