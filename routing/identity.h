// A node's routing identity, derived from its one secret, the WireGuard private key (design: identity and trust):
// Ed25519 seed = BLAKE2b-256 of a fixed label, keyed with the private key. NodeId = the Ed25519 public key.
#pragma once

#include <string_view>

#include "base/key.h"
#include "routing/types.h"

namespace starling::routing {

class Identity {
 public:
  explicit Identity(const SecretKey& wireguard_private_key);
  // The owner of a network (grant.h), from 32 secret bytes of its own: derived under another label, so that no network
  // key is a node.
  static Identity of_network(const SecretKey& secret);
  ~Identity();  // wipes the signing key
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  const NodeId& id() const { return id_; }
  Signature sign(Bytes message) const;

 private:
  Identity(const SecretKey& secret, std::string_view label);

  NodeId id_;
  std::array<std::uint8_t, 64> secret_{};
};

// Ed25519 verification by libsodium. Pure.
bool verify_signature(const NodeId& signer, Bytes message, const Signature& signature);

}  // namespace starling::routing
