#include "routing/exchange.h"

#include <algorithm>
#include <functional>

namespace starling::routing {

namespace {

// Whether the neighbour's copy is worth having. A tombstone says no to what it has seen die of old age.
bool is_missing(Time now, const LsaSummary& summary, const Database& database) {
  const Database::Entry* entry = database.find(summary.key);
  if (!entry) return !database.full();
  const Lsa& ours = *entry->lsa;
  if (summary.sequence != ours.header().sequence) return summary.sequence > ours.header().sequence;
  if (summary.tag == ours.tag()) return database.may_return(*entry, now);
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

// Gives back the memory: what a large network wants of a neighbour once is far more than what it wants later.
void Exchange::stop() {
  started_ = false;
  asking_ = false;
  waiting_ = std::vector<Wanted>();
  waiting_count_ = 0;
  next_.reset();
  in_flight_ = std::vector<Requested>();
}

void Exchange::finish() {
  if (!started_ || done()) return;
  stop();
  started_ = true;
}

bool Exchange::wants(const LsaKey& key) const {
  const auto before = [](const Wanted& wanted, const LsaKey& sought) { return wanted.key < sought; };
  const auto at = std::lower_bound(waiting_.begin(), waiting_.end(), key, before);
  if (at != waiting_.end() && at->key == key && at->sequence != 0) return true;
  return std::any_of(in_flight_.begin(), in_flight_.end(), [&](const Requested& each) { return each.key == key; });
}

std::vector<Exchange::Wanted>::iterator Exchange::place_of(const LsaKey& key) {
  if (waiting_.empty() || waiting_.back().key < key) return waiting_.end();  // headers come in this order
  const auto before = [](const Wanted& wanted, const LsaKey& sought) { return wanted.key < sought; };
  return std::lower_bound(waiting_.begin(), waiting_.end(), key, before);
}

void Exchange::want(const LsaSummary& summary) {
  const auto at = place_of(summary.key);
  if (at == waiting_.end() || at->key != summary.key) {
    waiting_.insert(at, {summary.key, summary.sequence});
    waiting_count_++;
    return;
  }
  if (at->sequence == 0) waiting_count_++;
  at->sequence = std::max(at->sequence, summary.sequence);
}

void Exchange::on_headers(Time now, const Headers& headers, const Database& database, Duration retransmit) {
  if (!asking_) return;
  for (const LsaSummary& summary : headers.summaries) {
    if (wanted_count() >= kMaxWanted) break;
    if (!is_fragment(summary.key.fragment) || summary.sequence == 0) continue;
    if (!is_missing(now, summary, database)) continue;
    const auto is_same = [&](const Requested& requested) { return requested.key == summary.key; };
    if (std::none_of(in_flight_.begin(), in_flight_.end(), is_same)) want(summary);
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
  if (waiting_count_ > 0) {
    const auto at = place_of(key);
    if (at != waiting_.end() && at->key == key && at->sequence != 0 && at->sequence <= sequence) {
      at->sequence = 0;
      waiting_count_--;
    }
  }
  const auto is_here = [&](const Requested& requested) {
    return requested.key == key && requested.sequence <= sequence;
  };
  const auto found = std::find_if(in_flight_.begin(), in_flight_.end(), is_here);
  if (found != in_flight_.end()) in_flight_.erase(found);
  if (started_ && !running()) waiting_ = std::vector<Wanted>();
}

std::optional<Ask> Exchange::take_ask(Time now, Duration retransmit) {
  if (!asking_ || now < ask_at_) return std::nullopt;
  ask_at_ = now + backed_off(retransmit, ask_tries_);
  if (ask_tries_ < 16) ask_tries_++;
  window_left_ = kHeadersWindow;
  return Ask{cursor_};
}

std::vector<LsaKey> Exchange::take_requests(Time now, Duration retransmit, const std::vector<LsaKey>& elsewhere) {
  std::vector<LsaKey> keys;
  std::erase_if(in_flight_, [&](const Requested& requested) {
    return requested.next_at <= now && requested.tries >= kMaxRequestTries;
  });
  for (Requested& requested : in_flight_) {
    if (requested.next_at > now) continue;
    requested.next_at = now + backed_off(retransmit, requested.tries);
    requested.tries++;
    keys.push_back(requested.key);
  }
  close_gaps();
  while (in_flight_.size() < kMaxRequestsInFlight && waiting_count_ > 0) {
    const auto wanted = take_waiting(elsewhere);
    if (!wanted) break;
    in_flight_.push_back({wanted->key, wanted->sequence, 1, now + retransmit});
    keys.push_back(wanted->key);
  }
  return keys;
}

// The next that nobody else was asked for, if there is one.
std::optional<Exchange::Wanted> Exchange::take_waiting(const std::vector<LsaKey>& elsewhere) {
  if (!next_) next_ = static_cast<std::size_t>((std::uint64_t{rotation_} * waiting_.size()) >> 32);
  for (std::size_t looked_at = 0; looked_at < waiting_.size(); looked_at++) {
    if (*next_ >= waiting_.size()) next_ = 0;
    Wanted& candidate = waiting_[(*next_)++];
    if (candidate.sequence == 0 || std::binary_search(elsewhere.begin(), elsewhere.end(), candidate.key)) continue;
    const Wanted wanted = candidate;
    candidate.sequence = 0;
    waiting_count_--;
    return wanted;
  }
  return std::nullopt;
}

void Exchange::add_expected(Time now, std::vector<LsaKey>& keys) const {
  for (const Requested& requested : in_flight_) {
    if (requested.tries == 1 && requested.next_at > now) keys.push_back(requested.key);
  }
}

// Once most of them are.
void Exchange::close_gaps() {
  if (waiting_count_ * 2 >= waiting_.size()) return;
  const auto is_gap = [](const Wanted& wanted) { return wanted.sequence == 0; };
  if (next_) {
    const auto middle = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(*next_, waiting_.size()));
    next_ = static_cast<std::size_t>(std::count_if(waiting_.begin(), middle, std::not_fn(is_gap)));
  }
  std::erase_if(waiting_, is_gap);
}

Time Exchange::next_deadline() const {
  Time deadline = asking_ ? ask_at_ : kNever;
  for (const Requested& requested : in_flight_) deadline = std::min(deadline, requested.next_at);
  return deadline;
}

}  // namespace starling::routing
