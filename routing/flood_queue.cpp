#include "routing/flood_queue.h"

#include <algorithm>

#include "routing/exchange.h"
#include "routing/mix.h"

namespace starling::routing {

namespace {

bool covers(const LsaSummary& summary, const Lsa& lsa) {
  if (summary.sequence != lsa.header().sequence) return summary.sequence > lsa.header().sequence;
  return summary.tag == lsa.tag();
}

}  // namespace

void FloodQueue::push(LsaHandle lsa) {
  const LsaKey& key = lsa->key();
  if (const auto sent = sent_under(key); sent != in_flight_.end()) {
    in_flight_.erase(sent);
    find_next_at();
  }
  const auto at = waiting_from(key);
  if (at != waiting_.end() && (*at)->key() == key) {
    *at = std::move(lsa);
  } else {
    waiting_.insert(at, std::move(lsa));
  }
}

bool FloodQueue::acknowledge(const LsaSummary& summary) {
  if (!waiting_.empty()) {
    const auto at = waiting_from(summary.key);
    if (at != waiting_.end() && (*at)->key() == summary.key && covers(summary, **at)) waiting_.erase(at);
  }
  const auto sent = sent_under(summary.key);
  if (sent == in_flight_.end() || !covers(summary, *sent->lsa)) return false;
  const bool is_same = sent->lsa->tag() == summary.tag;
  const bool was_next = sent->next_at == next_at_;
  in_flight_.erase(sent);
  if (was_next) find_next_at();
  return is_same;
}

void FloodQueue::acknowledge_all() {
  std::erase_if(waiting_, [](const LsaHandle& lsa) { return lsa->has_body(); });
  std::erase_if(in_flight_, [](const Sent& sent) { return sent.lsa->has_body(); });
  find_next_at();
}

void FloodQueue::clear() {
  waiting_ = std::vector<LsaHandle>();
  in_flight_ = std::vector<Sent>();
  next_at_ = kNever;
}

std::vector<LsaHandle> FloodQueue::take_due(Time now, Duration retransmit, std::uint64_t& retransmissions) {
  std::vector<LsaHandle> due;
  if (next_at_ <= now) {
    std::erase_if(in_flight_,
                  [&](const Sent& sent) { return sent.next_at <= now && sent.transmissions >= kMaxTransmissions; });
    for (Sent& sent : in_flight_) {
      if (sent.next_at > now) continue;
      sent.next_at = now + backed_off(retransmit, sent.transmissions);
      sent.transmissions++;
      retransmissions++;
      due.push_back(sent.lsa);
    }
  }
  const bool may_go = now >= spaced_until_;
  while (may_go && in_flight_.size() < kMaxInFlight && !waiting_.empty()) {
    spaced_until_ = now + kFloodSpacing;
    const auto first = waiting_from(turn_) == waiting_.end() ? waiting_.begin() : waiting_from(turn_);
    const auto room = static_cast<std::ptrdiff_t>(kMaxInFlight - in_flight_.size());
    const auto last = first + std::min(room, waiting_.end() - first);
    for (auto at = first; at != last; ++at) {
      due.push_back(*at);
      in_flight_.push_back({*at, leading_bits((*at)->key().origin), now + retransmit, 1});
    }
    turn_ = successor((*(last - 1))->key());
    waiting_.erase(first, last);
  }
  if (waiting_.empty() && waiting_.capacity() > kMaxInFlight) waiting_ = std::vector<LsaHandle>();
  find_next_at();
  return due;
}

std::vector<FloodQueue::Sent>::iterator FloodQueue::sent_under(const LsaKey& key) {
  const std::uint64_t bits = leading_bits(key.origin);
  return std::find_if(in_flight_.begin(), in_flight_.end(),
                      [&](const Sent& sent) { return sent.origin_bits == bits && sent.lsa->key() == key; });
}

// The first that waits under this key or a later one.
std::vector<LsaHandle>::iterator FloodQueue::waiting_from(const LsaKey& key) {
  return std::lower_bound(waiting_.begin(), waiting_.end(), key,
                          [](const LsaHandle& lsa, const LsaKey& sought) { return lsa->key() < sought; });
}

void FloodQueue::find_next_at() {
  next_at_ = kNever;
  for (const Sent& sent : in_flight_) next_at_ = std::min(next_at_, sent.next_at);
}

}  // namespace starling::routing
