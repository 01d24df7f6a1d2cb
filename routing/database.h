// The link-state database: the newest announcement under each key, its expiry, and the digest that neighbours compare.
//
// Invariants: the digest is the sum modulo 2^128 of the fingerprints of all live announcements (used or not,
// withdrawals included), so it depends on neither order nor age. An announcement whose lifetime ended leaves its header
// for one more lifetime (a tombstone, not part of the digest), so that a copy that someone kept does not bring the dead
// back.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "base/time.h"
#include "base/token_bucket.h"
#include "routing/limits.h"
#include "routing/lsa.h"
#include "routing/messages.h"
#include "routing/router.h"

namespace starling::routing {

class Database {
 public:
  struct Entry {
    LsaHandle lsa;
    Time expires_at{};                   // of the announcement, or of its tombstone
    Time latest_expiry{};                // no copy makes it live longer than one lifetime from when it came
    std::uint64_t relayed_sequence = 0;  // of the newest bare header passed on to its origin
    bool tombstone = false;
  };

  // Live or tombstone; nullptr if neither. Valid until the next change.
  const Entry* find(const LsaKey& key) const;
  // The live announcement, or nothing.
  const Lsa* live(const LsaKey& key) const;
  bool full() const { return entries_.size() >= kMaxLsas; }

  // Whether a copy of exactly what expired may bring it back: its end came from an age that somebody told, which is not
  // signed, and no copy is older than one lifetime yet.
  bool may_return(const Entry& entry, Time now) const;

  // Stores a verified announcement in place of whatever was under its key, the same one's tombstone included.
  void store(Time now, LsaHandle lsa, Time expires_at);
  // A copy with more time left arrived: the longer of the two counts, within one lifetime from the first.
  void extend(const LsaKey& key, Time expires_at);
  // True if a verified bare header of this sequence was not passed on yet; remembers it.
  bool should_relay(const LsaKey& key, std::uint64_t sequence);
  // Live announcements whose time is over become tombstones, tombstones whose time is over go. Returns the former.
  std::vector<LsaHandle> expire(Time now);
  Time next_expiry() const { return expiries_.empty() ? kNever : expiries_.begin()->first; }

  // The bucket that limits how fast announcements of one origin are accepted. Nothing is stored for unknown origins.
  bool origin_may(const NodeId& origin, Time now) const;
  void count_origin(const NodeId& origin, Time now);

  const DatabaseDigest& digest() const { return digest_; }
  const std::map<LsaKey, Entry>& entries() const { return entries_; }
  std::size_t live_count() const { return live_count_; }
  std::uint32_t remaining_ms(const Entry& entry, Time now) const;

  // One packet's worth of summaries from a key on.
  Headers headers_from(const LsaKey& from) const;

 private:
  struct Origin {
    std::size_t entries = 0;
    TokenBucket bucket{kOriginBurst, kOriginPerToken};
  };

  void add_to_digest(const Fingerprint& fingerprint);
  void subtract_from_digest(const Fingerprint& fingerprint);
  void erase(std::map<LsaKey, Entry>::iterator entry);

  std::map<LsaKey, Entry> entries_;
  std::map<NodeId, Origin> origins_;
  std::set<std::pair<Time, LsaKey>> expiries_;
  DatabaseDigest digest_{};
  std::size_t live_count_ = 0;
};

// The smallest key greater than this one.
LsaKey successor(const LsaKey& key);

}  // namespace starling::routing
