#include "routing/lsa_pool.h"

#include <algorithm>

namespace starling::routing {

namespace {

// All but the remaining lifetime, which is not signed and belongs to no announcement.
bool is_same(const Lsa& lsa, Bytes wire) {
  const Bytes known = lsa.wire();
  return known.size() == wire.size() && std::equal(wire.begin(), wire.begin() + kLsaRemainingAt, known.begin()) &&
         std::equal(wire.begin() + kLsaFixedSize, wire.end(), known.begin() + kLsaFixedSize);
}

}  // namespace

Admission admit(const ReceivedLsa& received, const VerifyFunction& verify) {
  const LsaHeader& header = received.header;
  if (hash_body(received.body) != header.body_hash) return {nullptr, RejectReason::bad_body_hash};
  if (!verify(header.key.origin, signature_input(header), received.signature)) {
    return {nullptr, RejectReason::bad_signature};
  }
  auto content = decode_body(received.body);
  if (!content) return {nullptr, RejectReason::malformed_body};
  return {std::make_shared<const Lsa>(header, received.signature, received.body, std::move(*content)), {}};
}

Admission LsaPool::operator()(const ReceivedLsa& received) {
  const std::uint64_t key = ByteReader(received.signature.bytes).u64();
  const auto [first, last] = lsas_.equal_range(key);
  for (auto known = first; known != last; ++known) {
    if (is_same(*known->second, received.wire)) return {known->second, {}};
  }
  Admission admission = admit(received, verify_);
  if (!admission.lsa) return admission;
  if (lsas_.size() >= sweep_at_) forget_unused();
  lsas_.emplace(key, admission.lsa);
  return admission;
}

void LsaPool::forget_unused() {
  std::erase_if(lsas_, [](const auto& item) { return item.second.use_count() == 1; });
  sweep_at_ = std::max<std::size_t>(1024, lsas_.size() * 2);
}

}  // namespace starling::routing
