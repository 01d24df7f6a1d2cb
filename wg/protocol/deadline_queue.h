// The earliest of many owners' deadlines, each owner having one. Logarithmic, and without allocation when a deadline
// only moves.
#pragma once

#include <set>
#include <utility>

#include "base/time.h"
#include "wg/tables.h"

namespace starling::wg {

class DeadlineQueue {
 public:
  // Moves an owner's deadline from `old`, which must be what was set last (kNever at first).
  void move(PeerId owner, Time old, Time deadline) {
    if (old == deadline) return;
    if (old == kNever) {
      queue_.emplace(deadline, owner);
    } else if (deadline == kNever) {
      queue_.erase({old, owner});
    } else {
      auto node = queue_.extract({old, owner});
      node.value().first = deadline;
      queue_.insert(std::move(node));
    }
  }
  Time earliest() const { return queue_.empty() ? kNever : queue_.begin()->first; }
  PeerId first() const { return queue_.empty() ? kNoPeer : queue_.begin()->second; }

 private:
  std::set<std::pair<Time, PeerId>> queue_;  // of equal deadlines the lower owner first
};

}  // namespace starling::wg
