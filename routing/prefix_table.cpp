#include "routing/prefix_table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "routing/mix.h"
#include "routing/resize_tightly.h"

namespace starling::routing {

// --- finding ---

std::uint64_t PrefixTable::hash(const Prefix& prefix) const {
  std::uint64_t words[2] = {0, 0};
  const Bytes bytes = prefix.address().bytes();
  std::memcpy(words, bytes.data(), bytes.size());
  const auto kind = static_cast<std::uint64_t>(prefix.length()) << 8 | static_cast<std::uint64_t>(prefix.family());
  return mix(mix(mix(kind ^ seed_) ^ words[0]) ^ words[1]);
}

PrefixIndex PrefixTable::find_index(const Prefix& prefix) const {
  return index_.find(hash(prefix), [&](PrefixIndex index) { return entries_[index].prefix == prefix; });
}

const PrefixTable::Entry* PrefixTable::find(const Prefix& prefix) const {
  const PrefixIndex index = find_index(prefix);
  return index == Index::kNone || !entries_[index].announced() ? nullptr : &entries_[index];
}

std::span<const NodeIndex> PrefixTable::origins(const OriginSet& set) const {
  if (set == kNoOrigins) return {};
  if ((set & kMultiple) != 0) return sets_[set & ~kMultiple].nodes;
  return {&set, 1};
}

std::uint32_t PrefixTable::uses(OriginSet set) const {
  if (set == kNoOrigins) return 0;
  if ((set & kMultiple) != 0) return sets_[set & ~kMultiple].uses;
  return set < uses_.size() ? uses_[set] : 0;
}

PrefixIndex PrefixTable::find_or_create(const Prefix& prefix) {
  PrefixIndex index = find_index(prefix);
  if (index != Index::kNone) return index;
  index = size();
  if (free_.empty()) {
    resize_tightly(entries_, entries_.size() + 1);
  } else {
    index = free_.back();
    free_.pop_back();
  }
  entries_[index] = {prefix, judge(prefix), kIndexed | kJudged, kNoOrigins};
  index_.insert(hash(prefix), index, [&](PrefixIndex other) { return hash(entries_[other].prefix); });
  return index;
}

ImportVerdict PrefixTable::judge(const Prefix& prefix) const {
  const bool ours = std::binary_search(own_.begin(), own_.end(), prefix);
  return ours ? ImportVerdict::own_prefix : accept_.check(prefix, connected_);
}

void PrefixTable::reserve(std::size_t prefixes) {
  entries_.reserve(prefixes);
  index_.reserve(prefixes);
  uses_.reserve(prefixes);
}

// --- changes ---

void PrefixTable::add(NodeIndex node, const Prefix& prefix) {
  const PrefixIndex index = find_or_create(prefix);
  const auto before = origins(entries_[index].origins);
  if (before.empty()) return set_origins(index, {&node, 1});
  const auto at = std::lower_bound(before.begin(), before.end(), node);
  if (at != before.end() && *at == node) return;
  std::vector<NodeIndex> nodes(before.begin(), at);
  nodes.push_back(node);
  nodes.insert(nodes.end(), at, before.end());
  set_origins(index, nodes);
}

void PrefixTable::remove(NodeIndex node, const Prefix& prefix) {
  const PrefixIndex index = find_index(prefix);
  if (index == Index::kNone) return;
  const auto before = origins(entries_[index].origins);
  std::vector<NodeIndex> nodes(before.begin(), before.end());
  if (std::erase(nodes, node) > 0) set_origins(index, nodes);
}

void PrefixTable::set_local(std::vector<Prefix> own, std::vector<Prefix> connected) {
  if (own == own_ && connected == connected_) return;
  const std::vector<Prefix> before = std::exchange(own_, std::move(own));
  connected_ = std::move(connected);
  for (const Prefix& prefix : before) {
    if (!std::binary_search(own_.begin(), own_.end(), prefix)) remove(kRoot, prefix);
  }
  for (const Prefix& prefix : own_) add(kRoot, prefix);
  for (PrefixIndex index = 0; index < size(); index++) {
    if ((entries_[index].flags & kIndexed) != 0) set_verdict(index, judge(entries_[index].prefix));
  }
}

void PrefixTable::set_verdict(PrefixIndex index, ImportVerdict verdict) {
  Entry& entry = entries_[index];
  if (entry.verdict == verdict) return;
  count(entry.origins, entry.verdict == ImportVerdict::accepted, -1);
  entry.verdict = verdict;
  count(entry.origins, entry.verdict == ImportVerdict::accepted, 1);
  entry.flags |= kJudged;
  touch(index);
}

void PrefixTable::set_origins(PrefixIndex index, std::span<const NodeIndex> nodes) {
  Entry& entry = entries_[index];
  const bool accepted = entry.verdict == ImportVerdict::accepted;
  const bool was_announced = entry.announced();
  const OriginSet set = intern(nodes);
  count(set, accepted, 1);
  count(entry.origins, accepted, -1);
  entry.origins = set;
  if (entry.announced() && !was_announced) announced_++;
  if (!entry.announced() && was_announced) announced_--;
  touch(index);
}

OriginSet PrefixTable::intern(std::span<const NodeIndex> nodes) {
  if (nodes.empty()) return kNoOrigins;
  if (nodes.size() == 1) return nodes.front();
  const auto [at, is_new] = set_of_.try_emplace({nodes.begin(), nodes.end()}, 0);
  if (is_new) {
    at->second = static_cast<std::uint32_t>(sets_.size());
    if (free_sets_.empty()) {
      sets_.emplace_back();
    } else {
      at->second = free_sets_.back();
      free_sets_.pop_back();
    }
    sets_[at->second].nodes = at->first;
  }
  return kMultiple | at->second;
}

void PrefixTable::count(OriginSet set, bool accepted, int by) {
  if (set == kNoOrigins) return;
  const auto change = static_cast<std::uint32_t>(by);  // modulo 2^32
  if ((set & kMultiple) != 0) {
    sets_[set & ~kMultiple].references += change;
    if (accepted) sets_[set & ~kMultiple].uses += change;
  } else if (accepted) {
    if (uses_.size() <= set) resize_tightly(uses_, set + std::size_t{1});
    uses_[set] += change;
  }
  touch_set(set);
}

void PrefixTable::touch(PrefixIndex index) {
  if ((entries_[index].flags & kTouched) != 0) return;
  entries_[index].flags |= kTouched;
  touched_.push_back(index);
}

// A node's own set may be listed several times.
void PrefixTable::touch_set(OriginSet set) {
  if ((set & kMultiple) != 0) {
    if (std::exchange(sets_[set & ~kMultiple].touched, true)) return;
  } else if (!touched_sets_.empty() && touched_sets_.back() == set) {
    return;
  }
  touched_sets_.push_back(set);
}

void PrefixTable::settle() {
  for (const PrefixIndex index : touched_) {
    Entry& entry = entries_[index];
    entry.flags &= static_cast<std::uint8_t>(~(kTouched | kJudged));
    if (entry.announced()) continue;
    index_.erase(hash(entry.prefix), index, [&](PrefixIndex other) { return hash(entries_[other].prefix); });
    entry.flags = 0;
    free_.push_back(index);
  }
  for (const OriginSet set : touched_sets_) {
    if ((set & kMultiple) == 0) continue;
    Several& several = sets_[set & ~kMultiple];
    several.touched = false;
    if (several.references > 0) continue;
    set_of_.erase(several.nodes);
    several.nodes = {};
    free_sets_.push_back(set & ~kMultiple);
  }
  touched_ = {};  // not kept: it was as long as the table once
  touched_sets_ = {};
}

}  // namespace starling::routing
