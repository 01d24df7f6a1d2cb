#include "topologies/lab/sim/signature_memory.h"

#include <algorithm>
#include <cstring>

#include "routing/identity.h"

namespace starling::sim {

namespace {
constexpr std::size_t kKnownMax = 1 << 20;  // then all is forgotten and learned again
}

bool SignatureMemory::verify(const routing::NodeId& signer, Bytes message, const routing::Signature& signature) {
  std::uint64_t name;
  std::memcpy(&name, signature.bytes.data(), sizeof name);
  if (known_.size() >= kKnownMax) known_.clear();
  const auto [at, is_new] = known_.try_emplace(name);
  Known& known = at->second;
  const bool same = !is_new && known.signer == signer && known.signature == signature &&
                    std::equal(known.message.begin(), known.message.end(), message.begin(), message.end());
  if (same) return known.holds;
  known = {signer, signature, {message.begin(), message.end()}, routing::verify_signature(signer, message, signature)};
  return known.holds;
}

}  // namespace starling::sim
