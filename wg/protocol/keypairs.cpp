#include "wg/protocol/keypairs.h"

#include <utility>

namespace starling::wg {

void Keypairs::demote(SessionPtr& session) {
  if (session) previous_.insert(previous_.begin(), std::move(session));
  session = nullptr;
}

std::vector<SessionPtr> Keypairs::trim_previous(Time now) {
  std::vector<SessionPtr> retired;
  std::vector<SessionPtr> kept;
  for (SessionPtr& session : previous_) {
    const bool keep = kept.size() < kMaxPrevious && now - session->created() < kRejectAfterTime;
    (keep ? kept : retired).push_back(std::move(session));
  }
  previous_ = std::move(kept);
  return retired;
}

std::vector<SessionPtr> Keypairs::add_current(SessionPtr session) {
  demote(current_);
  demote(next_);
  current_ = std::move(session);
  can_send_ = true;
  return trim_previous(current_->created());
}

std::vector<SessionPtr> Keypairs::add_next(SessionPtr session) {
  // One that was never confirmed: its initiator did not get our answer, or it would not have begun again.
  std::vector<SessionPtr> retired = trim_previous(session->created());
  if (next_) retired.push_back(std::move(next_));
  next_ = std::move(session);
  return retired;
}

std::vector<SessionPtr> Keypairs::confirm_next(Time now) {
  demote(current_);
  current_ = std::move(next_);
  next_ = nullptr;
  can_send_ = true;
  return trim_previous(now);
}

std::vector<SessionPtr> Keypairs::stop_all(Time now) {
  demote(current_);
  demote(next_);
  can_send_ = false;
  return trim_previous(now);
}

std::vector<SessionPtr> Keypairs::clear() {
  demote(current_);
  demote(next_);
  can_send_ = false;
  return std::exchange(previous_, {});
}

bool needs_rekey_after_sending(const Session& session, Time now) {
  return session.messages_sent() >= kRekeyAfterMessages ||
         (session.is_initiator() && now - session.created() >= kRekeyAfterTime);
}

bool needs_rekey_after_receiving(const Session& session, Time now) {
  return session.is_initiator() && now - session.created() >= kLastMinuteHandshakeTime;
}

}  // namespace starling::wg
