#include "routing/grant_book.h"

#include <algorithm>

namespace starling::routing {

bool GrantBook::is_member(const NodeId& node) const {
  if (!required()) return true;
  const Grant* grant = find(node);
  return grant && !grant->revoked;
}

bool GrantBook::allows(const NodeId& origin, const Prefix& prefix) const {
  if (!required()) return true;
  const Grant* grant = find(origin);
  return grant && grant->allows(prefix);
}

const Grant* GrantBook::find(const NodeId& holder) const {
  const auto found = grants_.find(holder);
  return found == grants_.end() ? nullptr : &found->second;
}

void GrantBook::keep(Grant grant) {
  const NodeId holder = grant.holder;
  if (const Grant* old = find(holder)) ends_.erase({old->until_s, holder});
  ends_.emplace(grant.until_s, holder);
  grants_.insert_or_assign(holder, std::move(grant));
}

std::vector<Grant> GrantBook::expire(Now now) {
  seen_ = now;
  std::vector<Grant> ended;
  while (!ends_.empty()) {
    const auto found = grants_.find(ends_.begin()->second);
    if (!found->second.ended(now.wall)) break;
    ended.push_back(std::move(found->second));
    grants_.erase(found);
    ends_.erase(ends_.begin());
  }
  return ended;
}

Time GrantBook::next_expiry() const {
  if (ends_.empty()) return kNever;
  const auto end_s = static_cast<std::int64_t>(ends_.begin()->first);  // at most kMaxGrantEndS
  const Duration seen = seen_.wall.time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(seen);
  const std::int64_t to_go_s = end_s - whole.count();
  if (to_go_s > kGrantKept / std::chrono::seconds(1)) return kNever;
  if (to_go_s <= 0) return seen_.monotonic;
  return seen_.monotonic + std::chrono::seconds(to_go_s) - (seen - whole);
}

}  // namespace starling::routing
