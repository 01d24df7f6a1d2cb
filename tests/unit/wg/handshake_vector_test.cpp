// A whole handshake against one that other software computed (crypto_vectors.h): both sides make exactly its messages
// and understand them.
#include <deque>

#include "doctest/doctest.h"
#include "tests/unit/wg/crypto_vectors.h"
#include "tests/unit/wg/vectors.h"
#include "wg/protocol/cookie.h"
#include "wg/protocol/noise.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

constexpr const HandshakeVector& kVector = kHandshakeVectors[0];

// Gives what it was filled with, in order.
class ScriptedRandom final : public RandomSource {
 public:
  explicit ScriptedRandom(std::initializer_list<std::string_view> draws) {
    for (const std::string_view draw : draws) draws_.push_back(from_hex(draw));
  }
  void fill(std::span<std::uint8_t> out) override {
    REQUIRE_FALSE(draws_.empty());
    REQUIRE(draws_.front().size() == out.size());
    std::copy(draws_.front().begin(), draws_.front().end(), out.begin());
    draws_.pop_front();
  }

 private:
  std::deque<std::vector<std::uint8_t>> draws_;
};

SecretKey secret(std::string_view hex) {
  return SecretKey(from_hex(hex));
}

KeyPair key_pair(std::string_view private_key) {
  return {secret(private_key), derive_public_key(secret(private_key))};
}

std::uint32_t index(std::string_view hex) {
  return ByteReader(from_hex(hex)).u32_le();
}

template <typename Message>
std::vector<std::uint8_t> bytes_of(const Message& message) {
  std::vector<std::uint8_t> bytes(sizeof message);
  std::memcpy(bytes.data(), &message, sizeof message);
  return bytes;
}

template <typename Message>
Message message_of(std::string_view hex) {
  const auto bytes = from_hex(hex);
  Message message;
  REQUIRE(bytes.size() == sizeof message);
  std::memcpy(&message, bytes.data(), sizeof message);
  return message;
}

struct Side {
  Side(std::string_view private_key, std::string_view other)
      : local(key_pair(private_key)),
        remote(make_remote_static(local, key_pair(other).public_key, secret(kVector.preshared_key))) {}
  KeyPair local;
  RemoteStatic remote;
};

const Endpoint kInitiatorEndpoint = Endpoint::parse("192.0.2.1:51820").value();

// Checks a data message in both directions: made by one side, opened by the other.
void check_data(Session& sender, Session& receiver, std::string_view hex, std::size_t plaintext_size) {
  auto expected = from_hex(hex);
  auto opened = expected;
  MutableBytes plaintext;
  REQUIRE(receiver.open(Time{}, opened, plaintext) == OpenResult::ok);
  REQUIRE(plaintext.size() == plaintext_size);
  std::vector<std::uint8_t> sealed(kDataOverhead + plaintext.size());
  std::copy(plaintext.begin(), plaintext.end(), sealed.begin() + kDataHeaderSize);
  REQUIRE(sender.seal(Time{}, sealed) == SealResult::ok);
  CHECK(to_hex(sealed) == hex);
}

}  // namespace

TEST_CASE("both sides make the messages of the vector, bit for bit, and end with its transport keys") {
  const Side initiator(kVector.initiator_private, kVector.responder_private);
  const Side responder(kVector.responder_private, kVector.initiator_private);
  Tai64n timestamp;
  REQUIRE(parse_hex(kVector.timestamp, timestamp.bytes));

  ScriptedRandom initiator_random{kVector.initiator_ephemeral};
  InitiatorState initiator_state(responder.local.public_key, index(kVector.initiator_index));
  MessageInitiation initiation;
  REQUIRE(create_initiation(initiator.local, initiator.remote, timestamp, initiator_random, initiator_state,
                            initiation) == HandshakeResult::ok);
  auto bytes = bytes_of(initiation);
  CookieGenerator initiator_cookies(responder.local.public_key);
  initiator_cookies.add_macs(Time{}, bytes);
  CHECK(to_hex(bytes) == kVector.initiation);

  ResponderState responder_state(responder.local.public_key);
  const auto received = message_of<MessageInitiation>(kVector.initiation);
  CHECK(CookieChecker(responder.local.public_key).verify_mac1(from_hex(kVector.initiation)));
  REQUIRE(identify_initiator(responder.local, received, responder_state) == HandshakeResult::ok);
  CHECK(responder_state.initiator == initiator.local.public_key);
  REQUIRE(consume_initiation(responder.remote, received, responder_state) == HandshakeResult::ok);
  CHECK(responder_state.timestamp == timestamp);
  CHECK(responder_state.remote_index == index(kVector.initiator_index));

  ScriptedRandom responder_random{kVector.responder_ephemeral};
  MessageResponse response;
  REQUIRE(create_response(responder.remote, index(kVector.responder_index), responder_random, responder_state,
                          response) == HandshakeResult::ok);
  bytes = bytes_of(response);
  CookieGenerator(initiator.local.public_key).add_macs(Time{}, bytes);
  CHECK(to_hex(bytes) == kVector.response);
  CHECK(CookieChecker(initiator.local.public_key).verify_mac1(from_hex(kVector.response)));
  REQUIRE(consume_response(initiator.local, initiator.remote, message_of<MessageResponse>(kVector.response),
                           initiator_state) == HandshakeResult::ok);

  const auto session = [](const SymmetricState& symmetric, bool is_initiator) {
    const std::uint32_t own = index(is_initiator ? kVector.initiator_index : kVector.responder_index);
    const std::uint32_t other = index(is_initiator ? kVector.responder_index : kVector.initiator_index);
    return std::make_unique<Session>(PeerId{0}, begin_session(symmetric, is_initiator), own, other, is_initiator,
                                     Time{});
  };
  const auto at_initiator = session(initiator_state.symmetric, true);
  const auto at_responder = session(responder_state.symmetric, false);
  check_data(*at_initiator, *at_responder, kVector.initiator_data, 32);
  check_data(*at_responder, *at_initiator, kVector.responder_data, 48);
}

TEST_CASE("the cookie, its reply and mac2 are those of the vector") {
  const KeyPair responder = key_pair(kVector.responder_private);
  CookieChecker checker(responder.public_key);
  ScriptedRandom random{kVector.cookie_secret, kVector.cookie_nonce};
  const auto initiation = from_hex(kVector.initiation);
  const MessageCookieReply reply = checker.create_reply(Time{}, initiation, kInitiatorEndpoint, random);
  CHECK(to_hex(bytes_of(reply)) == kVector.cookie_reply);

  CookieGenerator cookies(responder.public_key);
  auto again = initiation;
  cookies.add_macs(Time{}, again);
  REQUIRE(again == initiation);
  REQUIRE(cookies.consume_reply(Time{}, message_of<MessageCookieReply>(kVector.cookie_reply)) ==
          CookieGenerator::ReplyResult::ok);
  cookies.add_macs(Time{}, again);
  CHECK(to_hex(again) == kVector.initiation_with_cookie);
  CHECK(checker.verify_mac2(Time{}, from_hex(kVector.initiation_with_cookie), kInitiatorEndpoint));
  CHECK_FALSE(checker.verify_mac2(Time{}, initiation, kInitiatorEndpoint));
}
