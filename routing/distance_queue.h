// The queue of Dijkstra's algorithm: a radix heap (Ahuja, Mehlhorn, Orlin and Tarjan, "Faster algorithms for the
// shortest path problem", 1990). Each entry moves at most 32 times, so taking the nearest of many costs a few
// nanoseconds where a binary heap walks through memory.
//
// Invariant: monotone: no distance is pushed below the last one taken. Equal distances come in no particular order.
// What was reserved once stays, so in steady state nothing is allocated.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "routing/types.h"

namespace starling::routing {

class DistanceQueue {
 public:
  struct Entry {
    Metric distance = 0;
    std::uint32_t node = 0;
  };

  bool empty() const { return filled_ == 0; }

  // Empty again, and any distance may be pushed.
  void clear() {
    for (; filled_ != 0; filled_ &= filled_ - 1) buckets_[static_cast<std::size_t>(std::countr_zero(filled_))].clear();
    last_ = 0;
  }

  void push(Metric distance, std::uint32_t node) {
    const auto bucket = static_cast<std::size_t>(std::bit_width(distance ^ last_));
    buckets_[bucket].push_back({distance, node});
    filled_ |= std::uint64_t{1} << bucket;
  }

  // Must not be empty.
  Entry pop() {
    if ((filled_ & 1) == 0) refill();
    std::vector<Entry>& nearest = buckets_[0];
    const Entry entry = nearest.back();
    nearest.pop_back();
    if (nearest.empty()) filled_ &= ~std::uint64_t{1};
    return entry;
  }

 private:
  // Bucket i holds distances whose highest bit that differs from the last one taken is bit i − 1.
  void refill() {
    const auto first = static_cast<std::size_t>(std::countr_zero(filled_));
    std::vector<Entry>& bucket = buckets_[first];
    last_ = bucket.front().distance;
    for (const Entry& entry : bucket) last_ = std::min(last_, entry.distance);
    filled_ &= ~(std::uint64_t{1} << first);
    for (const Entry& entry : bucket) push(entry.distance, entry.node);
    bucket.clear();
  }

  std::array<std::vector<Entry>, 33> buckets_;
  std::uint64_t filled_ = 0;  // bit i: bucket i is not empty
  Metric last_ = 0;
};

}  // namespace starling::routing
