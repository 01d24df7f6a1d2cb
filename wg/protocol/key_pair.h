// A Curve25519 private key and the public key that belongs to it.
#pragma once

#include "base/key.h"

namespace starling::wg {

// X25519 of the base point: what `wg pubkey` prints. (wg/io/backend.h declares it too, for those above the engine.)
PublicKey derive_public_key(const SecretKey& private_key);

struct KeyPair {
  SecretKey private_key;
  PublicKey public_key;
};

}  // namespace starling::wg
