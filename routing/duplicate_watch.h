// Notices that two machines live under one key. Each sign alone has an innocent cause (a former life, a packet that was
// overtaken); one after the other they have none.
//
//   DuplicateWatch  counts signs: announcements under our own name that answer ours
//   LifeWatch       of a neighbour: an instance that was taken for over speaks again. Instances are random, so it is
//                   that of a second machine, or of a Hello that its successor overtook
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/time.h"
#include "routing/limits.h"

namespace starling::routing {

class DuplicateWatch {
 public:
  // One more sign. How many there were with no pause of kDuplicateWindow between them.
  unsigned on_sign(Time now) {
    if (signs_ > 0 && now - last_ > kDuplicateWindow) signs_ = 0;
    last_ = now;
    return signs_ = std::min(signs_ + 1, kSignsMax);
  }

 private:
  static constexpr unsigned kSignsMax = 1000;

  Time last_{};
  unsigned signs_ = 0;
};

class LifeWatch {
 public:
  // The neighbour speaks as `instance`. True if two machines take turns.
  bool on_life(Time now, std::uint64_t instance) {
    if (instance == present_) return false;
    const bool returns = std::find(former_.begin(), former_.end(), instance) != former_.end();
    former_[next_] = present_;
    next_ = (next_ + 1) % former_.size();
    present_ = instance;
    return returns && watch_.on_sign(now) >= kDuplicateSigns;
  }

 private:
  std::uint64_t present_ = 0;  // 0: none
  std::array<std::uint64_t, 4> former_{};
  std::size_t next_ = 0;
  DuplicateWatch watch_;
};

}  // namespace starling::routing
