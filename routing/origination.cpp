#include "routing/origination.h"

#include <algorithm>
#include <set>

namespace starling::routing {

namespace {

bool same_link(const LsaLink& a, const LsaLink& b) {
  return a.neighbor == b.neighbor && a.metric == b.metric && a.mtu == b.mtu;
}

std::uint64_t wall_us(Now now) {
  const auto us = std::chrono::floor<std::chrono::microseconds>(now.wall.time_since_epoch()).count();
  return us < 1 ? 1 : static_cast<std::uint64_t>(us);
}

}  // namespace

bool same_meaning(const LsaContent& a, const LsaContent& b) {
  return a.attributes == b.attributes && a.prefixes == b.prefixes &&
         std::equal(a.links.begin(), a.links.end(), b.links.begin(), b.links.end(), same_link);
}

Originator::Originator(const NodeId& self, const SignFunction& sign, RandomSource& random)
    : self_(self), sign_(sign), random_(random) {}

std::vector<LsaHandle> Originator::update(Now now, const NodeAttributes& attributes, const std::vector<LsaLink>& links,
                                          const std::vector<Prefix>& prefixes) {
  left_out_ = 0;
  place_attributes(attributes);
  place_links(links);
  place_prefixes(prefixes);
  std::vector<LsaHandle> signed_now;
  for (auto& [number, fragment] : fragments_) {
    if (!fragment.changed && fragment.refresh_at > now.monotonic) continue;
    signed_now.push_back(sign_fragment(now, number, fragment));
  }
  return signed_now;
}

std::vector<LsaHandle> Originator::withdraw_all(Now now) {
  std::vector<LsaHandle> signed_now;
  for (auto& [number, fragment] : fragments_) {
    if (!fragment.in_use) continue;
    fragment.content = {};
    fragment.size = 0;
    signed_now.push_back(sign_fragment(now, number, fragment));
  }
  return signed_now;
}

void Originator::on_echo(const LsaHeader& echo) {
  Fragment& fragment = fragments_[echo.key.fragment];
  if (echo.sequence < fragment.sequence) return;
  fragment.sequence = echo.sequence;
  fragment.changed = true;
}

Time Originator::next_refresh() const {
  Time next = kNever;
  for (const auto& [number, fragment] : fragments_) next = std::min(next, fragment.refresh_at);
  return next;
}

void Originator::place_attributes(const NodeAttributes& attributes) {
  Fragment& first = fragments_[0];
  if (first.content.attributes == attributes) return;
  if (first.content.attributes) first.size -= encoded_size(*first.content.attributes);
  first.content.attributes = attributes;
  first.size += encoded_size(attributes);
  first.changed = true;
}

void Originator::place_links(const std::vector<LsaLink>& links) {
  const auto find = [&](const NodeId& neighbor) {
    const auto found = std::lower_bound(links.begin(), links.end(), neighbor,
                                        [](const LsaLink& link, const NodeId& id) { return link.neighbor < id; });
    return found != links.end() && found->neighbor == neighbor ? &*found : nullptr;
  };
  std::set<NodeId> placed;
  for (auto& [number, fragment] : fragments_) {
    std::vector<LsaLink> kept;
    for (const LsaLink& old : fragment.content.links) {
      const LsaLink* link = find(old.neighbor);
      fragment.changed |= !link || !same_link(*link, old);
      if (!link) {
        fragment.size -= encoded_size(old);
        continue;
      }
      kept.push_back(*link);
      placed.insert(link->neighbor);
    }
    fragment.content.links = std::move(kept);
  }
  for (const LsaLink& link : links) {
    if (placed.contains(link.neighbor)) continue;
    Fragment* fragment = fragment_with_room(encoded_size(link));
    if (!fragment) {
      left_out_++;
      continue;
    }
    fragment->content.links.push_back(link);
    fragment->size += encoded_size(link);
    fragment->changed = true;
  }
}

void Originator::place_prefixes(const std::vector<Prefix>& prefixes) {
  std::set<Prefix> placed;
  for (auto& [number, fragment] : fragments_) {
    std::vector<Prefix> kept;
    for (const Prefix& old : fragment.content.prefixes) {
      if (std::binary_search(prefixes.begin(), prefixes.end(), old)) {
        kept.push_back(old);
        placed.insert(old);
      } else {
        fragment.size -= encoded_size(old);
        fragment.changed = true;
      }
    }
    fragment.content.prefixes = std::move(kept);
  }
  for (const Prefix& prefix : prefixes) {
    if (placed.contains(prefix)) continue;
    Fragment* fragment = fragment_with_room(encoded_size(prefix));
    if (!fragment) {
      left_out_++;
      continue;
    }
    fragment->content.prefixes.push_back(prefix);
    fragment->size += encoded_size(prefix);
    fragment->changed = true;
  }
}

Originator::Fragment* Originator::fragment_with_room(std::size_t size) {
  for (std::uint16_t number = 0; number < kMaxFragments; number++) {
    Fragment& fragment = fragments_[number];
    if (fragment.size + size <= kMaxLsaBodySize) return &fragment;
  }
  return nullptr;
}

LsaHandle Originator::sign_fragment(Now now, std::uint16_t number, Fragment& fragment) {
  fragment.sequence = fragment.in_use ? fragment.sequence + 1 : std::max(wall_us(now), fragment.sequence + 1);
  fragment.changed = false;
  fragment.in_use = !fragment.content.empty();
  const auto jitter_ns = random_.below(static_cast<std::uint64_t>(kRefreshJitter.count()));
  fragment.refresh_at =
      fragment.in_use ? now.monotonic + kRefresh - Duration(static_cast<Duration::rep>(jitter_ns)) : kNever;
  return make_lsa({self_, number}, fragment.sequence, kLifetimeS, fragment.content, sign_);
}

}  // namespace starling::routing
