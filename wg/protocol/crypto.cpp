#include "wg/protocol/crypto.h"

#include <blake2.h>
#include <sodium.h>

#include <algorithm>
#include <stdexcept>

namespace starling::wg {

namespace {

constexpr std::size_t kBlockSize = 64;  // bytes, of BLAKE2s
using Nonce = std::array<std::uint8_t, crypto_aead_chacha20poly1305_ietf_NPUBBYTES>;

Nonce make_nonce(std::uint64_t counter) {
  Nonce nonce{};
  for (std::size_t i = 0; i < 8; i++) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return nonce;
}

}  // namespace

void initialize_crypto() {
  static const int result = sodium_init();
  if (result < 0) throw std::runtime_error("libsodium cannot be initialised");
}

void blake2s(Bytes key, std::initializer_list<Bytes> parts, MutableBytes out) {
  blake2s_state state;
  const int error =
      key.empty() ? blake2s_init(&state, out.size()) : blake2s_init_key(&state, out.size(), key.data(), key.size());
  if (error != 0) throw std::invalid_argument("BLAKE2s has 1 to 32 bytes of output and at most 32 bytes of key");
  for (const Bytes part : parts) {
    if (!part.empty()) blake2s_update(&state, part.data(), part.size());
  }
  blake2s_final(&state, out.data(), out.size());
  sodium_memzero(&state, sizeof state);  // it may have taken in secrets
}

Hash hash(std::initializer_list<Bytes> parts) {
  Hash out;
  blake2s({}, parts, out);
  return out;
}

Mac mac(Bytes key, Bytes input) {
  Mac out;
  blake2s(key, {input}, out);
  return out;
}

bool equal(const Mac& a, const Mac& b) {
  return sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

SecretKey hmac(Bytes key, Bytes input, Bytes more_input) {
  if (key.size() > kBlockSize) throw std::invalid_argument("HMAC keys here have at most 64 bytes");
  std::array<std::uint8_t, kBlockSize> pad{};
  std::copy(key.begin(), key.end(), pad.begin());
  for (std::uint8_t& byte : pad) byte ^= 0x36;
  SecretKey inner, outer;
  blake2s({}, {pad, input, more_input}, inner.mutable_bytes());
  for (std::uint8_t& byte : pad) byte ^= 0x36 ^ 0x5c;
  blake2s({}, {pad, inner.bytes()}, outer.mutable_bytes());
  sodium_memzero(pad.data(), pad.size());
  return outer;
}

// τ0 := HMAC(key, input); τ1 := HMAC(τ0, 0x1); τi := HMAC(τ0, τ(i−1) || i)

SecretKey kdf1(const SecretKey& key, Bytes input) {
  constexpr std::uint8_t one = 1;
  const SecretKey t0 = hmac(key.bytes(), input);
  return hmac(t0.bytes(), Bytes(&one, 1));
}

Kdf2 kdf2(const SecretKey& key, Bytes input) {
  constexpr std::uint8_t one = 1, two = 2;
  const SecretKey t0 = hmac(key.bytes(), input);
  Kdf2 out;
  out.first = hmac(t0.bytes(), Bytes(&one, 1));
  out.second = hmac(t0.bytes(), out.first.bytes(), Bytes(&two, 1));
  return out;
}

Kdf3 kdf3(const SecretKey& key, Bytes input) {
  constexpr std::uint8_t one = 1, two = 2, three = 3;
  const SecretKey t0 = hmac(key.bytes(), input);
  Kdf3 out;
  out.first = hmac(t0.bytes(), Bytes(&one, 1));
  out.second = hmac(t0.bytes(), out.first.bytes(), Bytes(&two, 1));
  out.third = hmac(t0.bytes(), out.second.bytes(), Bytes(&three, 1));
  return out;
}

PublicKey derive_public_key(const SecretKey& private_key) {
  PublicKey key;
  crypto_scalarmult_curve25519_base(key.bytes.data(), private_key.bytes().data());
  return key;
}

KeyPair generate_key_pair(RandomSource& random) {
  KeyPair pair;
  const MutableBytes secret = pair.private_key.mutable_bytes();
  random.fill(secret);
  secret[0] &= 248;
  secret[31] = static_cast<std::uint8_t>((secret[31] & 127) | 64);
  pair.public_key = derive_public_key(pair.private_key);
  return pair;
}

bool x25519(SecretKey& shared, const SecretKey& private_key, const PublicKey& public_key) {
  return crypto_scalarmult_curve25519(shared.mutable_bytes().data(), private_key.bytes().data(),
                                      public_key.bytes.data()) == 0;
}

void aead_seal(const SecretKey& key, std::uint64_t counter, Bytes plaintext, Bytes additional, MutableBytes out) {
  if (out.size() != plaintext.size() + kTagSize) throw std::invalid_argument("aead_seal: wrong size of out");
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(), additional.data(),
                                            additional.size(), nullptr, make_nonce(counter).data(), key.bytes().data());
}

bool aead_open(const SecretKey& key, std::uint64_t counter, Bytes ciphertext, Bytes additional, MutableBytes out) {
  if (ciphertext.size() != out.size() + kTagSize) throw std::invalid_argument("aead_open: wrong size of out");
  return crypto_aead_chacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
                                                   additional.data(), additional.size(), make_nonce(counter).data(),
                                                   key.bytes().data()) == 0;
}

void xaead_seal(const Hash& key, const std::array<std::uint8_t, 24>& nonce, Bytes plaintext, Bytes additional,
                MutableBytes out) {
  if (out.size() != plaintext.size() + kTagSize) throw std::invalid_argument("xaead_seal: wrong size of out");
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(), additional.data(),
                                             additional.size(), nullptr, nonce.data(), key.data());
}

bool xaead_open(const Hash& key, const std::array<std::uint8_t, 24>& nonce, Bytes ciphertext, Bytes additional,
                MutableBytes out) {
  if (ciphertext.size() != out.size() + kTagSize) throw std::invalid_argument("xaead_open: wrong size of out");
  return crypto_aead_xchacha20poly1305_ietf_decrypt(out.data(), nullptr, nullptr, ciphertext.data(), ciphertext.size(),
                                                    additional.data(), additional.size(), nonce.data(),
                                                    key.data()) == 0;
}

}  // namespace starling::wg
