// A grant: what the owner of a network's key allows one node, named by its NodeId: to be a member, and to announce
// prefixes within patterns (a ROA's idea, RFC 9582: a prefix with a longest length; here with a shortest too). Or a
// revocation, which ends what was granted before.
//
// A grant travels as an announcement under the key (holder, kGrantFragment), with the serial as its sequence, so that
// flooding, exchange and digest carry it as they carry everything else. It is signed by the network key under a label
// of its own; it does not age, and ends at a moment of the wall clock.
//
// Invariant: a Grant that decode_grant or parse_grant returned is within its bounds, which says nothing about who
// signed it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "routing/import_policy.h"
#include "routing/limits.h"
#include "routing/lsa.h"
#include "routing/types.h"

namespace starling::routing {

struct Grant {
  NodeId holder;
  std::uint64_t serial = 0;   // 1..kMaxSequence; of two for one holder the larger counts
  std::uint64_t until_s = 0;  // the first second, since 1970, in which it does not count any more; 1..kMaxGrantEndS
  bool revoked = false;       // the holder is no member; has no rights
  std::vector<PrefixPattern> rights;

  bool allows(const Prefix& prefix) const;
  bool ended(WallTime now) const;
  friend bool operator==(const Grant&, const Grant&) = default;
};

// The announcement that says it, signed by the network key. std::length_error if the rights do not fit
// kMaxLsaBodySize, std::invalid_argument if something else is out of its bounds.
LsaHandle sign_grant(const Grant& grant, const SignFunction& sign);
// What the body of an announcement under (holder, kGrantFragment) grants; nothing if it breaks the format.
std::optional<Grant> decode_grant(const LsaHeader& header, Bytes body);
// By the network key, under the grants' own label.
bool is_signed_by(const Lsa& grant, const NodeId& network_key, const VerifyFunction& verify);

// A grant as people pass it on: one line of base64 (header, signature, body).
std::string grant_to_text(const Lsa& grant);
struct ParsedGrant {
  LsaHandle lsa;
  Grant grant;
};
// The format only; whoever uses it asks is_signed_by.
Result<ParsedGrant> parse_grant(std::string_view text);

}  // namespace starling::routing
