#include "routing/database.h"

#include <algorithm>

namespace starling::routing {

namespace {

Duration lifetime(const Lsa& lsa) {
  return std::chrono::seconds(lsa.header().lifetime_s);
}

}  // namespace

const Database::Entry* Database::find(const LsaKey& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

const Lsa* Database::live(const LsaKey& key) const {
  const Entry* entry = find(key);
  return entry && !entry->tombstone ? entry->lsa.get() : nullptr;
}

bool Database::may_return(const Entry& entry, Time now) const {
  return entry.tombstone && entry.latest_expiry - now >= kMinRemaining;
}

void Database::store(Time now, LsaHandle lsa, Time expires_at) {
  const LsaKey key = lsa->key();
  Time latest = now + lifetime(*lsa);
  origins_[key.origin].entries++;  // before the old one goes, which must not take the origin's bucket with it
  if (const auto old = entries_.find(key); old != entries_.end()) {
    if (old->second.lsa->header() == lsa->header()) latest = old->second.latest_expiry;
    erase(old);
  }
  expires_at = std::min(expires_at, latest);
  add_to_digest(lsa->fingerprint());
  live_count_++;
  expiries_.emplace(expires_at, key);
  entries_.emplace(key, Entry{std::move(lsa), expires_at, latest, 0, false});
}

void Database::extend(const LsaKey& key, Time expires_at) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.tombstone) return;
  expires_at = std::min(expires_at, found->second.latest_expiry);
  if (found->second.expires_at >= expires_at) return;
  expiries_.erase({found->second.expires_at, key});
  found->second.expires_at = expires_at;
  expiries_.emplace(expires_at, key);
}

bool Database::should_relay(const LsaKey& key, std::uint64_t sequence) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second.relayed_sequence >= sequence) return false;
  found->second.relayed_sequence = sequence;
  return true;
}

std::vector<LsaHandle> Database::expire(Time now) {
  std::vector<LsaHandle> expired;
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const auto found = entries_.find(expiries_.begin()->second);
    Entry& entry = found->second;
    if (entry.tombstone) {
      erase(found);
      continue;
    }
    expiries_.erase(expiries_.begin());
    subtract_from_digest(entry.lsa->fingerprint());
    live_count_--;
    expired.push_back(entry.lsa);
    entry.expires_at = now + lifetime(*entry.lsa);
    entry.lsa = without_body(*entry.lsa);
    entry.tombstone = true;
    expiries_.emplace(entry.expires_at, found->first);
  }
  return expired;
}

bool Database::origin_may(const NodeId& origin, Time now) const {
  const auto found = origins_.find(origin);
  return found == origins_.end() || found->second.bucket.available(now);
}

void Database::count_origin(const NodeId& origin, Time now) {
  const auto found = origins_.find(origin);
  if (found != origins_.end()) found->second.bucket.take(now);
}

std::uint32_t Database::remaining_ms(const Entry& entry, Time now) const {
  if (entry.tombstone || entry.expires_at <= now) return 0;
  return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::milliseconds>(entry.expires_at - now).count());
}

Headers Database::headers_from(const LsaKey& from) const {
  Headers headers;
  headers.from = from;
  headers.end = true;
  for (auto entry = entries_.lower_bound(from); entry != entries_.end(); ++entry) {
    if (entry->second.tombstone) continue;
    if (headers.summaries.size() == kSummariesPerHeaders) {
      headers.end = false;
      break;
    }
    headers.summaries.push_back(summarize(*entry->second.lsa));
    headers.next = successor(entry->first);
  }
  return headers;
}

// The digest is one big-endian number of 128 bits.
void Database::add_to_digest(const Fingerprint& fingerprint) {
  unsigned carry = 0;
  for (std::size_t i = digest_.size(); i-- > 0;) {
    const unsigned sum = unsigned{digest_[i]} + fingerprint[i] + carry;
    digest_[i] = static_cast<std::uint8_t>(sum);
    carry = sum >> 8;
  }
}

void Database::subtract_from_digest(const Fingerprint& fingerprint) {
  unsigned borrow = 0;
  for (std::size_t i = digest_.size(); i-- > 0;) {
    const unsigned difference = 256u + digest_[i] - fingerprint[i] - borrow;
    digest_[i] = static_cast<std::uint8_t>(difference);
    borrow = 1 - (difference >> 8);
  }
}

void Database::erase(std::map<LsaKey, Entry>::iterator entry) {
  if (!entry->second.tombstone) {
    subtract_from_digest(entry->second.lsa->fingerprint());
    live_count_--;
  }
  expiries_.erase({entry->second.expires_at, entry->first});
  if (const auto origin = origins_.find(entry->first.origin); --origin->second.entries == 0) origins_.erase(origin);
  entries_.erase(entry);
}

LsaKey successor(const LsaKey& key) {
  LsaKey next = key;
  if (++next.fragment != 0) return next;
  for (std::size_t i = next.origin.bytes.size(); i-- > 0;) {
    if (++next.origin.bytes[i] != 0) break;
  }
  return next;
}

}  // namespace starling::routing
