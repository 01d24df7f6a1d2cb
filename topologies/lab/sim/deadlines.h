// One moment for each node, and whose is the earliest: a binary heap that knows where each node stands in it. Of equal
// moments the node with the smaller index comes first, so that a run depends on nothing but its seed.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.h"

namespace starling::sim {

class Deadlines {
 public:
  // One more node, with kNever.
  void add();
  void set(std::uint32_t node, Time at);
  Time of(std::uint32_t node) const { return at_[node]; }

  // kNever if no node waits for anything.
  Time first_at() const { return heap_.empty() ? kNever : at_[heap_.front()]; }
  std::uint32_t first() const { return heap_.front(); }  // only if there is one

 private:
  bool before(std::uint32_t a, std::uint32_t b) const { return std::pair(at_[a], a) < std::pair(at_[b], b); }
  void place(std::size_t position, std::uint32_t node);
  void rise(std::size_t position);
  void sink(std::size_t position);

  std::vector<Time> at_;                 // by node
  std::vector<std::uint32_t> position_;  // by node, in the heap
  std::vector<std::uint32_t> heap_;      // every node, those of kNever too
};

}  // namespace starling::sim
