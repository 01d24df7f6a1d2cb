// The primitives at their edges: against a table that other software computed (crypto_vectors.h), against the vectors
// of the standards that crypto_test.cpp leaves out, and with every bit changed.
#include "doctest/doctest.h"
#include "tests/unit/wg/crypto_vectors.h"
#include "tests/unit/wg/vectors.h"
#include "wg/protocol/crypto.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

SecretKey secret(std::string_view hex) {
  return SecretKey(from_hex(hex));
}

// Calls check() with each bit of `bytes` changed in turn.
template <typename Check>
void with_each_bit_changed(MutableBytes bytes, Check check) {
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit++) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    check();
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
  }
}

}  // namespace

TEST_CASE("X25519 computes as others do on the twist and where the point is not canonical, and refuses low order") {
  int refused = 0;
  for (const X25519Vector& v : kX25519Vectors) {
    CAPTURE(v.point);
    SecretKey shared;
    const bool low_order = secret(v.shared).is_zero();
    REQUIRE(x25519(shared, secret(v.scalar), public_key_from_hex(v.point)) == !low_order);
    if (low_order) refused++;
    if (!low_order) REQUIRE(to_hex(shared.bytes()) == v.shared);
  }
  CHECK(refused == 2 * 14);  // the seven points of low order, with the unused bit and without, by two scalars
}

TEST_CASE("X25519 ignores the bits that RFC 7748 clamps, and the highest of the point") {
  for (const X25519Vector& v : kX25519Vectors) {
    if (secret(v.shared).is_zero()) continue;
    for (const unsigned low : {0u, 7u}) {
      for (const unsigned high : {0x00u, 0x40u, 0x80u, 0xc0u}) {
        SecretKey scalar = secret(v.scalar), shared;
        PublicKey point = public_key_from_hex(v.point);
        point.bytes[31] ^= 0x80;
        scalar.mutable_bytes()[0] = static_cast<std::uint8_t>((scalar.bytes()[0] & 0xf8) | low);
        scalar.mutable_bytes()[31] = static_cast<std::uint8_t>((scalar.bytes()[31] & 0x3f) | high);
        REQUIRE(x25519(shared, scalar, point));
        REQUIRE(to_hex(shared.bytes()) == v.shared);
      }
    }
  }
}

TEST_CASE("AEAD seals and opens as others do at every length, counter, accumulator and tag of the table") {
  for (const AeadVector& v : kAeadVectors) {
    CAPTURE(v.counter);
    CAPTURE(v.plaintext);
    const auto plaintext = from_hex(v.plaintext), additional = from_hex(v.additional);
    std::vector<std::uint8_t> sealed(plaintext.size() + kTagSize), opened(plaintext.size());
    aead_seal(secret(v.key), v.counter, plaintext, additional, sealed);
    REQUIRE(to_hex(sealed) == v.sealed);
    REQUIRE(aead_open(secret(v.key), v.counter, sealed, additional, opened));
    REQUIRE(opened == plaintext);
  }
}

TEST_CASE("AEAD in place gives what it gives elsewhere") {
  for (const AeadVector& v : kAeadVectors) {
    auto buffer = from_hex(v.plaintext);
    const auto additional = from_hex(v.additional);
    const std::size_t size = buffer.size();
    buffer.resize(size + kTagSize);
    aead_seal(secret(v.key), v.counter, Bytes(buffer).first(size), additional, buffer);
    REQUIRE(to_hex(buffer) == v.sealed);
    REQUIRE(aead_open(secret(v.key), v.counter, buffer, additional, MutableBytes(buffer).first(size)));
    REQUIRE(to_hex(Bytes(buffer).first(size)) == v.plaintext);
  }
}

TEST_CASE("AEAD opens nothing of which one bit was changed: ciphertext, tag, additional data, key or counter") {
  for (const AeadVector& v : kAeadVectors) {
    if (v.plaintext.size() > 2 * 65) continue;
    auto sealed = from_hex(v.sealed), additional = from_hex(v.additional);
    SecretKey key = secret(v.key);
    std::vector<std::uint8_t> out(sealed.size() - kTagSize);
    with_each_bit_changed(sealed, [&] { REQUIRE_FALSE(aead_open(key, v.counter, sealed, additional, out)); });
    with_each_bit_changed(additional, [&] { REQUIRE_FALSE(aead_open(key, v.counter, sealed, additional, out)); });
    for (int bit = 0; bit < 64; bit++) {
      REQUIRE_FALSE(aead_open(key, v.counter ^ std::uint64_t{1} << bit, sealed, additional, out));
    }
    with_each_bit_changed(key.mutable_bytes(),
                          [&] { REQUIRE_FALSE(aead_open(key, v.counter, sealed, additional, out)); });
    REQUIRE(aead_open(key, v.counter, sealed, additional, out));
  }
}

TEST_CASE("AEAD opens nothing that was cut, or of which a byte moved into or out of the additional data") {
  const SecretKey key = secret(kAeadVectors[0].key);
  const std::vector<std::uint8_t> additional(16, 1), plaintext(48, 2);
  std::vector<std::uint8_t> sealed(plaintext.size() + kTagSize), out(plaintext.size());
  aead_seal(key, 7, plaintext, additional, sealed);
  for (std::size_t size = kTagSize; size < sealed.size(); size++) {
    CHECK_FALSE(aead_open(key, 7, Bytes(sealed).first(size), additional, MutableBytes(out).first(size - kTagSize)));
  }
  for (std::size_t size = 0; size < additional.size(); size++) {
    CHECK_FALSE(aead_open(key, 7, sealed, Bytes(additional).first(size), out));
  }
  std::vector<std::uint8_t> joined(additional);
  joined.insert(joined.end(), sealed.begin(), sealed.begin() + 16);
  CHECK_FALSE(aead_open(key, 7, Bytes(sealed).subspan(16), joined, MutableBytes(out).first(plaintext.size() - 16)));
}

TEST_CASE("AEAD opens nothing shorter than a tag, and never writes past what it opened") {
  const SecretKey key = secret(kAeadVectors[0].key);
  CHECK_THROWS(static_cast<void>(aead_open(key, 0, std::vector<std::uint8_t>(15), {}, {})));
  std::vector<std::uint8_t> forged(64, 3), out(48 + 16, 0x77);
  CHECK_FALSE(aead_open(key, 0, forged, {}, MutableBytes(out).first(48)));
  for (std::size_t i = 48; i < out.size(); i++) CHECK(out[i] == 0x77);
}

TEST_CASE("XAEAD seals and opens as others do, and nothing of which one bit was changed") {
  for (const XaeadVector& v : kXaeadVectors) {
    Hash key;
    std::array<std::uint8_t, 24> nonce;
    REQUIRE(parse_hex(v.key, key));
    REQUIRE(parse_hex(v.nonce, nonce));
    const auto plaintext = from_hex(v.plaintext);
    auto additional = from_hex(v.additional);
    std::vector<std::uint8_t> sealed(plaintext.size() + kTagSize), opened(plaintext.size());
    xaead_seal(key, nonce, plaintext, additional, sealed);
    REQUIRE(to_hex(sealed) == v.sealed);
    REQUIRE(xaead_open(key, nonce, sealed, additional, opened));
    REQUIRE(opened == plaintext);
    const auto fails = [&] { REQUIRE_FALSE(xaead_open(key, nonce, sealed, additional, opened)); };
    with_each_bit_changed(sealed, fails);
    with_each_bit_changed(additional, fails);
    with_each_bit_changed(nonce, fails);
    with_each_bit_changed(key, fails);
  }
}

TEST_CASE("XAEAD seals the message of draft-irtf-cfrg-xchacha appendix A.3.1") {
  Hash key;
  std::array<std::uint8_t, 24> nonce;
  for (std::size_t i = 0; i < key.size(); i++) key[i] = static_cast<std::uint8_t>(0x80 + i);
  for (std::size_t i = 0; i < nonce.size(); i++) nonce[i] = static_cast<std::uint8_t>(0x40 + i);
  const std::string_view text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  std::vector<std::uint8_t> sealed(text.size() + kTagSize);
  xaead_seal(key, nonce, as_bytes(text), from_hex("50515253c0c1c2c3c4c5c6c7"), sealed);
  CHECK(to_hex(sealed) ==
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
        "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
}

TEST_CASE("BLAKE2s digests as others do, with and without a key, of every size around its blocks") {
  for (const Blake2sVector& v : kBlake2sVectors) {
    const auto key = from_hex(v.key), input = from_hex(v.input);
    std::vector<std::uint8_t> digest(v.digest.size() / 2);
    blake2s(key, {input}, digest);
    REQUIRE(to_hex(digest) == v.digest);
    // In two parts, cut anywhere.
    for (std::size_t cut = 0; cut <= input.size(); cut++) {
      std::vector<std::uint8_t> again(digest.size());
      blake2s(key, {Bytes(input).first(cut), Bytes(input).subspan(cut)}, again);
      REQUIRE(again == digest);
    }
    if (digest.size() == kMacSize && !key.empty()) REQUIRE(to_hex(mac(key, input)) == v.digest);
    if (digest.size() == kHashSize && key.empty()) REQUIRE(to_hex(hash({input})) == v.digest);
  }
}

TEST_CASE("BLAKE2s refuses keys and digests that it cannot have") {
  std::vector<std::uint8_t> long_key(33), digest(32), long_digest(33);
  CHECK_THROWS(blake2s(long_key, {}, digest));
  CHECK_THROWS(blake2s({}, {}, long_digest));
  CHECK_THROWS(blake2s({}, {}, {}));
}

TEST_CASE("HMAC and the key derivations compute as others do") {
  for (const HmacVector& v : kHmacVectors) {
    const auto key = from_hex(v.key), input = from_hex(v.input);
    REQUIRE(to_hex(hmac(key, input).bytes()) == v.digest);
    const std::size_t half = input.size() / 2;
    REQUIRE(to_hex(hmac(key, Bytes(input).first(half), Bytes(input).subspan(half)).bytes()) == v.digest);
  }
  for (const KdfVector& v : kKdfVectors) {
    const auto input = from_hex(v.input);
    const SecretKey key = secret(v.key);
    REQUIRE(to_hex(kdf1(key, input).bytes()) == v.first);
    const Kdf2 two = kdf2(key, input);
    REQUIRE(to_hex(two.first.bytes()) == v.first);
    REQUIRE(to_hex(two.second.bytes()) == v.second);
    const Kdf3 three = kdf3(key, input);
    REQUIRE(to_hex(three.first.bytes()) == v.first);
    REQUIRE(to_hex(three.second.bytes()) == v.second);
    REQUIRE(to_hex(three.third.bytes()) == v.third);
  }
}

TEST_CASE("macs are equal only if every bit is") {
  Mac a, b;
  for (std::size_t i = 0; i < a.size(); i++) a[i] = b[i] = static_cast<std::uint8_t>(i * 17);
  CHECK(equal(a, b));
  with_each_bit_changed(b, [&] { CHECK_FALSE(equal(a, b)); });
}
