#include "routing/origination.h"

#include <algorithm>
#include <set>

namespace starling::routing {

namespace {

bool same_link(const LsaLink& a, const LsaLink& b) {
  return a.neighbor == b.neighbor && a.metric == b.metric && a.manual == b.manual && a.mtu == b.mtu;
}

std::uint64_t wall_us(Now now) {
  const auto us = std::chrono::floor<std::chrono::microseconds>(now.wall.time_since_epoch()).count();
  return us < 1 ? 1 : static_cast<std::uint64_t>(us);
}

// After so many signs of a twin. Each of the two waits longer and longer, so they do not storm.
Duration jump_delay(unsigned signs) {
  if (signs < kDuplicateSigns) return {};
  Duration delay = kJumpDelayMin;
  for (unsigned i = kDuplicateSigns; i < signs && delay < kJumpDelayMax; i++) delay *= 2;
  return std::min(delay, kJumpDelayMax);
}

}  // namespace

bool same_meaning(const LsaContent& a, const LsaContent& b) {
  return a.attributes == b.attributes && a.prefixes == b.prefixes &&
         std::equal(a.links.begin(), a.links.end(), b.links.begin(), b.links.end(), same_link);
}

Originator::Originator(const NodeId& self, const SignFunction& sign, RandomSource& random)
    : self_(self), sign_(sign), random_(random) {}

std::vector<LsaHandle> Originator::update(Now now, const NodeAttributes& attributes, const std::vector<LsaLink>& links,
                                          const std::vector<Prefix>& prefixes, bool more_links_expected) {
  more_links_expected_ = more_links_expected;
  place_attributes(attributes);
  place_links(now.monotonic, links);
  if (prefixes != prefixes_ || prefixes_held_until_ <= now.monotonic) place_prefixes(now.monotonic, prefixes);
  std::vector<LsaHandle> signed_now;
  for (std::uint16_t number = 0; number < fragments_.size(); number++) {
    Fragment& fragment = fragments_[number];
    const bool is_due = fragment.refresh_at <= now.monotonic || fragment.jump_at <= now.monotonic;
    if (fragment.changed || is_due) signed_now.push_back(sign_fragment(now, number, fragment));
  }
  if (!signed_now.empty()) note_signing(now.monotonic);
  return signed_now;
}

std::vector<LsaHandle> Originator::withdraw_all(Now now) {
  std::vector<LsaHandle> signed_now;
  for (std::uint16_t number = 0; number < fragments_.size(); number++) {
    Fragment& fragment = fragments_[number];
    if (!fragment.lsa) continue;
    fragment.content = {};
    fragment.size = 0;
    signed_now.push_back(sign_fragment(now, number, fragment));
  }
  prefixes_.clear();
  return signed_now;
}

bool Originator::on_echo(Now now, const LsaHeader& echo) {
  Fragment& echoed = fragment(echo.key.fragment);
  const bool is_known = echoed.jump_at != kNever && echo.sequence == echoed.sequence;
  if (echo.sequence < echoed.sequence || is_known) return false;
  echoed.sequence = echo.sequence;
  const unsigned signs = echoed.echoes.on_sign(now.monotonic);
  if (echoed.jump_at == kNever) echoed.jump_at = now.monotonic + jump_delay(signs);
  return signs >= kDuplicateSigns;
}

Time Originator::next_due() const {
  Time next = std::min(links_held_until_, prefixes_held_until_);
  for (const Fragment& fragment : fragments_) next = std::min({next, fragment.refresh_at, fragment.jump_at});
  return next;
}

std::vector<LsaHandle> Originator::current() const {
  std::vector<LsaHandle> all;
  for (const Fragment& fragment : fragments_) {
    if (fragment.lsa) all.push_back(fragment.lsa);
  }
  return all;
}

void Originator::place_attributes(const NodeAttributes& attributes) {
  Fragment& first = fragment(0);
  if (first.content.attributes == attributes) return;
  if (first.content.attributes) first.size -= encoded_size(*first.content.attributes);
  first.content.attributes = attributes;
  first.size += encoded_size(attributes);
  first.changed = true;
}

void Originator::place_links(Time now, const std::vector<LsaLink>& links) {
  const auto find = [&](const NodeId& neighbor) {
    const auto found = std::lower_bound(links.begin(), links.end(), neighbor,
                                        [](const LsaLink& link, const NodeId& id) { return link.neighbor < id; });
    return found != links.end() && found->neighbor == neighbor ? &*found : nullptr;
  };
  std::set<NodeId> placed;
  for (Fragment& fragment : fragments_) {
    std::vector<LsaLink> kept;
    for (const LsaLink& old : fragment.content.links) {
      const LsaLink* link = find(old.neighbor);
      fragment.changed |= !link || !same_link(*link, old);
      if (link) {
        kept.push_back(*link);
        placed.insert(link->neighbor);
      } else {
        fragment.size -= encoded_size(old);
        link_flaps_.on_gone(now, old.neighbor);
      }
    }
    fragment.content.links = std::move(kept);
  }
  links_left_out_ = 0;
  links_held_until_ = kNever;
  const Time gathered = gathered_at();
  for (const LsaLink& link : links) {
    if (placed.contains(link.neighbor)) continue;
    if (const Time may_at = std::max(link_flaps_.may_come_at(link.neighbor), gathered); may_at > now) {
      links_held_until_ = std::min(links_held_until_, may_at);
      continue;
    }
    Fragment* fragment = fragment_with_room(encoded_size(link));
    if (!fragment) {
      links_left_out_++;
      continue;
    }
    fragment->content.links.push_back(link);
    fragment->size += encoded_size(link);
    fragment->changed = true;
    link_flaps_.on_come(now, link.neighbor);
  }
}

void Originator::place_prefixes(Time now, const std::vector<Prefix>& prefixes) {
  drop_prefixes(now, prefixes);
  prefixes_ = prefixes;
  prefixes_left_out_ = 0;
  prefixes_held_until_ = kNever;
  const Time gathered = gathered_at();
  std::vector<Prefix> placed;
  for (const Fragment& fragment : fragments_) {
    placed.insert(placed.end(), fragment.content.prefixes.begin(), fragment.content.prefixes.end());
  }
  std::sort(placed.begin(), placed.end());
  for (const Prefix& prefix : prefixes) {
    if (std::binary_search(placed.begin(), placed.end(), prefix)) continue;
    if (const Time may_at = std::max(prefix_flaps_.may_come_at(prefix), gathered); may_at > now) {
      prefixes_held_until_ = std::min(prefixes_held_until_, may_at);
      continue;
    }
    Fragment* fragment = fragment_with_room(encoded_size(prefix));
    if (!fragment) {
      prefixes_left_out_++;
      continue;
    }
    fragment->content.prefixes.push_back(prefix);
    fragment->size += encoded_size(prefix);
    fragment->changed = true;
    prefix_flaps_.on_come(now, prefix);
  }
}

// What is announced and not among these any more.
void Originator::drop_prefixes(Time now, const std::vector<Prefix>& prefixes) {
  for (Fragment& fragment : fragments_) {
    const auto is_gone = [&](const Prefix& old) {
      if (std::binary_search(prefixes.begin(), prefixes.end(), old)) return false;
      fragment.size -= encoded_size(old);
      fragment.changed = true;
      prefix_flaps_.on_gone(now, old);
      return true;
    };
    std::erase_if(fragment.content.prefixes, is_gone);
  }
}

Originator::Fragment& Originator::fragment(std::uint16_t number) {
  if (number >= fragments_.size()) fragments_.resize(number + std::size_t{1});
  return fragments_[number];
}

Originator::Fragment* Originator::fragment_with_room(std::size_t size) {
  for (std::uint16_t number = 0; number < kMaxFragments; number++) {
    Fragment& candidate = fragment(number);
    if (candidate.size + size <= kMaxLsaBodySize) return &candidate;
  }
  return nullptr;
}

// Before any is placed. In a new life the links come up one after the other, as fast as the neighbours answer or start
// themselves; in a network that starts as a whole each would be an announcement of its own, to everyone.
Time Originator::gathered_at() const {
  const auto is_changed = [](const Fragment& fragment) { return fragment.changed; };
  const bool is_signed_anyway = std::any_of(fragments_.begin(), fragments_.end(), is_changed);
  const Duration gather = is_first_ && more_links_expected_ ? kGatherMax : gather_;
  return signed_at_ && !is_signed_anyway ? *signed_at_ + gather : Time{};
}

void Originator::note_signing(Time now) {
  const bool rested = !signed_at_ || now - *signed_at_ >= kGatherRest;
  gather_ = rested ? kGatherMin : std::min(gather_ * 2, kGatherMax);
  is_first_ = !signed_at_;
  signed_at_ = now;
}

LsaHandle Originator::sign_fragment(Now now, std::uint16_t number, Fragment& fragment) {
  fragment.sequence = fragment.lsa ? fragment.sequence + 1 : std::max(wall_us(now), fragment.sequence + 1);
  fragment.changed = false;
  fragment.jump_at = kNever;
  const LsaHandle lsa = make_lsa({self_, number}, fragment.sequence, kLifetimeS, fragment.content, sign_);
  const bool in_use = !fragment.content.empty();
  const auto jitter_ns = random_.below(static_cast<std::uint64_t>(kRefreshJitter.count()));
  const Duration refresh = kRefresh - Duration(static_cast<Duration::rep>(jitter_ns));
  fragment.lsa = in_use ? lsa : nullptr;
  fragment.refresh_at = in_use ? now.monotonic + refresh : kNever;
  return lsa;
}

}  // namespace starling::routing
