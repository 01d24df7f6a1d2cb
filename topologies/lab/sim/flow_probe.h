// A simulated flow as the lab records its probes, so that both count outages by the same rule.
#pragma once

#include "topologies/lab/probe_record.h"
#include "topologies/lab/sim/flow.h"

namespace starling::sim {

// What is still under way at `now` is left out, unless it was sent before something that has arrived.
lab::ProbeRecord probe_record_of(const FlowRecord& flow, Time now);

}  // namespace starling::sim
