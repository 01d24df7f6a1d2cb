// From an announcement as it arrived to one that may be believed: its body is the signed one, its origin signed it, and
// it keeps to the format. A pure function of the bytes, so a host that runs many routers (the simulator) may hand all
// of them one LsaPool, which does it once for each announcement and gives every router the same handle: n routers then
// hold one copy, not n.
//
// Invariant: what the pool gives out is what admit() would make of the same bytes; only the handles are shared. It
// keeps nothing for long that nobody else holds. One thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>

#include "routing/lsa.h"
#include "routing/messages.h"
#include "routing/reject_reason.h"
#include "routing/types.h"

namespace starling::routing {

struct Admission {
  LsaHandle lsa;                                      // null: refused
  RejectReason reason = RejectReason::bad_signature;  // bad_body_hash, bad_signature or malformed_body
};

// Given an announcement with a body. Must be pure.
using AdmitFunction = std::function<Admission(const ReceivedLsa& received)>;

Admission admit(const ReceivedLsa& received, const VerifyFunction& verify);

class LsaPool {
 public:
  explicit LsaPool(VerifyFunction verify) : verify_(std::move(verify)) {}

  Admission operator()(const ReceivedLsa& received);
  std::size_t size() const { return lsas_.size(); }

 private:
  void forget_unused();

  VerifyFunction verify_;
  std::unordered_multimap<std::uint64_t, LsaHandle> lsas_;  // by a part of the signature
  std::size_t sweep_at_ = 1024;                             // of them
};

}  // namespace starling::routing
