// Plays a topology: starts it, waits for convergence, lets happen what should happen when it should, asks what is to be
// asked, and judges.
#pragma once

#include <string>

#include "topologies/lab/lab.h"
#include "topologies/lab/report.h"

namespace starling::lab {

inline constexpr std::int64_t kConvergenceLimit_ms = 30'000;  // where no expectation sets one that is larger
inline constexpr std::int64_t kTail_ms = 500;                 // probes go on after the last thing that happened

// Prints progress, the log and a story per event as they come. Throws Interrupted, and std::exception when something
// breaks.
Report run(Lab& lab, bool quiet, bool colour);

}  // namespace starling::lab
