// Which prefixes are announced, by whom, and whether our import policy uses them. Only origins that take part count (a
// live fragment 0 with attributes), reachable or not: the set of origins names a route group, and must not change with
// a failure.
//
// Dense: entries and sets of origins are small integers, which stay what they are until settle(). Nearly all sets have
// one origin, and such a set is the index of its node; the others are kept once each. What changed since settle() is
// listed, so that those who follow need not look at the rest.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/ip.h"
#include "routing/graph.h"
#include "routing/import_policy.h"
#include "routing/slot_index.h"

namespace starling::routing {

// A set of origins: a node's index, or kMultiple and the number of a set of several.
using OriginSet = std::uint32_t;
inline constexpr OriginSet kNoOrigins = 0xffffffff;
inline constexpr OriginSet kMultiple = 0x80000000;

using PrefixIndex = std::uint32_t;

class PrefixTable {
 public:
  struct Entry {
    Prefix prefix;
    ImportVerdict verdict = ImportVerdict::accepted;
    std::uint8_t flags = 0;
    OriginSet origins = kNoOrigins;  // kNoOrigins: announced no more, gone once settled

    bool announced() const { return origins != kNoOrigins; }
  };

  // `accept` must outlive the table. `seed` keeps others from choosing what collides in the index.
  explicit PrefixTable(const ImportPolicy& accept, std::uint64_t seed = 0) : accept_(accept), seed_(seed) {}

  // Room for so many, before there are any, of as many nodes.
  void reserve(std::size_t prefixes);

  // --- changes ---

  // Idempotent. A node announces a prefix once, however many of its fragments do.
  void add(NodeIndex node, const Prefix& prefix);
  void remove(NodeIndex node, const Prefix& prefix);
  // What we announce ourselves, and the subnets of the underlay: verdicts depend on both. `own` must be sorted.
  void set_local(std::vector<Prefix> own, std::vector<Prefix> connected);

  // --- what changed since settle() ---

  const std::vector<PrefixIndex>& touched() const { return touched_; }          // entries: origins or verdict
  const std::vector<OriginSet>& touched_sets() const { return touched_sets_; }  // used by more or fewer than before
  bool is_newly_judged(PrefixIndex index) const { return (entries_[index].flags & kJudged) != 0; }
  void settle();

  // --- the table ---

  PrefixIndex size() const { return static_cast<PrefixIndex>(entries_.size()); }  // indices, used or not
  const Entry& entry(PrefixIndex index) const { return entries_[index]; }
  // nullptr if nobody announces it.
  const Entry* find(const Prefix& prefix) const;
  std::size_t announced() const { return announced_; }
  // Sorted by index. The set must outlive the result.
  std::span<const NodeIndex> origins(const OriginSet& set) const;
  // How many accepted prefixes have exactly these origins.
  std::uint32_t uses(OriginSet set) const;
  std::uint32_t multiple_count() const { return static_cast<std::uint32_t>(sets_.size()); }  // used or not

 private:
  using Index = SlotIndex<32>;
  static constexpr std::uint8_t kTouched = 1, kJudged = 2, kIndexed = 4;

  struct Several {
    std::vector<NodeIndex> nodes;
    std::uint32_t references = 0;  // entries
    std::uint32_t uses = 0;        // of which accepted
    bool touched = false;
  };

  std::uint64_t hash(const Prefix& prefix) const;
  PrefixIndex find_index(const Prefix& prefix) const;
  PrefixIndex find_or_create(const Prefix& prefix);
  ImportVerdict judge(const Prefix& prefix) const;
  void set_origins(PrefixIndex index, std::span<const NodeIndex> nodes);
  void set_verdict(PrefixIndex index, ImportVerdict verdict);
  OriginSet intern(std::span<const NodeIndex> nodes);
  void count(OriginSet set, bool accepted, int by);
  void touch(PrefixIndex index);
  void touch_set(OriginSet set);

  const ImportPolicy& accept_;
  const std::uint64_t seed_;
  std::vector<Prefix> own_;
  std::vector<Prefix> connected_;
  std::vector<Entry> entries_;
  std::vector<PrefixIndex> free_;
  Index index_;
  std::size_t announced_ = 0;
  std::vector<std::uint32_t> uses_;  // by node, of the set of that node alone
  std::vector<Several> sets_;
  std::vector<std::uint32_t> free_sets_;
  std::map<std::vector<NodeIndex>, std::uint32_t> set_of_;
  std::vector<PrefixIndex> touched_;
  std::vector<OriginSet> touched_sets_;
};

}  // namespace starling::routing
