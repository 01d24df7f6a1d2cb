#include "routing/receive.h"

#include <algorithm>

namespace starling::routing {

namespace {

Judgement reject(RejectReason reason) {
  Judgement judgement;
  judgement.reason = reason;
  return judgement;
}

Judgement of_kind(Judgement::Kind kind) {
  Judgement judgement;
  judgement.kind = kind;
  return judgement;
}

// The remaining lifetime is not signed: it can neither prolong the signed one nor withdraw anything.
Duration told_remaining(const ReceivedLsa& received) {
  const Duration lifetime = std::chrono::seconds(received.header.lifetime_s);
  return std::min<Duration>(std::chrono::milliseconds(received.remaining_ms), lifetime);
}

Duration believed_remaining(const ReceivedLsa& received) {
  const Duration lifetime = std::chrono::seconds(received.header.lifetime_s);
  return std::max(told_remaining(received), std::min(kMinRemaining, lifetime));
}

}  // namespace

bool Judge::verified(const ReceivedLsa& received) const {
  statistics_.signatures_verified++;
  return verify_(received.header.key.origin, signature_input(received.header), received.signature);
}

Judgement Judge::operator()(Time now, const ReceivedLsa& received, TokenBucket& forgeries) const {
  const LsaHeader& header = received.header;
  if (header.key.fragment >= kMaxFragments) return reject(RejectReason::bad_fragment);
  if (header.lifetime_s == 0 || header.lifetime_s > kMaxLifetimeS) return reject(RejectReason::bad_lifetime);
  if (header.sequence == 0 || header.sequence > kMaxSequence) return reject(RejectReason::bad_sequence);

  const Database::Entry* entry = database_.find(header.key);
  const bool same = entry && header == entry->lsa->header();
  const bool returns = same && received.has_body && header.key.origin != self_ && database_.may_return(*entry, now) &&
                       told_remaining(received) >= kMinRemaining;
  if (same && !returns) {
    Judgement judgement = of_kind(Judgement::Kind::duplicate);
    judgement.lsa = entry->lsa;
    judgement.expires_at = now + told_remaining(received);
    return judgement;
  }
  if (entry && !returns && !is_newer(header, entry->lsa->header())) return of_kind(Judgement::Kind::stale);
  if (!forgeries.available(now)) return reject(RejectReason::forgery_too_often);
  if (!received.has_body || header.key.origin == self_) return judge_bare_header(now, received, forgeries);

  if (!database_.origin_may(header.key.origin, now)) return reject(RejectReason::origin_too_fast);
  if (!entry && database_.full()) return reject(RejectReason::database_full);
  Admission admission = admit_(received);
  if (admission.lsa || admission.reason != RejectReason::bad_body_hash) statistics_.signatures_verified++;
  if (!admission.lsa) {
    if (admission.reason != RejectReason::bad_body_hash) forgeries.take(now);  // a verification that was for nothing
    return reject(admission.reason);
  }
  Judgement judgement = of_kind(Judgement::Kind::accept);
  judgement.expires_at = now + believed_remaining(received);
  judgement.lsa = std::move(admission.lsa);
  return judgement;
}

// Of our own announcements only the header matters; of others' a header without its body matters if we have an older
// announcement: then its origin has come back and does not know yet how far it had counted.
Judgement Judge::judge_bare_header(Time now, const ReceivedLsa& received, TokenBucket& forgeries) const {
  const bool ours = received.header.key.origin == self_;
  if (!ours && !database_.live(received.header.key)) return reject(RejectReason::header_without_use);
  if (!ours && !database_.origin_may(received.header.key.origin, now)) return reject(RejectReason::origin_too_fast);
  if (!verified(received)) {
    forgeries.take(now);
    return reject(RejectReason::bad_signature);
  }
  if (ours) return of_kind(Judgement::Kind::echo);
  Judgement judgement = of_kind(Judgement::Kind::relay);
  judgement.lsa = std::make_shared<const Lsa>(received.header, received.signature);
  return judgement;
}

}  // namespace starling::routing
