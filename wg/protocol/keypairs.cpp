#include "wg/protocol/keypairs.h"

#include <utility>

namespace starling::wg {

namespace {

void retire(SessionPtr& session, std::vector<SessionPtr>& retired) {
  if (session) retired.push_back(std::move(session));
  session = nullptr;
}

}  // namespace

std::vector<SessionPtr> Keypairs::add_current(SessionPtr session) {
  std::vector<SessionPtr> retired;
  retire(previous_, retired);
  if (next_) {
    // Both sides began at the same time: the session that we answered is kept for receiving, the other side may have
    // chosen it.
    previous_ = std::move(next_);
    next_ = nullptr;
    retire(current_, retired);
  } else {
    previous_ = std::move(current_);
  }
  current_ = std::move(session);
  can_send_ = true;
  return retired;
}

std::vector<SessionPtr> Keypairs::add_next(SessionPtr session) {
  std::vector<SessionPtr> retired;
  retire(previous_, retired);
  retire(next_, retired);
  next_ = std::move(session);
  return retired;
}

std::vector<SessionPtr> Keypairs::confirm_next() {
  std::vector<SessionPtr> retired;
  retire(previous_, retired);
  previous_ = std::move(current_);
  current_ = std::move(next_);
  next_ = nullptr;
  can_send_ = true;
  return retired;
}

std::vector<SessionPtr> Keypairs::clear() {
  std::vector<SessionPtr> retired;
  retire(previous_, retired);
  retire(current_, retired);
  retire(next_, retired);
  can_send_ = false;
  return retired;
}

bool needs_rekey_after_sending(const Session& session, Time now) {
  return session.messages_sent() >= kRekeyAfterMessages ||
         (session.is_initiator() && now - session.created() >= kRekeyAfterTime);
}

bool needs_rekey_after_receiving(const Session& session, Time now) {
  return session.is_initiator() && now - session.created() >= kLastMinuteHandshakeTime;
}

}  // namespace starling::wg
