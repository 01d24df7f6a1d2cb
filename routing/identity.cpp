#include "routing/identity.h"

#include <sodium.h>

#include <string_view>

namespace starling::routing {

namespace {
constexpr std::string_view kNodeLabel = "starling routing identity v1";
constexpr std::string_view kNetworkLabel = "starling network key v1";
}  // namespace

Identity::Identity(const SecretKey& wireguard_private_key) : Identity(wireguard_private_key, kNodeLabel) {}

Identity Identity::of_network(const SecretKey& secret) {
  return Identity(secret, kNetworkLabel);
}

Identity::Identity(const SecretKey& secret, std::string_view label) {
  std::array<std::uint8_t, crypto_sign_SEEDBYTES> seed;
  const Bytes key = secret.bytes();
  crypto_generichash(seed.data(), seed.size(), reinterpret_cast<const unsigned char*>(label.data()), label.size(),
                     key.data(), key.size());
  crypto_sign_seed_keypair(id_.bytes.data(), secret_.data(), seed.data());
  sodium_memzero(seed.data(), seed.size());
}

Identity::~Identity() {
  sodium_memzero(secret_.data(), secret_.size());
}

Signature Identity::sign(Bytes message) const {
  Signature signature;
  crypto_sign_detached(signature.bytes.data(), nullptr, message.data(), message.size(), secret_.data());
  return signature;
}

bool verify_signature(const NodeId& signer, Bytes message, const Signature& signature) {
  return crypto_sign_verify_detached(signature.bytes.data(), message.data(), message.size(), signer.bytes.data()) == 0;
}

}  // namespace starling::routing
