// What the first announcements of new nodes wait for: one without links is of no use to anybody but its neighbours,
// who have it already, and in a moment its origin will announce the links that came up meanwhile. Passed on at once, it
// would double what is flooded when a network starts as a whole. If no other has come after kFirstNewsDelay, it is
// passed on all the same: databases are to be equal.
#pragma once

#include <deque>

#include "base/time.h"
#include "routing/limits.h"
#include "routing/lsa.h"

namespace starling::routing {

class FirstNews {
 public:
  struct Waiting {
    LsaHandle lsa;
    NeighborId from = kNoNeighbor;  // who has it
    Time at{};                      // when it is passed on
  };

  // `from`: who sent it; kNoNeighbor: it is our own. False: it is to be passed on at once.
  bool keeps(Time now, bool is_new, const LsaHandle& lsa, NeighborId from) {
    const bool is_bare = lsa->key().fragment == 0 && !lsa->is_withdrawal() && lsa->content().links.empty();
    if (!is_new || !is_bare || from == kNoNeighbor || waiting_.size() == kMaxFirstNews) return false;
    waiting_.push_back({lsa, from, now + kFirstNewsDelay});
    return true;
  }
  Time next_deadline() const { return waiting_.empty() ? kNever : waiting_.front().at; }
  bool is_due(Time now) const { return next_deadline() <= now; }
  Waiting take() {
    Waiting first = std::move(waiting_.front());
    waiting_.pop_front();
    return first;
  }

 private:
  std::deque<Waiting> waiting_;  // the oldest first
};

}  // namespace starling::routing
