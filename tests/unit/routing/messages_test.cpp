#include "routing/messages.h"

#include <doctest/doctest.h>

#include "base/key.h"
#include "routing/identity.h"

using namespace starling;
using namespace starling::routing;

namespace {

const Envelope kEnvelope{0x1111111111111111u, 0x2222222222222222u};

LsaKey key(std::uint8_t first, std::uint16_t fragment = 0) {
  LsaKey key;
  key.origin.bytes.fill(first);
  key.fragment = fragment;
  return key;
}

Hello some_hello() {
  Hello hello;
  hello.sequence = 7;
  hello.timestamp_us = 0xfffffffe;
  hello.echo_timestamp_us = 12;
  hello.echo_hold_us = 34;
  hello.has_echo = true;
  hello.interval_us = 100'000;
  hello.multiplier = 3;
  hello.state = NeighborState::exchange;
  hello.node = key(9).origin;
  hello.digest.fill(0xab);
  return hello;
}

LsaHandle some_lsa(std::size_t prefixes = 3) {
  std::array<std::uint8_t, 32> secret{};
  secret[0] = 1;
  const Identity identity{SecretKey{Bytes(secret)}};
  LsaContent content;
  content.attributes = NodeAttributes{"node-a.example", PublicKey{}, false, true};
  content.links.push_back({key(4).origin, 10, 1500, 25, 1420});
  for (std::size_t i = 0; i < prefixes; i++) {
    content.prefixes.emplace_back(IpAddress::v4({10, static_cast<std::uint8_t>(i), 0, 0}), 16);
  }
  return make_lsa({identity.id(), 2}, 99, 3600, content, [&](Bytes message) { return identity.sign(message); });
}

std::vector<std::vector<std::uint8_t>> one_of_each() {
  Headers headers{key(1), key(5, 3), false, {{key(1), 1, 2}, {key(5, 2), 3, 4}}};
  std::vector<std::vector<std::uint8_t>> packets{encode(kEnvelope, some_hello()),
                                                 encode(kEnvelope, Ask{key(3, 1)}),
                                                 encode(kEnvelope, headers),
                                                 encode(kEnvelope, Request{{key(1), key(2)}}),
                                                 encode(kEnvelope, Ack{{{key(1), 5, 6}}}),
                                                 encode(kEnvelope, PathProbe{4, 60}),
                                                 encode(kEnvelope, PathAnswer{5, 6})};
  UpdatePacker(kEnvelope, packets).add(*some_lsa(), 1234);
  return packets;
}

template <typename T>
T decoded(const std::vector<std::uint8_t>& packet) {
  const auto message = decode_message(packet);
  REQUIRE(message.ok());
  CHECK(message->envelope.instance == kEnvelope.instance);
  CHECK(message->envelope.peer_instance == kEnvelope.peer_instance);
  return std::get<T>(message->content);
}

void set_size(std::vector<std::uint8_t>& packet) {
  ByteWriter(packet).patch_u16(2, static_cast<std::uint16_t>(packet.size()));
}

}  // namespace

TEST_CASE("every message survives encoding and decoding") {
  CHECK(decoded<Hello>(encode(kEnvelope, some_hello())) == some_hello());
  CHECK(decoded<Ask>(encode(kEnvelope, Ask{key(3, 1)})) == Ask{key(3, 1)});
  const Headers headers{key(1), key(5, 3), false, {{key(1), 1, 2}, {key(5, 2), 3, 4}}};
  CHECK(decoded<Headers>(encode(kEnvelope, headers)) == headers);
  const Headers last{key(1), LsaKey{}, true, {}};
  CHECK(decoded<Headers>(encode(kEnvelope, last)) == last);
  const Request request{{key(1), key(2, 7)}};
  CHECK(decoded<Request>(encode(kEnvelope, request)) == request);
  const Ack ack{{{key(1), 5, 6}, {key(2), 7, 8}}};
  CHECK(decoded<Ack>(encode(kEnvelope, ack)) == ack);
  const PathAnswer answer{7, 0x80000001};
  CHECK(decoded<PathAnswer>(encode(kEnvelope, answer)) == answer);
}

TEST_CASE("a path probe has the size that is asked for, up to what an MTU of 65535 carries") {
  for (const std::size_t size : {24u, 27u, 28u, 1200u, 1201u, 1372u, 65487u}) {
    const PathProbe probe{3, static_cast<std::uint16_t>(size)};
    const auto packet = encode(kEnvelope, probe);
    CHECK(packet.size() == size);
    CHECK(decoded<PathProbe>(packet) == probe);
  }
  CHECK(encode(kEnvelope, PathProbe{3, 25}).size() == 27);  // a TLV has three bytes or more
  std::vector<std::uint8_t> too_long = encode(kEnvelope, PathProbe{3, 65487});
  too_long.push_back(0);
  CHECK(decode_message(too_long).error() == RejectReason::too_long);
}

TEST_CASE("an announcement arrives in an Update with header, signature, age and body") {
  const LsaHandle lsa = some_lsa();
  std::vector<std::vector<std::uint8_t>> packets;
  UpdatePacker packer(kEnvelope, packets);
  packer.add(*lsa, 1234);
  packer.add(*without_body(*lsa), 0);
  REQUIRE(packets.size() == 1);
  const auto update = decoded<Update>(packets[0]);
  REQUIRE(update.lsas.size() == 2);
  CHECK(update.lsas[0].header == lsa->header());
  CHECK(update.lsas[0].signature == lsa->signature());
  CHECK(update.lsas[0].remaining_ms == 1234);
  CHECK(update.lsas[0].has_body);
  CHECK(decode_body(update.lsas[0].body) == lsa->content());
  CHECK_FALSE(update.lsas[1].has_body);
  CHECK(update.lsas[1].header == lsa->header());
}

TEST_CASE("no packet exceeds the limit, however much there is to say") {
  std::vector<std::vector<std::uint8_t>> packets;
  UpdatePacker packer(kEnvelope, packets);
  for (int i = 0; i < 20; i++) packer.add(*some_lsa(static_cast<std::size_t>(6 * i)), 1);
  CHECK(packets.size() > 5);
  std::size_t lsas = 0;
  for (const auto& packet : packets) {
    CHECK(packet.size() <= kMaxPacketSize);
    lsas += decoded<Update>(packet).lsas.size();
  }
  CHECK(lsas == 20);
  Ack ack{std::vector<LsaSummary>(kSummariesPerAck)};
  CHECK(encode(kEnvelope, ack).size() <= kMaxPacketSize);
  Headers headers{LsaKey{}, LsaKey{}, true, std::vector<LsaSummary>(kSummariesPerHeaders)};
  CHECK(encode(kEnvelope, headers).size() <= kMaxPacketSize);
  Request request{std::vector<LsaKey>(kKeysPerRequest)};
  CHECK(encode(kEnvelope, request).size() <= kMaxPacketSize);
}

TEST_CASE("a packet cut off at any byte is refused, also when its size field agrees") {
  for (const auto& packet : one_of_each()) {
    for (std::size_t size = 0; size < packet.size(); size++) {
      std::vector<std::uint8_t> cut(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(size));
      CHECK_FALSE(decode_message(cut).ok());
      if (size < kMessageHeaderSize) continue;
      set_size(cut);
      const auto message = decode_message(cut);
      if (!message.ok()) continue;  // else it ends exactly between two TLVs
      CHECK_FALSE(std::holds_alternative<Hello>(message->content));
    }
  }
}

TEST_CASE("a packet with any bit flipped is decoded or refused with a reason") {
  std::size_t refused = 0;
  for (const auto& packet : one_of_each()) {
    for (std::size_t bit = 0; bit < packet.size() * 8; bit++) {
      std::vector<std::uint8_t> flipped = packet;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
      const auto message = decode_message(flipped);
      if (!message.ok()) {
        refused++;
        CHECK(std::string(to_string(message.error())) != "unknown");
      }
    }
  }
  CHECK(refused > 6 * 32);
}

TEST_CASE("unknown TLVs are skipped and known ones still read") {
  std::vector<std::uint8_t> packet = encode(kEnvelope, Ack{{{key(1), 5, 6}}});
  const std::vector<std::uint8_t> unknown{200, 0, 2, 0xaa, 0xbb};
  packet.insert(packet.begin() + kMessageHeaderSize, unknown.begin(), unknown.end());
  set_size(packet);
  CHECK(decoded<Ack>(packet) == Ack{{{key(1), 5, 6}}});
}

TEST_CASE("each broken packet has its reason") {
  const auto reason = [](std::vector<std::uint8_t> packet) { return decode_message(packet).error(); };
  auto packet = encode(kEnvelope, some_hello());
  CHECK(reason({}) == RejectReason::truncated);
  CHECK(reason(std::vector<std::uint8_t>(kMaxPacketSize + 1)) == RejectReason::too_long);
  auto broken = packet;
  broken[0] = 2;
  CHECK(reason(broken) == RejectReason::bad_version);
  broken = packet;
  broken[1] = 99;
  CHECK(reason(broken) == RejectReason::unknown_type);
  broken = packet;
  broken.push_back(0);
  CHECK(reason(broken) == RejectReason::bad_size);
  set_size(broken);
  CHECK(reason(broken) == RejectReason::malformed_tlv);
  CHECK(reason(encode({0, 0}, some_hello())) == RejectReason::bad_value);
  Hello hello = some_hello();
  hello.multiplier = 1;
  CHECK(reason(encode(kEnvelope, hello)) == RejectReason::bad_value);
  hello = some_hello();
  hello.interval_us = 9'999;
  CHECK(reason(encode(kEnvelope, hello)) == RejectReason::bad_value);
  CHECK(reason(encode(kEnvelope, Headers{key(5), key(5), false, {}})) == RejectReason::bad_value);
  CHECK(reason(encode(kEnvelope, Headers{key(5), key(6), false, {{key(7), 1, 1}}})) == RejectReason::bad_value);
}

TEST_CASE("a Hello has the bytes that docs/protocol.md gives") {
  CHECK(to_hex(encode(kEnvelope, some_hello())) ==
        "0101005c11111111111111112222222222222222"                          // header
        "00000007fffffffe0000000c00000022000186a003020100"                  // sequence … reserved
        "0909090909090909090909090909090909090909090909090909090909090909"  // NodeId
        "abababababababababababababababab");                                // digest
}
