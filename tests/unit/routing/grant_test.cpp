#include "routing/grant.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "base/date.h"
#include "base/random.h"
#include "routing/grant_book.h"
#include "routing/identity.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

SecretKey secret(std::uint8_t fill) {
  std::array<std::uint8_t, kKeySize> bytes;
  bytes.fill(fill);
  return SecretKey{Bytes(bytes)};
}

NodeId node(std::uint8_t fill) {
  NodeId id;
  id.bytes.fill(fill);
  return id;
}

PrefixPattern pattern(const char* text) {
  return PrefixPattern::parse(text).value();
}

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

Grant grant_of(std::uint8_t holder, std::uint64_t serial = 7) {
  Grant grant;
  grant.holder = node(holder);
  grant.serial = serial;
  grant.until_s = 1'800'000'000;
  grant.rights = {pattern("10.1.0.0/16{16,24}"), pattern("fd01::/48"), pattern("0.0.0.0/0")};
  return grant;
}

struct Owner {
  Identity identity = Identity::of_network(secret(5));
  LsaHandle sign(const Grant& grant) const {
    return sign_grant(grant, [this](Bytes message) { return identity.sign(message); });
  }
};

WallTime at_second(std::int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

}  // namespace

TEST_CASE("a grant reads back as it was signed, from an announcement and from its text") {
  const Owner owner;
  const Grant grant = grant_of(1);
  const LsaHandle lsa = owner.sign(grant);
  CHECK(lsa->key() == LsaKey{node(1), kGrantFragment});
  CHECK(lsa->header().sequence == 7);
  CHECK(lsa->header().lifetime_s == 0);
  CHECK(decode_grant(lsa->header(), lsa->body()) == grant);
  const auto parsed = parse_grant(grant_to_text(*lsa));
  REQUIRE(parsed.ok());
  CHECK(parsed->grant == grant);
  CHECK(parsed->lsa->header() == lsa->header());
  CHECK(parsed->lsa->fingerprint() == lsa->fingerprint());
  CHECK(is_signed_by(*parsed->lsa, owner.identity.id(), verify_signature));
}

TEST_CASE("only the network key that signed a grant is its signer, and a node's key of the same secret is another") {
  const Owner owner;
  const LsaHandle lsa = owner.sign(grant_of(1));
  CHECK_FALSE(is_signed_by(*lsa, Identity::of_network(secret(6)).id(), verify_signature));
  CHECK(Identity(secret(5)).id() != owner.identity.id());
  // A node that signs an announcement under that key has not signed a grant: the labels differ.
  const Signature as_announcement = owner.identity.sign(signature_input(lsa->header()));
  const Lsa forged(lsa->header(), as_announcement, {lsa->body().begin(), lsa->body().end()}, {});
  CHECK_FALSE(is_signed_by(forged, owner.identity.id(), verify_signature));
}

TEST_CASE("a grant allows what lies inside a right and has a length from its shortest to its longest") {
  const Grant grant = grant_of(1);
  CHECK(grant.allows(prefix("10.1.0.0/16")));
  CHECK(grant.allows(prefix("10.1.7.0/24")));
  CHECK_FALSE(grant.allows(prefix("10.1.7.0/25")));
  CHECK_FALSE(grant.allows(prefix("10.0.0.0/8")));
  CHECK_FALSE(grant.allows(prefix("10.2.0.0/16")));
  CHECK(grant.allows(prefix("fd01::/48")));
  CHECK_FALSE(grant.allows(prefix("fd01::1/128")));
  CHECK(grant.allows(prefix("0.0.0.0/0")));
  CHECK_FALSE(grant.allows(prefix("::/0")));
}

TEST_CASE("what is out of bounds is not signed") {
  const Owner owner;
  Grant grant = grant_of(1);
  grant.serial = 0;
  CHECK_THROWS_AS(owner.sign(grant), std::invalid_argument);
  grant = grant_of(1);
  grant.until_s = kMaxGrantEndS + 1;
  CHECK_THROWS_AS(owner.sign(grant), std::invalid_argument);
  grant = grant_of(1);
  grant.revoked = true;  // and has rights
  CHECK_THROWS_AS(owner.sign(grant), std::invalid_argument);
  grant = grant_of(1);
  grant.rights.assign(90, pattern("fd01:2:3::/48{48,64}"));
  CHECK_THROWS_AS(owner.sign(grant), std::length_error);
  grant.rights.resize(60);
  CHECK(decode_grant(owner.sign(grant)->header(), owner.sign(grant)->body()) == grant);
}

TEST_CASE("a body against the format is no grant, whatever is signed") {
  const Owner owner;
  const LsaHandle lsa = owner.sign(grant_of(1));
  const std::vector<std::uint8_t> body(lsa->body().begin(), lsa->body().end());
  const auto decodes = [&](std::vector<std::uint8_t> changed) {
    return decode_grant(lsa->header(), changed).has_value();
  };
  REQUIRE(decodes(body));
  CHECK_FALSE(decodes({}));
  for (std::size_t size = 0; size < body.size(); size++) {
    const std::vector<std::uint8_t> cut(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(size));
    // Only between TLVs may it end: behind the terms, and behind each right.
    const bool whole = size == 12 || size == 12 + 9 || size == 12 + 9 + 13;
    CHECK(decodes(cut) == whole);
  }
  auto twice = body;
  twice.insert(twice.end(), body.begin(), body.begin() + 12);
  CHECK_FALSE(decodes(twice));
  auto unknown = body;
  unknown.insert(unknown.end(), {200, 0, 2, 1, 2});
  CHECK(decodes(unknown));
  auto no_end = body;
  std::fill(no_end.begin() + 4, no_end.begin() + 12, std::uint8_t{0});
  CHECK_FALSE(decodes(no_end));
  auto host_bits = body;
  host_bits[12 + 3 + 2] = 17;  // shortest below... the first right: family, length 16, shortest 17, longest 24
  CHECK(decodes(host_bits));
  host_bits[12 + 3 + 2] = 25;  // shortest above longest
  CHECK_FALSE(decodes(host_bits));
  LsaHeader aged = lsa->header();
  aged.lifetime_s = 60;
  CHECK_FALSE(decode_grant(aged, body));
  LsaHeader other = lsa->header();
  other.key.fragment = 0;
  CHECK_FALSE(decode_grant(other, body));
}

TEST_CASE("random bytes and mutilated texts are no grants, or grants that encode to themselves") {
  const Owner owner;
  const std::string text = grant_to_text(*owner.sign(grant_of(1)));
  CHECK_FALSE(parse_grant("").ok());
  CHECK_FALSE(parse_grant("x").ok());
  CHECK_FALSE(parse_grant(text + "\n").ok());
  CHECK_FALSE(parse_grant(text.substr(1)).ok());
  CHECK_FALSE(parse_grant(text.substr(0, text.size() / 2)).ok());
  CHECK_FALSE(parse_grant(std::string(5000, 'A')).ok());
  SeededRandom random(3);
  for (int i = 0; i < 2000; i++) {
    std::string changed = text;
    changed[random.below(changed.size())] = static_cast<char>(random.below(256));
    const auto parsed = parse_grant(changed);
    if (!parsed.ok()) continue;
    if (changed == text) continue;
    CHECK_FALSE(is_signed_by(*parsed->lsa, owner.identity.id(), verify_signature));
  }
}

TEST_CASE("without a network key everybody is a member and may announce anything") {
  const GrantBook book(std::nullopt);
  CHECK_FALSE(book.required());
  CHECK(book.is_member(node(9)));
  CHECK(book.allows(node(9), prefix("10.0.0.0/8")));
  CHECK(book.next_expiry() == kNever);
}

TEST_CASE("with a network key a node is a member by the grant that is kept for it, and by no revoked one") {
  GrantBook book(node(42));
  CHECK_FALSE(book.is_member(node(1)));
  book.keep(grant_of(1));
  CHECK(book.is_member(node(1)));
  CHECK(book.allows(node(1), prefix("10.1.0.0/16")));
  CHECK_FALSE(book.allows(node(2), prefix("10.1.0.0/16")));
  Grant revoked = grant_of(1, 8);
  revoked.revoked = true;
  revoked.rights.clear();
  book.keep(revoked);
  CHECK_FALSE(book.is_member(node(1)));
  CHECK_FALSE(book.allows(node(1), prefix("10.1.0.0/16")));
}

TEST_CASE("a grant leaves at its end, to the nanosecond, and also when the wall clock jumps over it") {
  GrantBook book(node(42));
  const Time start{1000s};
  const auto at = [&](Duration passed, Duration jumped = {}) {
    return Now{start + passed, at_second(1'800'000'000 - 100) + passed + jumped};
  };
  book.expire(at(0s));
  book.keep(grant_of(1));
  CHECK(book.next_expiry() == start + 100s);
  CHECK(book.expire(at(100s - 1ns)).empty());
  CHECK(book.next_expiry() == start + 100s);
  const auto ended = book.expire(at(100s));
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].holder == node(1));
  CHECK_FALSE(book.is_member(node(1)));
  CHECK(book.next_expiry() == kNever);

  book.keep(grant_of(2));
  CHECK(book.expire(at(101s, -1h)).empty());  // the clock is set back: it lives longer
  CHECK(book.next_expiry() == start + 100s + 1h);
  CHECK(book.expire(at(102s, 0s)).size() == 1);
}

TEST_CASE("the last end of a grant is the last date that can be written") {
  CHECK(date_text(kMaxGrantEndS) == "9999-12-31T23:59:59Z");
  CHECK(parse_date(date_text(kMaxGrantEndS)) == kMaxGrantEndS);
}

TEST_CASE("an end that is centuries away is no deadline, and one that is long past is at once") {
  GrantBook book(node(42));
  book.expire({Time{1000s}, at_second(0)});
  Grant grant = grant_of(1);
  grant.until_s = kMaxGrantEndS;
  book.keep(grant);
  CHECK(book.next_expiry() == kNever);
  CHECK(book.expire({Time{1001s}, at_second(9'000'000'000)}).empty());
  grant.until_s = 1;
  book.keep(grant);
  CHECK(book.next_expiry() == Time{1001s});
  CHECK(book.expire({Time{1001s}, at_second(9'000'000'000)}).size() == 1);
}

TEST_CASE("a grant that another program made, by docs/protocol.md alone, is understood") {
  const auto parsed = parse_grant(
      "Qy4WQkITCBX5Xg3lotAN7zMF4SPkF0sW50qyWpzJyaX//wAGW/7aJeAAAAAAANLxdA+bkLZrsaxggviSHetM6M9RxijSaagHxWFwbACovqGk3KCt"
      "/HggfoOO7gh36lXYUG9J6ElfAWtdAoUiyoRewyEeNRLdOKPai9OkAJwr437ut0fD3NQIWURI/dwrDhAACQAAAAAA9IZXABEABgQQEBgKAREACgYw"
      "MDD9AQAAAAA=");
  REQUIRE(parsed.ok());
  CHECK(to_string(parsed->grant.holder) == "432e164242130815f95e0de5a2d00def3305e123e4174b16e74ab25a9cc9c9a5");
  CHECK(parsed->grant.serial == 1'790'000'000'000'000);
  CHECK(date_text(parsed->grant.until_s) == "2100-01-01T00:00:00Z");
  CHECK(parsed->grant.rights == std::vector{pattern("10.1.0.0/16{16,24}"), pattern("fd01::/48")});
  const Owner owner;
  CHECK(to_base64(owner.identity.id().bytes) == "XF9v70ZlzHGmahZBvy3q2KPiOsqdQjd8WAR6bFvfmnA=");
  CHECK(is_signed_by(*parsed->lsa, owner.identity.id(), verify_signature));
}
