// The primitives against published vectors.
#include "wg/protocol/crypto.h"

#include "doctest/doctest.h"
#include "tests/unit/wg/vectors.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

// RFC 7693 appendix E's generator of inputs.
std::vector<std::uint8_t> selftest_sequence(std::size_t size, std::uint32_t seed) {
  std::uint32_t a = 0xdead4bad * seed;
  std::uint32_t b = 1;
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i < size; i++) {
    const std::uint32_t t = a + b;
    a = b;
    b = t;
    out.push_back(static_cast<std::uint8_t>(t >> 24));
  }
  return out;
}

SecretKey secret_from_hex(std::string_view text) {
  return SecretKey(from_hex(text));
}

// A short key as HMAC sees it: zeros behind it change nothing.
SecretKey short_key(std::string_view text) {
  SecretKey key;
  std::memcpy(key.mutable_bytes().data(), text.data(), text.size());
  return key;
}

constexpr std::string_view kRfc8439Ciphertext =
    "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0"
    "bdb7b73c321b0100d4f03b7f355894cf332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
    "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4b9166c767b804d46a59b5216cde7a4e9"
    "9040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
    "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130"
    "305beaba2eda04df997b714d6c6f2c29a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38";

constexpr std::string_view kRfc8439Plaintext =
    "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted "
    "by other documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite them "
    "other than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d";

}  // namespace

TEST_CASE("BLAKE2s gives the digest of RFC 7693 appendix B") {
  CHECK(to_hex(hash({as_bytes("abc")})) == "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
  CHECK(hash({as_bytes("a"), as_bytes(""), as_bytes("bc")}) == hash({as_bytes("abc")}));
}

TEST_CASE("BLAKE2s passes the self-test of RFC 7693 appendix E") {
  std::vector<std::uint8_t> digests;
  for (const std::size_t out_size : {16, 20, 28, 32}) {
    for (const std::size_t in_size : {0, 3, 64, 65, 255, 1024}) {
      const auto input = selftest_sequence(in_size, static_cast<std::uint32_t>(in_size));
      const auto key = selftest_sequence(out_size, static_cast<std::uint32_t>(out_size));
      std::vector<std::uint8_t> digest(out_size);
      blake2s({}, {input}, digest);
      digests.insert(digests.end(), digest.begin(), digest.end());
      blake2s(key, {input}, digest);
      digests.insert(digests.end(), digest.begin(), digest.end());
    }
  }
  CHECK(to_hex(hash({digests})) == "6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe");
}

TEST_CASE("MAC is keyed BLAKE2s of 16 bytes") {
  CHECK(to_hex(mac(as_bytes("cookie-key-16byt"), as_bytes("abc"))) == "e4602d86e7e7853e82d854ab49de6f1a");
}

TEST_CASE("HMAC is RFC 2104 over BLAKE2s") {
  std::vector<std::uint8_t> key(64), input(200);
  for (std::size_t i = 0; i < input.size(); i++) input[i] = static_cast<std::uint8_t>(i);
  for (std::size_t i = 0; i < key.size(); i++) key[i] = static_cast<std::uint8_t>(i);
  CHECK(to_hex(hmac(Bytes(key).first(32), input).bytes()) ==
        "543eec9b22646365ef782d72dae137cc761d018005f8d33d0f20bfbd01e62974");
  CHECK(to_hex(hmac(key, as_bytes("abc"), as_bytes("def")).bytes()) ==
        "0027bc1ea791eab84b17a6154fe8d79d46ae7405da1c28c9769681a6f36d406a");
}

TEST_CASE("the key derivations give the outputs that other implementations give") {
  struct Vector {
    std::string_view key, input, first, second, third;
  };
  for (const Vector& v :
       {Vector{"test-key", "test-input", "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
               "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
               "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24"},
        Vector{"wireguard", "wireguard", "491d43bbfdaa8750aaf535e334ecbfe5129967cd64635101c566d4caefda96e8",
               "1e71a379baefd8a79aa4662212fcafe19a23e2b609a3db7d6bcba8f560e3d25f",
               "31e1ae48bddfbe5de38f295e5452b1909a1b4e38e183926af3780b0c1e1f0160"},
        Vector{"", "", "8387b46bf43eccfcf349552a095d8315c4055beb90208fb1be23b894bc2ed5d0",
               "58a0e5f6faefccf4807bff1f05fa8a9217945762040bcec2f4b4a62bdfe0e86e",
               "0ce6ea98ec548f8e281e93e32db65621c45eb18dc6f0a7ad94178610a2f7338e"}}) {
    const SecretKey key = short_key(v.key);
    const Kdf3 three = kdf3(key, as_bytes(v.input));
    CHECK(to_hex(three.first.bytes()) == v.first);
    CHECK(to_hex(three.second.bytes()) == v.second);
    CHECK(to_hex(three.third.bytes()) == v.third);
    const Kdf2 two = kdf2(key, as_bytes(v.input));
    CHECK(two.first == three.first);
    CHECK(two.second == three.second);
    CHECK(kdf1(key, as_bytes(v.input)) == three.first);
  }
}

TEST_CASE("X25519 gives the results of RFC 7748 section 5.2") {
  SecretKey out;
  REQUIRE(x25519(out, secret_from_hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                 public_key_from_hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")));
  CHECK(to_hex(out.bytes()) == "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
  REQUIRE(x25519(out, secret_from_hex("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d"),
                 public_key_from_hex("e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493")));
  CHECK(to_hex(out.bytes()) == "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957");
}

TEST_CASE("X25519 iterated a thousand times gives the result of RFC 7748") {
  PublicKey u = public_key_from_hex("0900000000000000000000000000000000000000000000000000000000000000");
  SecretKey k(u.bytes);
  for (int i = 1; i <= 1000; i++) {
    SecretKey out;
    REQUIRE(x25519(out, k, u));
    std::copy(k.bytes().begin(), k.bytes().end(), u.bytes.begin());
    k = out;
    if (i == 1) CHECK(to_hex(k.bytes()) == "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
  }
  CHECK(to_hex(k.bytes()) == "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51");
}

TEST_CASE("public keys and shared secrets are those of RFC 7748 section 6.1") {
  const SecretKey a = secret_from_hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a");
  const SecretKey b = secret_from_hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  CHECK(to_hex(derive_public_key(a).bytes) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  CHECK(to_hex(derive_public_key(b).bytes) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  SecretKey ab, ba;
  REQUIRE(x25519(ab, a, derive_public_key(b)));
  REQUIRE(x25519(ba, b, derive_public_key(a)));
  CHECK(to_hex(ab.bytes()) == "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  CHECK(ab == ba);
}

TEST_CASE("X25519 refuses every public key of low order") {
  SeededRandom random(1);
  const KeyPair pair = generate_key_pair(random);
  SecretKey out;
  for (const std::string_view key : {"0000000000000000000000000000000000000000000000000000000000000000",
                                     "0100000000000000000000000000000000000000000000000000000000000000",
                                     "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                     "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                     "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                     "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                     "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    CAPTURE(key);
    CHECK_FALSE(x25519(out, pair.private_key, public_key_from_hex(key)));
  }
}

TEST_CASE("AEAD gives and opens the message of RFC 8439 appendix A.5") {
  const SecretKey key = secret_from_hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
  const std::uint64_t counter = 0x0807060504030201;  // as WireGuard puts it: nonce 00000000 0102030405060708
  const auto additional = from_hex("f33388860000000000004e91");
  std::vector<std::uint8_t> sealed(kRfc8439Plaintext.size() + kTagSize);
  aead_seal(key, counter, as_bytes(kRfc8439Plaintext), additional, sealed);
  CHECK(to_hex(sealed) == kRfc8439Ciphertext);

  std::vector<std::uint8_t> opened(kRfc8439Plaintext.size());
  REQUIRE(aead_open(key, counter, sealed, additional, opened));
  CHECK(std::string(opened.begin(), opened.end()) == kRfc8439Plaintext);
  CHECK_FALSE(aead_open(key, counter + 1, sealed, additional, opened));
  CHECK_FALSE(aead_open(key, counter, sealed, {}, opened));
  for (std::size_t i = 0; i < sealed.size(); i++) {
    sealed[i] ^= 1;
    CHECK_FALSE(aead_open(key, counter, sealed, additional, opened));
    sealed[i] ^= 1;
  }
}

TEST_CASE("XAEAD opens the message of draft-irtf-cfrg-xchacha appendix A.3.1") {
  Hash key;
  std::array<std::uint8_t, 24> nonce;
  for (std::size_t i = 0; i < key.size(); i++) key[i] = static_cast<std::uint8_t>(0x80 + i);
  for (std::size_t i = 0; i < nonce.size(); i++) nonce[i] = static_cast<std::uint8_t>(0x40 + i);
  const auto sealed = from_hex(
      "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
      "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
      "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49");
  std::vector<std::uint8_t> opened(sealed.size() - kTagSize);
  REQUIRE(xaead_open(key, nonce, sealed, from_hex("50515253c0c1c2c3c4c5c6c7"), opened));
  CHECK(std::string(opened.begin(), opened.end()) ==
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would "
        "be it.");
}
