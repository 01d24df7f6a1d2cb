#include "wg/protocol/ingress_filter.h"

#include <algorithm>
#include <stdexcept>

namespace starling::wg {

std::shared_ptr<const IngressFilter> IngressFilter::compile(const IngressDescription& description) {
  std::vector<std::pair<Prefix, std::uint32_t>> entries;
  entries.reserve(description.entries.size());
  for (const IngressEntry& entry : description.entries) {
    if (entry.set >= description.sets.size()) throw std::invalid_argument("an ingress entry names no set");
    entries.emplace_back(entry.prefix, entry.set);
  }
  auto filter = std::make_shared<IngressFilter>();
  filter->trie_ = std::make_shared<const PrefixTrie>(entries);
  filter->sets_ = description.sets;
  for (std::vector<PeerId>& set : filter->sets_) std::sort(set.begin(), set.end());
  return filter;
}

IngressVerdict IngressFilter::check(const IpAddress& source, PeerId peer) const {
  const auto set = trie_->lookup(source);
  if (!set) return IngressVerdict::unknown;
  const std::vector<PeerId>& allowed = sets_[*set];
  return std::binary_search(allowed.begin(), allowed.end(), peer) ? IngressVerdict::pass : IngressVerdict::not_allowed;
}

IngressDescription IngressFilter::describe() const {
  IngressDescription description;
  description.sets = sets_;
  for (const auto& [prefix, set] : trie_->entries()) description.entries.push_back({prefix, set});
  return description;
}

}  // namespace starling::wg
