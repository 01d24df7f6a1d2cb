// The link-state database: the newest announcement under each key, its expiry, and the digest that neighbours compare.
//
// Invariants: the digest is the sum modulo 2^128 of the fingerprints of all live announcements (used or not,
// withdrawals included), so it depends on neither order nor age. An announcement whose lifetime ended leaves its header
// for one more lifetime (a tombstone, not part of the digest), so that a copy that someone kept does not bring the dead
// back. What a caller sees is in key order, whatever the order of arrival.
//
// Small, because a simulation holds n² entries: at most 80 bytes each (tested). Entries lie in slots of one vector; an
// index finds them by key; their order is mended when somebody walks it; their expiry is a heap whose items may be too
// early and are put right when they come to the top, since a refresh only ever moves an expiry back.
#pragma once

#include <map>
#include <vector>

#include "base/time.h"
#include "routing/limits.h"
#include "routing/lsa.h"
#include "routing/messages.h"
#include "routing/origin_rates.h"
#include "routing/router.h"
#include "routing/slot_index.h"

namespace starling::routing {

class Database {
 public:
  struct Entry {
    LsaHandle lsa;         // never null outside
    Time expires_at{};     // of the announcement, or of its tombstone
    Time latest_expiry{};  // no copy makes it live longer than one lifetime from when it came
    bool tombstone = false;
  };

  // All entries in key order, as pairs of key and entry. Valid until the next change.
  class Entries {
   public:
    class Iterator {
     public:
      Iterator(const Database& database, std::size_t at) : database_(&database), at_(at) {}
      std::pair<const LsaKey&, const Entry&> operator*() const {
        const Entry& entry = database_->in_order(at_);
        return {entry.lsa->key(), entry};
      }
      Iterator& operator++() {
        at_++;
        return *this;
      }
      friend bool operator==(const Iterator&, const Iterator&) = default;

     private:
      const Database* database_;
      std::size_t at_;
    };

    explicit Entries(const Database& database) : database_(database) {}
    Iterator begin() const { return {database_, 0}; }
    Iterator end() const { return {database_, size()}; }
    std::size_t size() const { return database_.order_.size(); }

   private:
    const Database& database_;
  };

  // `salt`: random, so that nobody can choose keys that meet in the index.
  explicit Database(std::uint64_t salt = 0) : salt_(salt), rates_(salt) {}
  // Room for so many announcements.
  void reserve(std::size_t count);
  Database(Database&&) = default;
  Database& operator=(Database&&) = default;

  // Live or tombstone; nullptr if neither. Valid until the next change.
  const Entry* find(const LsaKey& key) const;
  // The live announcement, or nothing.
  const Lsa* live(const LsaKey& key) const;
  bool full() const { return order_.size() >= kMaxLsas; }

  // Whether a copy of exactly what expired may bring it back: its end came from an age that somebody told, which is not
  // signed, and no copy is older than one lifetime yet.
  bool may_return(const Entry& entry, Time now) const;

  // Stores a verified announcement in place of whatever was under its key, the same one's tombstone included. A signed
  // lifetime of 0 sets no bound to `expires_at`.
  void store(Time now, LsaHandle lsa, Time expires_at);
  // Forgets what is under this key, tombstone included.
  void remove(const LsaKey& key);
  // A copy with more time left arrived: the longer of the two counts, within one lifetime from the first.
  void extend(const LsaKey& key, Time expires_at);
  // True if a verified bare header of this sequence was not passed on yet; remembers it.
  bool should_relay(const LsaKey& key, std::uint64_t sequence);
  // Live announcements whose time is over become tombstones, tombstones whose time is over go. Returns the former.
  std::vector<LsaHandle> expire(Time now);
  Time next_expiry() const { return expiries_.empty() ? kNever : expiries_.front().at; }

  // The bucket that limits how fast announcements of one origin are accepted.
  bool origin_may(const NodeId& origin, Time now) const { return rates_.may(origin, now); }
  void count_origin(const NodeId& origin, Time now) { rates_.count(origin, now); }

  DatabaseDigest digest() const;
  Entries entries() const;
  std::size_t live_count() const { return live_count_; }
  std::uint32_t remaining_ms(const Entry& entry, Time now) const;

  // One packet's worth of summaries from a key on.
  Headers headers_from(const LsaKey& from) const;

 private:
  using Index = SlotIndex<16>;
  static_assert(kMaxLsas < Index::kNone);

  struct Expiry {
    Time at{};  // not after the entry's own
    std::uint32_t slot = 0;
  };

  const Entry& in_order(std::size_t at) const { return slots_[order_[at]]; }
  const LsaKey& key_in(std::uint32_t slot) const { return slots_[slot].lsa->key(); }
  std::uint64_t hash_of(const LsaKey& key) const;
  std::uint32_t slot_of(const LsaKey& key) const;
  std::uint32_t take_slot();
  void free_slot(std::uint32_t slot);
  void mend_order() const;
  void note_expiry(std::uint32_t slot);
  void settle_expiries();
  void add_to_digest(const Fingerprint& fingerprint);
  void subtract_from_digest(const Fingerprint& fingerprint);

  std::uint64_t salt_;
  std::vector<Entry> slots_;  // an empty one has no lsa
  std::vector<std::uint16_t> free_;
  Index index_;
  mutable std::vector<std::uint16_t> order_;  // slots by key, but for those behind `ordered_`
  mutable std::size_t ordered_ = 0;
  std::vector<Expiry> expiries_;  // a heap, the earliest on top and exact
  OriginRates rates_;
  std::map<LsaKey, std::uint64_t> relayed_;  // sequence of the newest bare header passed on to its origin
  std::uint64_t digest_high_ = 0;
  std::uint64_t digest_low_ = 0;
  std::size_t live_count_ = 0;
};

// The smallest key greater than this one.
LsaKey successor(const LsaKey& key);

}  // namespace starling::routing
