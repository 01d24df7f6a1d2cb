#include "routing/flood_queue.h"

#include <algorithm>

#include "routing/exchange.h"
#include "routing/limits.h"

namespace starling::routing {

namespace {

bool covers(const LsaSummary& summary, const Lsa& lsa) {
  if (summary.sequence != lsa.header().sequence) return summary.sequence > lsa.header().sequence;
  return summary.tag == lsa.tag();
}

}  // namespace

void FloodQueue::push(LsaHandle lsa) {
  const LsaKey key = lsa->key();
  in_flight_.erase(key);
  waiting_[key] = std::move(lsa);
}

void FloodQueue::acknowledge(const LsaSummary& summary) {
  if (const auto found = waiting_.find(summary.key); found != waiting_.end() && covers(summary, *found->second)) {
    waiting_.erase(found);
  }
  if (const auto found = in_flight_.find(summary.key);
      found != in_flight_.end() && covers(summary, *found->second.lsa)) {
    in_flight_.erase(found);
  }
}

void FloodQueue::clear() {
  waiting_.clear();
  in_flight_.clear();
}

std::vector<LsaHandle> FloodQueue::take_due(Time now, Duration retransmit, std::uint64_t& retransmissions) {
  std::vector<LsaHandle> due;
  for (auto entry = in_flight_.begin(); entry != in_flight_.end();) {
    Sent& sent = entry->second;
    if (sent.next_at > now) {
      ++entry;
    } else if (sent.transmissions >= kMaxTransmissions) {
      entry = in_flight_.erase(entry);
    } else {
      sent.next_at = now + backed_off(retransmit, sent.transmissions);
      sent.transmissions++;
      retransmissions++;
      due.push_back(sent.lsa);
      ++entry;
    }
  }
  while (in_flight_.size() < kMaxInFlight && !waiting_.empty()) {
    const auto next = waiting_.begin();
    due.push_back(next->second);
    in_flight_.emplace(next->first, Sent{next->second, 1, now + retransmit});
    waiting_.erase(next);
  }
  return due;
}

Time FloodQueue::next_deadline() const {
  Time deadline = kNever;
  for (const auto& [key, sent] : in_flight_) deadline = std::min(deadline, sent.next_at);
  return deadline;
}

}  // namespace starling::routing
