#include "routing/lsa.h"

#include <doctest/doctest.h>

#include "routing/identity.h"
#include "routing/limits.h"

using namespace starling;
using namespace starling::routing;

namespace {

const Identity& identity() {
  static const Identity identity{SecretKey{Bytes(std::array<std::uint8_t, 32>{1, 2, 3})}};
  return identity;
}

LsaContent some_content() {
  LsaContent content;
  content.attributes = NodeAttributes{"a", PublicKey{}, true, false};
  LsaLink link;
  link.neighbor.bytes.fill(7);
  link.metric = 20;
  link.manual = true;
  content.links.push_back(link);
  for (const char* text : {"0.0.0.0/0", "10.1.0.0/17", "10.1.2.3/32", "::/0", "fd40::/13", "fd42::1/128"}) {
    content.prefixes.push_back(Prefix::parse(text).value());
  }
  return content;
}

// A body of one TLV.
std::vector<std::uint8_t> tlv(std::uint8_t type, std::vector<std::uint8_t> value) {
  std::vector<std::uint8_t> body{type, static_cast<std::uint8_t>(value.size() >> 8),
                                 static_cast<std::uint8_t>(value.size())};
  body.insert(body.end(), value.begin(), value.end());
  return body;
}

}  // namespace

TEST_CASE("a body survives encoding and decoding, and is as large as its parts say") {
  const LsaContent content = some_content();
  const auto body = encode_body(content);
  CHECK(decode_body(body) == content);
  std::size_t size = encoded_size(*content.attributes) + encoded_size(content.links[0]);
  for (const Prefix& prefix : content.prefixes) size += encoded_size(prefix);
  CHECK(body.size() == size);
  CHECK(encode_body({}).empty());
}

TEST_CASE("unknown TLVs in a body, and bytes behind a known link, are skipped") {
  auto body = tlv(99, {1, 2, 3});
  const auto known = encode_body(some_content());
  body.insert(body.end(), known.begin(), known.end());
  CHECK(decode_body(body) == some_content());
  std::vector<std::uint8_t> longer(50, 0);
  longer[35] = 5;
  REQUIRE(decode_body(tlv(2, longer)));
  CHECK(decode_body(tlv(2, longer))->links[0].metric == 5);
}

TEST_CASE("a body that breaks the format is refused") {
  CHECK_FALSE(decode_body(tlv(3, {4, 33, 10, 0, 0, 0, 0})));  // longer than the family
  CHECK_FALSE(decode_body(tlv(3, {5, 8, 10})));               // no such family
  CHECK_FALSE(decode_body(tlv(3, {4, 8, 10, 0})));            // a byte too many
  CHECK_FALSE(decode_body(tlv(3, {4, 16, 10})));              // a byte too few
  CHECK_FALSE(decode_body(tlv(3, {4, 7, 11})));               // host bits
  CHECK(decode_body(tlv(3, {4, 8, 10})));
  CHECK_FALSE(decode_body(tlv(2, std::vector<std::uint8_t>(45, 0))));     // metric 0
  CHECK_FALSE(decode_body(tlv(2, std::vector<std::uint8_t>(45, 0xff))));  // metric too large
  std::vector<std::uint8_t> link(45, 0);
  link[35] = 1;
  CHECK(decode_body(tlv(2, link)));
  CHECK_FALSE(decode_body(tlv(2, {link.begin(), link.end() - 1})));    // too short
  CHECK_FALSE(decode_body(tlv(1, std::vector<std::uint8_t>(33, 0))));  // no name
  std::vector<std::uint8_t> attributes(34, 0);
  attributes[33] = ' ';
  CHECK_FALSE(decode_body(tlv(1, attributes)));  // a name of other characters
  attributes[33] = 'x';
  auto twice = tlv(1, attributes);
  CHECK(decode_body(twice));
  const auto once = twice;
  twice.insert(twice.end(), once.begin(), once.end());
  CHECK_FALSE(decode_body(twice));  // said twice
  CHECK_FALSE(decode_body(Bytes(once).first(once.size() - 1)));
}

TEST_CASE("a header alone is verified, and no field of it can be changed") {
  const auto sign = [](Bytes message) { return identity().sign(message); };
  const LsaHandle lsa = make_lsa({identity().id(), 1}, 5, 3600, some_content(), sign);
  const auto verifies = [&](const LsaHeader& header) {
    return verify_signature(identity().id(), signature_input(header), lsa->signature());
  };
  CHECK(verifies(lsa->header()));
  LsaHeader changed = lsa->header();
  changed.key.fragment++;
  CHECK_FALSE(verifies(changed));
  changed = lsa->header();
  changed.sequence++;
  CHECK_FALSE(verifies(changed));
  changed = lsa->header();
  changed.lifetime_s++;
  CHECK_FALSE(verifies(changed));
  changed = lsa->header();
  changed.body_hash[31] ^= 1;
  CHECK_FALSE(verifies(changed));
  changed = lsa->header();
  changed.key.origin.bytes[0] ^= 1;
  CHECK_FALSE(verifies(changed));
  CHECK(hash_body(lsa->body()) == lsa->header().body_hash);
}

TEST_CASE("of two announcements exactly one is newer, by sequence before all else") {
  LsaHeader a;
  a.sequence = 5;
  LsaHeader b = a;
  CHECK_FALSE(is_newer(a, b));
  b.sequence = 6;
  CHECK(is_newer(b, a));
  CHECK_FALSE(is_newer(a, b));
  a.sequence = 6;
  a.body_hash[0] = 1;
  CHECK(is_newer(a, b));
  CHECK_FALSE(is_newer(b, a));
}

TEST_CASE("the identity follows from the private key alone") {
  const Identity again{SecretKey{Bytes(std::array<std::uint8_t, 32>{1, 2, 3})}};
  const Identity other{SecretKey{Bytes(std::array<std::uint8_t, 32>{1, 2, 4})}};
  CHECK(again.id() == identity().id());
  CHECK(other.id() != identity().id());
}

TEST_CASE("a body that fits no packet is a programming error") {
  LsaContent content;
  for (int i = 0; i < 200; i++)
    content.prefixes.emplace_back(IpAddress::v4({10, static_cast<std::uint8_t>(i), 0, 0}), 32);
  const auto sign = [](Bytes message) { return identity().sign(message); };
  CHECK_THROWS_AS(make_lsa({identity().id(), 0}, 1, 3600, content, sign), std::length_error);
}
