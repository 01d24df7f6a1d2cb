#include "wg/protocol/egress_table.h"

#include <stdexcept>

namespace starling::wg {

namespace {

// The weight of a member for a flow. Rendezvous hashing: the greatest wins, so a flow moves only when its own member
// goes or a new member outweighs it.
std::uint64_t flow_weight(std::uint32_t flow_hash, PeerId peer) {
  std::uint64_t word = (std::uint64_t{peer} + 1) * 0x9e3779b97f4a7c15u ^ flow_hash;
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
  word = (word ^ word >> 27) * 0x94d049bb133111ebu;
  return word ^ word >> 31;
}

PeerId choose_member(const NextHopGroup& group, std::uint32_t flow_hash) {
  if (group.members.empty()) return group.backup;
  PeerId best = group.members.front();
  if (group.members.size() == 1) return best;
  std::uint64_t best_weight = flow_weight(flow_hash, best);
  for (const PeerId member : group.members) {
    const std::uint64_t weight = flow_weight(flow_hash, member);
    if (weight > best_weight) {
      best = member;
      best_weight = weight;
    }
  }
  return best;
}

}  // namespace

std::shared_ptr<const EgressTable> EgressTable::compile(const EgressDescription& description) {
  std::vector<std::pair<Prefix, std::uint32_t>> entries;
  entries.reserve(description.entries.size());
  for (const EgressEntry& entry : description.entries) {
    if (entry.group >= description.groups.size()) throw std::invalid_argument("an egress entry names no group");
    entries.emplace_back(entry.prefix, entry.group);
  }
  auto table = std::make_shared<EgressTable>();
  table->trie_ = std::make_shared<const PrefixTrie>(entries);
  table->groups_ = description.groups;
  return table;
}

std::shared_ptr<const EgressTable> EgressTable::with_groups(std::vector<NextHopGroup> groups) const {
  if (groups.size() != groups_.size()) throw std::invalid_argument("a reroute may not change the number of groups");
  auto table = std::make_shared<EgressTable>();
  table->trie_ = trie_;
  table->groups_ = std::move(groups);
  return table;
}

EgressTable::Match EgressTable::match(const IpAddress& destination, std::uint32_t flow_hash) const {
  const std::optional<PrefixTrie::Match> found = trie_->match(destination);
  if (!found) return {};
  return {choose_member(groups_[found->value], flow_hash), found->length};
}

EgressDescription EgressTable::describe() const {
  EgressDescription description;
  description.groups = groups_;
  for (const auto& [prefix, group] : trie_->entries()) description.entries.push_back({prefix, group});
  return description;
}

}  // namespace starling::wg
