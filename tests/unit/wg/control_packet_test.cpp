#include "wg/protocol/control_packet.h"

#include <stdexcept>
#include <string>

#include "base/random.h"
#include "doctest/doctest.h"
#include "tests/unit/wg/vectors.h"
#include "wg/protocol/crypto.h"
#include "wg/protocol/inner_packet.h"
#include "wg/protocol/link_local.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

constexpr std::uint16_t kPort = 7827;

IpAddress link_local(std::uint8_t fill) {
  PublicKey key;
  key.bytes.fill(fill);
  return link_local_address(key);
}

const ControlChannel kLeft{link_local(1), link_local(2), kPort};
const ControlChannel kRight{link_local(2), link_local(1), kPort};

// With the UDP checksum put right again, to show that a check other than the checksum refuses.
void repair_checksum(std::vector<std::uint8_t>& packet) {
  packet[46] = packet[47] = 0;
  std::uint32_t sum = static_cast<std::uint32_t>(packet.size()) - 40 + 17;
  for (std::size_t i = 8; i < packet.size(); i += 2)
    sum += static_cast<std::uint32_t>(packet[i] << 8) + (i + 1 < packet.size() ? packet[i + 1] : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  packet[46] = static_cast<std::uint8_t>(~sum >> 8);
  packet[47] = static_cast<std::uint8_t>(~sum);
}

ControlVerdict verdict(const std::vector<std::uint8_t>& packet) {
  return parse_control_packet(kRight, packet).verdict;
}

}  // namespace

TEST_CASE("the link-local address is fe80::/64 and the first 8 bytes of the labelled hash of the key") {
  PublicKey key;
  for (std::size_t i = 0; i < 32; i++) key.bytes[i] = static_cast<std::uint8_t>(i);
  // python3 -c 'import hashlib; print(hashlib.blake2s(b"starling link-local v1" + bytes(range(32))).hexdigest()[:16])'
  CHECK(to_hex(link_local_address(key).bytes()) == "fe800000000000003584b200ed55954f");
}

TEST_CASE("a control packet is an ordinary IPv6/UDP packet with the fields of docs/protocol.md") {
  const auto packet = make_control_packet(kLeft, as_bytes("hi!"));
  REQUIRE(packet.size() == kControlEnvelopeSize + 3);
  CHECK(to_hex(Bytes(packet).first(8)) == "6c000000000b11ff");
  CHECK(to_hex(Bytes(packet).subspan(40, 6)) == "1e931e93000b");
  const auto inner = parse_inner_packet(packet);
  REQUIRE(inner);
  CHECK(inner->source == kLeft.local);
  CHECK(inner->destination == kLeft.remote);
  CHECK(inner->traffic_class == 0xc0);
  auto repaired = packet;
  repair_checksum(repaired);
  CHECK(repaired == packet);
}

TEST_CASE("payloads of every size arrive as they were, padded or not") {
  SeededRandom random(1);
  for (const std::size_t size : {0, 1, 2, 3, 15, 16, 17, 1000, 1372, 65527}) {
    std::vector<std::uint8_t> payload(size);
    random.fill(payload);
    auto packet = make_control_packet(kLeft, payload);
    packet.resize(packet.size() + size % 16);
    const auto parsed = parse_control_packet(kRight, packet);
    REQUIRE(parsed.verdict == ControlVerdict::control);
    CHECK(std::equal(parsed.payload.begin(), parsed.payload.end(), payload.begin(), payload.end()));
  }
  CHECK_THROWS_AS(make_control_packet(kLeft, std::vector<std::uint8_t>(65528)), std::invalid_argument);
}

TEST_CASE("a flipped byte never gets another payload to the router") {
  const std::string text = "a payload of an odd length";
  const auto packet = make_control_packet(kLeft, as_bytes(text));
  for (std::size_t i = 0; i < packet.size(); i++) {
    for (int bit = 0; bit < 8; bit++) {
      CAPTURE(i);
      CAPTURE(bit);
      auto flipped = packet;
      flipped[i] ^= static_cast<std::uint8_t>(1 << bit);
      const auto parsed = parse_control_packet(kRight, flipped);
      // Traffic class and flow label may change on the way (RFC 8200 §7): they say nothing about the sender.
      const bool free_field = (i == 0 && bit < 4) || (i > 0 && i < 4);
      if (free_field) {
        CHECK(parsed.verdict == ControlVerdict::control);
      } else {
        CHECK(parsed.verdict != ControlVerdict::control);
      }
      if (i >= 7 && i != 42 && i != 43) CHECK(parsed.verdict == ControlVerdict::invalid);
    }
  }
}

TEST_CASE("each rule of the envelope refuses by itself") {
  const auto good = make_control_packet(kLeft, as_bytes("payload"));
  REQUIRE(verdict(good) == ControlVerdict::control);

  auto packet = good;
  packet[7] = 254;  // came from farther than the tunnel
  repair_checksum(packet);
  CHECK(verdict(packet) == ControlVerdict::invalid);

  packet = good;
  packet[15 + 8] ^= 1;  // another link-local source than the key's
  repair_checksum(packet);
  CHECK(verdict(packet) == ControlVerdict::invalid);

  packet = good;
  packet[39] ^= 1;  // not to us
  repair_checksum(packet);
  CHECK(verdict(packet) == ControlVerdict::invalid);

  packet = good;
  packet[41] ^= 1;  // another source port
  repair_checksum(packet);
  CHECK(verdict(packet) == ControlVerdict::invalid);

  packet = good;
  packet[45] ^= 2;  // UDP and IPv6 disagree about the length
  repair_checksum(packet);
  CHECK(verdict(packet) == ControlVerdict::invalid);

  packet = good;
  packet[46] = packet[47] = 0;  // no checksum
  CHECK(verdict(packet) == ControlVerdict::invalid);

  packet = good;
  packet.pop_back();  // cut short
  CHECK(verdict(packet) == ControlVerdict::invalid);
}

TEST_CASE("a multicast or a routed source cannot reach the control port over link-local") {
  auto packet = make_control_packet({link_local(1), IpAddress::parse("ff02::1").value(), kPort}, as_bytes("x"));
  CHECK(verdict(packet) == ControlVerdict::invalid);
  packet = make_control_packet({IpAddress::parse("fd00::1").value(), link_local(2), kPort}, as_bytes("x"));
  CHECK(verdict(packet) == ControlVerdict::invalid);
}

TEST_CASE("other ports, other protocols and routed addresses are ordinary packets") {
  CHECK(verdict(make_control_packet({link_local(1), link_local(2), 53}, as_bytes("x"))) == ControlVerdict::not_control);
  const IpAddress a = IpAddress::parse("fd00::1").value(), b = IpAddress::parse("fd00::2").value();
  CHECK(verdict(make_control_packet({a, b, kPort}, as_bytes("x"))) == ControlVerdict::not_control);
  auto tcp = make_control_packet(kLeft, as_bytes("x"));
  tcp[6] = 6;
  CHECK(verdict(tcp) == ControlVerdict::not_control);
  CHECK(verdict(from_hex("45000014 00000000 4011 0000 ac140001 ac140002")) == ControlVerdict::not_control);
  CHECK(verdict({}) == ControlVerdict::not_control);
}

TEST_CASE("no bytes make the check pass the end") {
  SeededRandom random(3);
  const auto good = make_control_packet(kLeft, as_bytes("some payload"));
  for (int i = 0; i < 20000; i++) {
    auto packet = good;
    packet.resize(random.below(packet.size() + 20));
    for (std::uint64_t n = random.below(3); n > 0 && !packet.empty(); n--)
      packet[random.below(packet.size())] = static_cast<std::uint8_t>(random.u32());
    const auto parsed = parse_control_packet(kRight, packet);
    if (parsed.verdict == ControlVerdict::control) CHECK(parsed.payload.size() == 12);
  }
}
