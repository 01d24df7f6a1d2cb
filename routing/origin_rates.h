// How fast announcements of each origin are accepted: a token bucket for each (kOriginBurst, kOriginPerToken), kept
// only while it is not full, because a full bucket is what an unknown origin has.
//
// Invariant: a bucket is one moment, the time at which it is full again, in milliseconds modulo 2^32; what is in the
// past is forgotten within kOriginSweep of the next use. Origins are told apart by 32 bits of a salted hash: two that
// share them share a bucket, and nobody can choose with whom.
#pragma once

#include <cstdint>
#include <vector>

#include "base/time.h"
#include "routing/types.h"

namespace starling::routing {

class OriginRates {
 public:
  explicit OriginRates(std::uint64_t salt) : salt_(salt) {}

  bool may(const NodeId& origin, Time now) const;
  void count(const NodeId& origin, Time now);
  // Forgets full buckets, if that was not done for a while.
  void sweep(Time now);

 private:
  struct Cell {
    std::uint32_t origin = 0;  // 0: empty
    std::uint32_t full_at_ms = 0;
  };

  std::uint32_t name_of(const NodeId& origin) const;
  std::size_t place_of(std::uint32_t name) const;  // its cell, or the empty one where it belongs
  void rebuild(std::uint32_t now_ms);

  std::uint64_t salt_;
  std::vector<Cell> cells_;  // a power of two, or none
  std::size_t used_ = 0;
  Time sweep_at_{};
};

}  // namespace starling::routing
