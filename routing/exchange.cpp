#include "routing/exchange.h"

#include <algorithm>

namespace starling::routing {

namespace {

// Whether the neighbour's copy is worth having. A tombstone says no to what it has seen die of old age.
bool is_missing(Time now, const LsaSummary& summary, const Database& database) {
  const Database::Entry* entry = database.find(summary.key);
  if (!entry) return !database.full();
  const LsaSummary ours = summarize(*entry->lsa);
  if (summary.sequence != ours.sequence) return summary.sequence > ours.sequence;
  if (summary.tag == ours.tag) return database.may_return(*entry, now);
  return true;  // two announcements with one sequence: which is newer shows when it is here
}

}  // namespace

Duration backed_off(Duration first, unsigned tries) {
  for (unsigned i = 0; i < tries && first < kRetransmitMax; i++) first *= 2;
  return std::min(first, kRetransmitMax);
}

void Exchange::start() {
  stop();
  started_ = true;
  asking_ = true;
  cursor_ = LsaKey{};
  ask_at_ = Time{};
  ask_tries_ = 0;
}

void Exchange::stop() {
  started_ = false;
  asking_ = false;
  waiting_.clear();
  in_flight_.clear();
}

void Exchange::on_headers(Time now, const Headers& headers, const Database& database, Duration retransmit) {
  if (!asking_) return;
  for (const LsaSummary& summary : headers.summaries) {
    if (wanted_count() >= kMaxWanted) break;
    if (!is_missing(now, summary, database) || summary.key.fragment >= kMaxFragments) continue;
    if (in_flight_.contains(summary.key)) continue;
    std::uint64_t& sequence = waiting_[summary.key];
    sequence = std::max(sequence, summary.sequence);
  }
  const bool continues = headers.from <= cursor_ && (headers.end || cursor_ < headers.next);
  if (!continues) return;
  ask_tries_ = 0;
  if (headers.end) {
    asking_ = false;
    return;
  }
  cursor_ = headers.next;
  if (window_left_ > 0) window_left_--;
  ask_at_ = window_left_ == 0 ? now : now + retransmit;
}

void Exchange::on_stored(const LsaKey& key, std::uint64_t sequence) {
  if (const auto found = waiting_.find(key); found != waiting_.end() && found->second <= sequence) {
    waiting_.erase(found);
  }
  if (const auto found = in_flight_.find(key); found != in_flight_.end() && found->second.sequence <= sequence) {
    in_flight_.erase(found);
  }
}

std::optional<Ask> Exchange::take_ask(Time now, Duration retransmit) {
  if (!asking_ || now < ask_at_) return std::nullopt;
  ask_at_ = now + backed_off(retransmit, ask_tries_);
  if (ask_tries_ < 16) ask_tries_++;
  window_left_ = kHeadersWindow;
  return Ask{cursor_};
}

std::vector<LsaKey> Exchange::take_requests(Time now, Duration retransmit) {
  std::vector<LsaKey> keys;
  for (auto entry = in_flight_.begin(); entry != in_flight_.end();) {
    Requested& requested = entry->second;
    if (requested.next_at > now) {
      ++entry;
    } else if (requested.tries >= kMaxRequestTries) {
      entry = in_flight_.erase(entry);
    } else {
      requested.next_at = now + backed_off(retransmit, requested.tries);
      requested.tries++;
      keys.push_back(entry->first);
      ++entry;
    }
  }
  while (in_flight_.size() < kMaxRequestsInFlight && !waiting_.empty()) {
    const auto [key, sequence] = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    in_flight_.emplace(key, Requested{sequence, 1, now + retransmit});
    keys.push_back(key);
  }
  return keys;
}

Time Exchange::next_deadline() const {
  Time deadline = asking_ ? ask_at_ : kNever;
  for (const auto& [key, requested] : in_flight_) deadline = std::min(deadline, requested.next_at);
  return deadline;
}

}  // namespace starling::routing
