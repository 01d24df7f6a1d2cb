// Good news waits where it has come and gone too often: a link or prefix of ours that toggles is announced again at
// once kFlapBurst times, then once in kFlapPerToken. Bad news never waits. So a bad link costs the network two
// announcements in four seconds, and not two for each time that it blinks.
//
// Invariant: remembers only what has gone at least once and whose bucket is not full again (but for a sweep's slack).
#pragma once

#include <map>

#include "base/time.h"
#include "base/token_bucket.h"
#include "routing/limits.h"

namespace starling::routing {

template <typename Item>
class FlapDamper {
 public:
  // It is announced no more.
  void on_gone(Time now, const Item& item) {
    if (flaps_.size() >= sweep_at_) sweep(now);
    flaps_.try_emplace(item, kFlapBurst, kFlapPerToken);
  }

  // When it may be announced (again); in the past: now.
  Time may_come_at(const Item& item) const {
    const auto found = flaps_.find(item);
    return found == flaps_.end() ? Time{} : found->second.next_at();
  }

  // It is announced.
  void on_come(Time now, const Item& item) {
    const auto found = flaps_.find(item);
    if (found != flaps_.end()) found->second.charge(now);
  }

  std::size_t size() const { return flaps_.size(); }

 private:
  static constexpr std::size_t kSweepMin = 64;

  void sweep(Time now) {
    std::erase_if(flaps_, [&](const auto& item) { return item.second.full_at() <= now; });
    sweep_at_ = std::max(kSweepMin, flaps_.size() * 2);
  }

  std::map<Item, TokenBucket> flaps_;
  std::size_t sweep_at_ = kSweepMin;
};

}  // namespace starling::routing
