#include "wg/io/allowed_ips.h"

namespace starling::wg {

void AllowedIps::add(const Prefix& prefix, PeerId peer) {
  const auto found = owners_.find(prefix);
  if (found != owners_.end()) remove(prefix, found->second.peer);
  List& list = lists_[peer];
  list.push_back(prefix);
  owners_[prefix] = {peer, std::prev(list.end())};
}

bool AllowedIps::remove(const Prefix& prefix, PeerId peer) {
  const auto found = owners_.find(prefix);
  if (found == owners_.end() || found->second.peer != peer) return false;
  const auto list = lists_.find(peer);
  list->second.erase(found->second.place);
  if (list->second.empty()) lists_.erase(list);
  owners_.erase(found);
  return true;
}

bool AllowedIps::remove_all(PeerId peer) {
  const auto list = lists_.find(peer);
  if (list == lists_.end()) return false;
  for (const Prefix& prefix : list->second) owners_.erase(prefix);
  lists_.erase(list);
  return true;
}

std::vector<Prefix> AllowedIps::of(PeerId peer) const {
  const auto list = lists_.find(peer);
  if (list == lists_.end()) return {};
  return {list->second.begin(), list->second.end()};
}

EgressDescription AllowedIps::egress() const {
  EgressDescription description;
  description.entries.reserve(owners_.size());
  for (const auto& [peer, list] : lists_) {
    const auto group = static_cast<std::uint32_t>(description.groups.size());
    description.groups.push_back({{peer}, kNoPeer});
    for (const Prefix& prefix : list) description.entries.push_back({prefix, group});
  }
  return description;
}

IngressDescription AllowedIps::ingress() const {
  IngressDescription description;
  description.entries.reserve(owners_.size());
  for (const auto& [peer, list] : lists_) {
    const auto set = static_cast<std::uint32_t>(description.sets.size());
    description.sets.push_back({peer});
    for (const Prefix& prefix : list) description.entries.push_back({prefix, set});
  }
  return description;
}

}  // namespace starling::wg
