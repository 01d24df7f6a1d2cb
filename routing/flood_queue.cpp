#include "routing/flood_queue.h"

#include <algorithm>

#include "routing/exchange.h"

namespace starling::routing {

namespace {

bool covers(const LsaSummary& summary, const Lsa& lsa) {
  if (summary.sequence != lsa.header().sequence) return summary.sequence > lsa.header().sequence;
  return summary.tag == lsa.tag();
}

std::uint64_t rank_of(const LsaKey& key) {
  return ByteReader(key.origin.bytes).u64();
}

}  // namespace

void FloodQueue::push(LsaHandle lsa) {
  const LsaKey& key = lsa->key();
  if (const auto sent = sent_under(key); sent != in_flight_.end()) {
    forget_sent(sent);
    find_next_at();
  }
  const auto at = waiting_from(key);
  if (at != waiting_.end() && at->lsa->key() == key) {
    at->lsa = std::move(lsa);
  } else {
    const std::uint64_t rank = rank_of(key);
    waiting_.insert(at, {rank, std::move(lsa)});
  }
}

bool FloodQueue::acknowledge(const LsaSummary& summary) {
  if (!waiting_.empty()) {
    const auto at = waiting_from(summary.key);
    if (at != waiting_.end() && at->lsa->key() == summary.key && covers(summary, *at->lsa)) waiting_.erase(at);
  }
  const auto sent = sent_under(summary.key);
  if (sent == in_flight_.end() || !covers(summary, *sent->lsa)) return false;
  const bool is_same = sent->lsa->tag() == summary.tag;
  const bool was_next = sent->next_at == next_at_;
  forget_sent(sent);
  if (was_next) find_next_at();
  return is_same;
}

void FloodQueue::acknowledge_all() {
  if (empty()) return;  // as with nearly every Hello
  std::erase_if(waiting_, [](const Waiting& waiting) { return waiting.lsa->has_body(); });
  forget_sent_if([](const Sent& sent) { return sent.lsa->has_body(); });
  find_next_at();
}

void FloodQueue::clear() {
  waiting_ = std::vector<Waiting>();
  in_flight_ = std::vector<Sent>();
  sent_ranks_ = std::vector<std::uint64_t>();
  next_at_ = kNever;
}

std::vector<LsaHandle> FloodQueue::take_due(Time now, Duration retransmit, std::uint64_t& retransmissions) {
  std::vector<LsaHandle> due;
  if (next_at_ <= now) {
    forget_sent_if([&](const Sent& sent) { return sent.next_at <= now && sent.transmissions >= kMaxTransmissions; });
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
      due.push_back(at->lsa);
      sent_ranks_.push_back(at->rank);
      in_flight_.push_back({std::move(at->lsa), now + retransmit, 1});
    }
    turn_ = successor(due.back()->key());
    waiting_.erase(first, last);
  }
  if (waiting_.empty() && waiting_.capacity() > kMaxInFlight) waiting_ = std::vector<Waiting>();
  find_next_at();
  return due;
}

std::vector<FloodQueue::Sent>::iterator FloodQueue::sent_under(const LsaKey& key) {
  const std::uint64_t rank = rank_of(key);
  for (std::size_t i = 0; i < sent_ranks_.size(); i++) {
    if (sent_ranks_[i] == rank && in_flight_[i].lsa->key() == key)
      return in_flight_.begin() + static_cast<std::ptrdiff_t>(i);
  }
  return in_flight_.end();
}

void FloodQueue::forget_sent(std::vector<Sent>::iterator sent) {
  sent_ranks_.erase(sent_ranks_.begin() + (sent - in_flight_.begin()));
  in_flight_.erase(sent);
}

template <typename Condition>
void FloodQueue::forget_sent_if(const Condition& condition) {
  for (std::size_t i = in_flight_.size(); i-- > 0;) {
    if (condition(in_flight_[i])) forget_sent(in_flight_.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// The first that waits under this key or a later one.
std::vector<FloodQueue::Waiting>::iterator FloodQueue::waiting_from(const LsaKey& key) {
  return std::lower_bound(waiting_.begin(), waiting_.end(), rank_of(key),
                          [&](const Waiting& waiting, std::uint64_t rank) {
                            return waiting.rank != rank ? waiting.rank < rank : waiting.lsa->key() < key;
                          });
}

void FloodQueue::find_next_at() {
  next_at_ = kNever;
  for (const Sent& sent : in_flight_) next_at_ = std::min(next_at_, sent.next_at);
}

}  // namespace starling::routing
