// Ed25519 verification that remembers: in a network of n routers each announcement is verified n times, 50 µs each. As
// pure as what it stands for: the same signer, message and signature always give the same answer.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "routing/types.h"

namespace starling::sim {

class SignatureMemory {
 public:
  bool verify(const routing::NodeId& signer, Bytes message, const routing::Signature& signature);

 private:
  struct Known {
    routing::NodeId signer;
    routing::Signature signature;
    std::vector<std::uint8_t> message;
    bool holds = false;
  };
  std::unordered_map<std::uint64_t, Known> known_;  // by the signature's first bytes, which are uniform
};

}  // namespace starling::sim
