// Judges one announcement that a neighbour sent: what it is to us, in the order that costs least. What the database
// has, or has newer, is never verified; nothing unverified is ever stored, relayed or believed.
#pragma once

#include "base/time.h"
#include "base/token_bucket.h"
#include "routing/database.h"
#include "routing/lsa_pool.h"
#include "routing/messages.h"
#include "routing/reject_reason.h"
#include "routing/router.h"

namespace starling::routing {

struct Judgement {
  enum class Kind : std::uint8_t {
    accept,     // new: store and flood `lsa`
    duplicate,  // we have exactly this
    stale,      // we have a newer one: tell the neighbour
    echo,       // our own, of a former life or a twin: jump past it
    relay,      // the header of something that died elsewhere, newer than what we have: its origin must hear of it
    reject,
  };
  Kind kind = Kind::reject;
  RejectReason reason = RejectReason::stale;
  LsaHandle lsa;      // accept, relay; duplicate: ours
  Time expires_at{};  // accept, duplicate
};

class Judge {
 public:
  // All must outlive it.
  Judge(const NodeId& self, const Database& database, const AdmitFunction& admit, const VerifyFunction& verify,
        RouterStatistics& statistics)
      : self_(self), database_(database), admit_(admit), verify_(verify), statistics_(statistics) {}

  // `forgeries` is the neighbour's budget of signatures that do not verify.
  Judgement operator()(Time now, const ReceivedLsa& received, TokenBucket& forgeries) const;

 private:
  Judgement judge_bare_header(Time now, const ReceivedLsa& received, TokenBucket& forgeries) const;
  bool verified(const ReceivedLsa& received) const;

  NodeId self_;
  const Database& database_;
  const AdmitFunction& admit_;
  const VerifyFunction& verify_;
  RouterStatistics& statistics_;
};

}  // namespace starling::routing
