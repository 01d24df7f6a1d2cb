// The sessions of one peer, in three roles (whitepaper §6.2 and §6.3):
//   current   sends and receives
//   previous  only receive what was under way when another took their place
//   next      made as responder; receives, and becomes current with the first message that it receives, because only
//             then does the initiator certainly have it
//
// Other implementations keep one previous session. Where both sides begin at the same moment, each sends with the one
// that it began, so at the renewal two old sessions may still have messages under way, and with one slot these would be
// lost. Three slots hold everything that can be under way; those past REJECT_AFTER_TIME go with every change.
#pragma once

#include <vector>

#include "base/time.h"
#include "wg/protocol/session.h"

namespace starling::wg {

class Keypairs {
 public:
  static constexpr std::size_t kMaxPrevious = 3;

  // Each returns the sessions that lost their place.

  // As initiator: the answer proves that the other side has it, so it sends at once. A session that we answered in the
  // meantime only receives: the other side may have chosen it.
  std::vector<SessionPtr> add_current(SessionPtr session);
  std::vector<SessionPtr> add_next(SessionPtr session);
  // `next` received its first message.
  std::vector<SessionPtr> confirm_next(Time now);
  // All that is left only receives.
  std::vector<SessionPtr> stop_all(Time now);
  std::vector<SessionPtr> clear();

  const std::vector<SessionPtr>& previous() const { return previous_; }  // newest first
  const SessionPtr& current() const { return current_; }
  const SessionPtr& next() const { return next_; }

  // The session to send with: current, until it has reached REJECT_AFTER_TIME.
  SessionPtr sending() const { return can_send_ ? current_ : nullptr; }
  void stop_sending() { can_send_ = false; }

 private:
  void demote(SessionPtr& session);
  std::vector<SessionPtr> trim_previous(Time now);

  std::vector<SessionPtr> previous_;
  SessionPtr current_, next_;
  bool can_send_ = false;
};

// Sending with this session asks for a new handshake (§6.2): after REKEY_AFTER_MESSAGES, and for its initiator after
// REKEY_AFTER_TIME (only one side, so that both do not start at once).
bool needs_rekey_after_sending(const Session& session, Time now);
// So does receiving, for its initiator, shortly before it ends: it may have nothing to send.
bool needs_rekey_after_receiving(const Session& session, Time now);

}  // namespace starling::wg
