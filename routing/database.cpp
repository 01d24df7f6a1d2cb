#include "routing/database.h"

#include <algorithm>
#include <limits>

#include "routing/mix.h"

namespace starling::routing {

namespace {

constexpr std::size_t kSpareExpiries = 64;  // of those that another item of the same entry stands for

Duration lifetime(const Lsa& lsa) {
  return std::chrono::seconds(lsa.header().lifetime_s);
}

// Vectors of one large database grow by an eighth: doubled, they would be half empty.
template <typename Item>
void make_room(std::vector<Item>& items) {
  if (items.size() == items.capacity()) items.reserve(items.size() + items.size() / 8 + 8);
}

// The earliest on top of a heap.
constexpr auto kIsLater = [](const auto& a, const auto& b) { return a.at > b.at; };

}  // namespace

void Database::reserve(std::size_t count) {
  slots_.reserve(count);
  index_.reserve(count);
  order_.reserve(count);
  expiries_.reserve(count);
}

const Database::Entry* Database::find(const LsaKey& key) const {
  const std::uint32_t slot = slot_of(key);
  return slot == Index::kNone ? nullptr : &slots_[slot];
}

const Lsa* Database::live(const LsaKey& key) const {
  const Entry* entry = find(key);
  return entry && !entry->tombstone ? entry->lsa.get() : nullptr;
}

bool Database::may_return(const Entry& entry, Time now) const {
  return entry.tombstone && entry.latest_expiry - now >= kMinRemaining;
}

void Database::store(Time now, LsaHandle lsa, Time expires_at) {
  if (!relayed_.empty()) relayed_.erase(lsa->key());
  Time latest = lsa->header().lifetime_s == 0 ? expires_at : now + lifetime(*lsa);
  std::uint32_t slot = slot_of(lsa->key());
  const bool is_new = slot == Index::kNone;
  if (is_new) {
    slot = take_slot();
  } else if (slots_[slot].lsa->header() == lsa->header()) {
    latest = slots_[slot].latest_expiry;
  }
  Entry& entry = slots_[slot];
  if (!is_new && !entry.tombstone) {
    subtract_from_digest(entry.lsa->fingerprint());
    live_count_--;
  }
  const Time before = is_new ? kNever : entry.expires_at;
  add_to_digest(lsa->fingerprint());
  live_count_++;
  entry = {std::move(lsa), std::min(expires_at, latest), latest, false};
  if (is_new) {
    index_.insert(hash_of(entry.lsa->key()), slot, [this](std::uint32_t other) { return hash_of(key_in(other)); });
    make_room(order_);
    order_.push_back(static_cast<std::uint16_t>(slot));
  }
  if (entry.expires_at < before) note_expiry(slot);
  if (expiries_.front().slot == slot) settle_expiries();
}

void Database::remove(const LsaKey& key) {
  const std::uint32_t slot = slot_of(key);
  if (slot == Index::kNone) return;
  if (!slots_[slot].tombstone) {
    subtract_from_digest(slots_[slot].lsa->fingerprint());
    live_count_--;
  }
  free_slot(slot);
  settle_expiries();
}

void Database::extend(const LsaKey& key, Time expires_at) {
  const std::uint32_t slot = slot_of(key);
  if (slot == Index::kNone || slots_[slot].tombstone) return;
  Entry& entry = slots_[slot];
  entry.expires_at = std::max(entry.expires_at, std::min(expires_at, entry.latest_expiry));
  if (expiries_.front().slot == slot) settle_expiries();
}

bool Database::should_relay(const LsaKey& key, std::uint64_t sequence) {
  if (!find(key)) return false;
  std::uint64_t& relayed = relayed_[key];
  if (relayed >= sequence) return false;
  relayed = sequence;
  return true;
}

std::vector<LsaHandle> Database::expire(Time now) {
  rates_.sweep(now);
  std::vector<LsaHandle> expired;
  while (next_expiry() <= now) {
    const std::uint32_t slot = expiries_.front().slot;
    Entry& entry = slots_[slot];
    if (entry.tombstone) {
      free_slot(slot);
    } else {
      subtract_from_digest(entry.lsa->fingerprint());
      live_count_--;
      expired.push_back(entry.lsa);
      entry.expires_at = now + lifetime(*entry.lsa);
      entry.lsa = without_body(*entry.lsa);
      entry.tombstone = true;
    }
    settle_expiries();
  }
  return expired;
}

DatabaseDigest Database::digest() const {
  DatabaseDigest digest;
  for (std::size_t i = 0; i < 8; i++) {
    digest[i] = static_cast<std::uint8_t>(digest_high_ >> (56 - 8 * i));
    digest[8 + i] = static_cast<std::uint8_t>(digest_low_ >> (56 - 8 * i));
  }
  return digest;
}

Database::Entries Database::entries() const {
  mend_order();
  return Entries(*this);
}

std::uint32_t Database::remaining_ms(const Entry& entry, Time now) const {
  if (entry.tombstone || entry.expires_at <= now) return 0;
  const auto remaining = std::chrono::ceil<std::chrono::milliseconds>(entry.expires_at - now).count();
  return static_cast<std::uint32_t>(std::min<std::int64_t>(remaining, std::numeric_limits<std::uint32_t>::max()));
}

Headers Database::headers_from(const LsaKey& from) const {
  mend_order();
  Headers headers;
  headers.from = from;
  headers.end = true;
  headers.summaries.reserve(kSummariesPerHeaders);
  const auto before = [this](std::uint16_t slot, const LsaKey& key) { return key_in(slot) < key; };
  for (auto at = std::lower_bound(order_.begin(), order_.end(), from, before); at != order_.end(); ++at) {
    const Entry& entry = slots_[*at];
    if (entry.tombstone) continue;
    if (headers.summaries.size() == kSummariesPerHeaders) {
      headers.end = false;
      break;
    }
    headers.summaries.push_back(summarize(*entry.lsa));
    headers.next = successor(entry.lsa->key());
  }
  return headers;
}

std::uint64_t Database::hash_of(const LsaKey& key) const {
  return mix(leading_bits(key.origin) ^ salt_ ^ std::uint64_t{key.fragment} << 32);
}

std::uint32_t Database::slot_of(const LsaKey& key) const {
  return index_.find(hash_of(key), [&](std::uint32_t slot) { return key_in(slot) == key; });
}

std::uint32_t Database::take_slot() {
  if (!free_.empty()) {
    const std::uint16_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  make_room(slots_);
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

void Database::free_slot(std::uint32_t slot) {
  relayed_.erase(key_in(slot));
  const auto hash_in = [this](std::uint32_t other) { return hash_of(key_in(other)); };
  index_.erase(hash_in(slot), slot, hash_in);
  const auto at = std::find(order_.begin(), order_.end(), static_cast<std::uint16_t>(slot));
  if (static_cast<std::size_t>(at - order_.begin()) < ordered_) ordered_--;
  order_.erase(at);
  slots_[slot] = {};
  free_.push_back(static_cast<std::uint16_t>(slot));
}

void Database::mend_order() const {
  if (ordered_ == order_.size()) return;
  const auto before = [this](std::uint16_t a, std::uint16_t b) { return key_in(a) < key_in(b); };
  const auto middle = order_.begin() + static_cast<std::ptrdiff_t>(ordered_);
  std::sort(middle, order_.end(), before);
  std::inplace_merge(order_.begin(), middle, order_.end(), before);
  ordered_ = order_.size();
}

// An item for the entry as it is now. Others of the same entry do no harm: they are put right, or dropped, on top.
void Database::note_expiry(std::uint32_t slot) {
  make_room(expiries_);
  expiries_.push_back({slots_[slot].expires_at, slot});
  if (expiries_.size() <= order_.size() * 2 + kSpareExpiries) {
    std::push_heap(expiries_.begin(), expiries_.end(), kIsLater);
    return;
  }
  expiries_.clear();
  for (const std::uint16_t occupied : order_) expiries_.push_back({slots_[occupied].expires_at, occupied});
  std::make_heap(expiries_.begin(), expiries_.end(), kIsLater);
}

// Until the item on top is exact. Needed where that item's entry has changed.
void Database::settle_expiries() {
  while (!expiries_.empty()) {
    const Entry& entry = slots_[expiries_.front().slot];
    if (entry.lsa && entry.expires_at == expiries_.front().at) return;
    std::pop_heap(expiries_.begin(), expiries_.end(), kIsLater);
    if (entry.lsa && entry.expires_at > expiries_.back().at) {
      expiries_.back().at = entry.expires_at;
      std::push_heap(expiries_.begin(), expiries_.end(), kIsLater);
    } else {
      expiries_.pop_back();
    }
  }
}

void Database::add_to_digest(const Fingerprint& fingerprint) {
  ByteReader in(fingerprint);
  const std::uint64_t high = in.u64();
  const std::uint64_t low = in.u64();
  digest_low_ += low;
  digest_high_ += high + (digest_low_ < low ? 1 : 0);
}

void Database::subtract_from_digest(const Fingerprint& fingerprint) {
  ByteReader in(fingerprint);
  const std::uint64_t high = in.u64();
  const std::uint64_t low = in.u64();
  digest_high_ -= high + (digest_low_ < low ? 1 : 0);
  digest_low_ -= low;
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
