// One fault at a time on a network at rest: traffic over the place, break it, measure until all is well again without
// it, mend it, measure again.
#pragma once

#include <functional>
#include <vector>

#include "topologies/lab/sim/fault.h"
#include "topologies/lab/sim/outcome.h"
#include "topologies/lab/sim/stage.h"

namespace starling::sim {

enum class Traffic : std::uint8_t { none, one_way, two_way, mixed };  // mixed: one failure so, the next so

struct TrafficOptions {
  Traffic traffic = Traffic::mixed;
  std::size_t flows = 4;  // pairs that have real packets, of those that are watched
  std::size_t pairs = 32;
  Duration interval = std::chrono::milliseconds(1);
};

class Failures {
 public:
  Failures(Stage& stage, TrafficOptions options) : stage_(stage), options_(options) {}

  // False if the network did not come to rest; the outcome's fault says how.
  bool run(const std::vector<FaultKind>& kinds, Outcome& outcome,
           const std::function<void(const std::string&)>& progress);

 private:
  bool break_and_mend(Fault fault, bool one_way, Outcome& outcome);
  std::vector<FlowId> start_flows(const std::vector<Route>& pairs, bool one_way);
  Distribution end_flows(const std::vector<FlowId>& flows, const std::vector<bool>& counts);

  Stage& stage_;
  const TrafficOptions options_;
};

}  // namespace starling::sim
