// `--faults`: what is to go wrong. Comma-separated, in the order in which it happens:
//   KIND:COUNT      so many faults of a kind (fault.h), one at a time: break, measure, mend, measure
//   random:COUNT    likewise, of which six in ten are cut, two are down and two are stop
//   chaos:SECONDS   then, for so long, all kinds at once, under loss, duplication and reordering
//   none
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "topologies/lab/sim/fault.h"

namespace starling::sim {

inline constexpr std::size_t kFaultsMax = 100'000;
inline constexpr std::uint64_t kChaosMax_s = 86'400;

struct FaultPlan {
  struct Part {
    std::optional<FaultKind> kind;  // nothing: random
    std::size_t count = 0;
  };
  std::vector<Part> parts;
  Duration chaos{};
};

Result<FaultPlan> parse_fault_plan(std::string_view text);
// The kinds of all single faults, in order; what is random is drawn.
std::vector<FaultKind> draw_kinds(const FaultPlan& plan, RandomSource& random);

}  // namespace starling::sim
