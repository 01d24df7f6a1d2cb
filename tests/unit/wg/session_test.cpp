// One session by itself: seal, open, limits.
#include "wg/protocol/session.h"

#include <algorithm>
#include <string>
#include <vector>

#include "doctest/doctest.h"
#include "tests/unit/wg/vectors.h"
#include "wg/protocol/crypto.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};

struct Ends {
  explicit Ends(std::uint64_t first_counter = 0)
      : left(1, {key(1), key(2)}, 0x11223344, 0x55667788, true, kStart, first_counter),
        right(2, {key(2), key(1)}, 0x55667788, 0x11223344, false, kStart) {}

  static SecretKey key(std::uint8_t fill) {
    std::array<std::uint8_t, 32> bytes;
    bytes.fill(fill);
    return SecretKey(bytes);
  }

  Session left, right;
};

std::vector<std::uint8_t> message_with(std::string_view plaintext) {
  std::vector<std::uint8_t> message(kDataOverhead + plaintext.size());
  std::copy(plaintext.begin(), plaintext.end(), message.begin() + kDataHeaderSize);
  return message;
}

}  // namespace

TEST_CASE("a sealed message has the header of a data message and opens to its plaintext at the other end") {
  Ends ends;
  auto message = message_with("sixteen bytes ok");
  REQUIRE(ends.left.seal(kStart, message) == SealResult::ok);
  CHECK(to_hex(Bytes(message).first(16)) == "04000000887766550000000000000000");
  auto second = message_with("");
  REQUIRE(ends.left.seal(kStart, second) == SealResult::ok);
  CHECK(to_hex(Bytes(second).first(16)) == "04000000887766550100000000000000");
  CHECK(second.size() == 32);
  CHECK(ends.left.messages_sent() == 2);

  MutableBytes plaintext;
  REQUIRE(ends.right.open(kStart, message, plaintext) == OpenResult::ok);
  CHECK(std::string(plaintext.begin(), plaintext.end()) == "sixteen bytes ok");
  CHECK(plaintext.data() == message.data() + 16);
  REQUIRE(ends.right.open(kStart, second, plaintext) == OpenResult::ok);
  CHECK(plaintext.empty());
}

TEST_CASE("a message opens once, and a forged one does not use up its counter") {
  Ends ends;
  auto message = message_with("data");
  REQUIRE(ends.left.seal(kStart, message) == SealResult::ok);
  MutableBytes plaintext;
  for (std::size_t i = 8; i < message.size(); i++) {
    auto forged = message;
    forged[i] ^= 0x40;
    CHECK(ends.right.open(kStart, forged, plaintext) != OpenResult::ok);
  }
  auto copy = message;
  CHECK(ends.right.open(kStart, message, plaintext) == OpenResult::ok);
  CHECK(ends.right.open(kStart, copy, plaintext) == OpenResult::replayed);
}

TEST_CASE("anything shorter than a keepalive is too short") {
  Ends ends;
  MutableBytes plaintext;
  for (std::size_t size = 0; size < kDataOverhead; size++) {
    std::vector<std::uint8_t> message(size);
    CHECK(ends.right.open(kStart, message, plaintext) == OpenResult::too_short);
  }
  std::vector<std::uint8_t> no_room(31);
  CHECK_THROWS_AS(ends.left.seal(kStart, no_room), std::invalid_argument);
}

TEST_CASE("a session neither seals nor opens from 180 s on") {
  Ends ends;
  auto message = message_with("late");
  auto other = message;
  REQUIRE(ends.left.seal(kStart + 180s - 1ns, message) == SealResult::ok);
  CHECK(ends.left.seal(kStart + 180s, other) == SealResult::expired);
  auto copy = message;
  MutableBytes plaintext;
  CHECK(ends.right.open(kStart + 180s, copy, plaintext) == OpenResult::expired);
  CHECK(ends.right.open(kStart + 180s - 1ns, message, plaintext) == OpenResult::ok);
}

TEST_CASE("a session refuses to seal after REJECT_AFTER_MESSAGES, however often it is asked") {
  Ends ends(kRejectAfterMessages - 1);
  auto message = message_with("last");
  REQUIRE(ends.left.seal(kStart, message) == SealResult::ok);
  for (int i = 0; i < 20000; i++) {
    auto refused = message_with("no");
    REQUIRE(ends.left.seal(kStart, refused) == SealResult::expired);
  }
  MutableBytes plaintext;
  CHECK(ends.right.open(kStart, message, plaintext) == OpenResult::ok);
}

TEST_CASE("a message whose counter is past REJECT_AFTER_MESSAGES is not opened") {
  Ends ends;
  auto message = message_with("data");
  REQUIRE(ends.left.seal(kStart, message) == SealResult::ok);
  for (std::size_t i = 8; i < 16; i++) message[i] = 0xff;
  MutableBytes plaintext;
  CHECK(ends.right.open(kStart, message, plaintext) == OpenResult::expired);
}

TEST_CASE("padding goes to 16 bytes but never above the MTU") {
  CHECK(padded_size(0, 1420) == 0);
  CHECK(padded_size(1, 1420) == 16);
  CHECK(padded_size(16, 1420) == 16);
  CHECK(padded_size(84, 1420) == 96);
  CHECK(padded_size(1410, 1420) == 1420);
  CHECK(padded_size(1420, 1420) == 1420);
  CHECK(padded_size(1500, 1420) == 1500);
}
