// One run: start, come to rest, count what is said while nothing happens, play what the topology's file says, break and
// mend one thing at a time, then chaos and heal; in the end everything must be as the oracle says. The same topology
// and options give the same Outcome everywhere.
#pragma once

#include <functional>
#include <string>

#include "topologies/lab/sim/build.h"
#include "topologies/lab/sim/failures.h"
#include "topologies/lab/sim/outcome.h"
#include "topologies/lab/sim/plan.h"

namespace starling::sim {

struct SimulationOptions {
  BuildOptions build;
  FaultPlan faults;
  TrafficOptions traffic;
  Duration start_spread = std::chrono::milliseconds(100);  // routers start at random within it
  std::function<void()> pulse;                             // now and then while time passes; may throw. May be empty
  std::function<void(const std::string&)> on_progress;     // a line for a person. May be empty
};

Outcome simulate(const lab::Topology& topology, const SimulationOptions& options);

}  // namespace starling::sim
