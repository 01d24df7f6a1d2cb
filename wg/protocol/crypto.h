// The primitives of the whitepaper (§5.4) over libb2 and libsodium: HASH and MAC are BLAKE2s (RFC 7693), HMAC and KDF
// are built on it (RFC 2104, RFC 5869's shape), DH is X25519 (RFC 7748), AEAD is ChaCha20-Poly1305 (RFC 8439) and its
// XChaCha20 form for cookies. Secrets live in SecretKey, which wipes itself. Pure functions, no randomness of their
// own.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/key.h"
#include "base/random.h"
#include "wg/protocol/key_pair.h"
#include "wg/protocol/messages.h"

namespace starling::wg {

inline constexpr std::size_t kHashSize = 32;  // bytes
using Hash = std::array<std::uint8_t, kHashSize>;

// Lets libsodium choose the fastest code for this processor. Cheap after the first call; without it things are slow,
// not wrong.
void initialize_crypto();

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// BLAKE2s of the parts, one behind the other; `key` has 0..32 bytes, `out` 1..32.
void blake2s(Bytes key, std::initializer_list<Bytes> parts, MutableBytes out);
// HASH: 32 bytes, no key.
Hash hash(std::initializer_list<Bytes> parts);
// MAC(key, input): keyed BLAKE2s with 16 bytes of output; `key` has 1..32 bytes.
Mac mac(Bytes key, Bytes input);
// Constant time.
bool equal(const Mac& a, const Mac& b);
// HMAC-BLAKE2s of both inputs, one behind the other; `key` has at most 64 bytes.
SecretKey hmac(Bytes key, Bytes input, Bytes more_input = {});

// KDF1..3(key, input) of §5.4.
SecretKey kdf1(const SecretKey& key, Bytes input);
struct Kdf2 {
  SecretKey first, second;
};
Kdf2 kdf2(const SecretKey& key, Bytes input);
struct Kdf3 {
  SecretKey first, second, third;
};
Kdf3 kdf3(const SecretKey& key, Bytes input);

// DH-GENERATE().
KeyPair generate_key_pair(RandomSource& random);
// DH(private, public). False, and `shared` is unspecified, if the public key is of low order (the result is zero).
[[nodiscard]] bool x25519(SecretKey& shared, const SecretKey& private_key, const PublicKey& public_key);

// AEAD(key, counter, plaintext, additional): nonce is four zero bytes and the little-endian counter. `out` has the
// plaintext's size + kTagSize, and may begin where the plaintext does.
void aead_seal(const SecretKey& key, std::uint64_t counter, Bytes plaintext, Bytes additional, MutableBytes out);
// False if the tag does not verify; `out` (the ciphertext's size − kTagSize) is then zeros or untouched.
[[nodiscard]] bool aead_open(const SecretKey& key, std::uint64_t counter, Bytes ciphertext, Bytes additional,
                             MutableBytes out);
// XAEAD with a random 24-byte nonce, for cookie replies; sizes as above.
void xaead_seal(const Hash& key, const std::array<std::uint8_t, 24>& nonce, Bytes plaintext, Bytes additional,
                MutableBytes out);
[[nodiscard]] bool xaead_open(const Hash& key, const std::array<std::uint8_t, 24>& nonce, Bytes ciphertext,
                              Bytes additional, MutableBytes out);

}  // namespace starling::wg
