// One event of the topology as the nodes lived through it, step by step: last good packet, suspected, detected,
// announced, flooded, computed, swapped into the engine, installed in the kernel, first good packet. Which of the
// nodes' events belong to it is read from their causes: a neighbour's state as somebody detected it, or the
// announcements that this led to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "topologies/lab/probe_record.h"
#include "topologies/lab/report.h"
#include "topologies/lab/timeline.h"
#include "topologies/lab/topology.h"

namespace starling::lab {

struct StoryStep {
  std::string what;
  std::optional<std::int64_t> first_ns;  // moments; nothing where it did not happen
  std::optional<std::int64_t> last_ns;
  std::vector<std::string> where;  // nodes in the order of their first, or the probe
};

// `events` are those between this event and the next; `probes` are all records, whole.
std::vector<StoryStep> tell_failure(const Topology& topology, const EventOutcome& outcome, std::int64_t until_ns,
                                    const std::vector<LoggedEvent>& events, const std::vector<ProbeRecord>& probes);

// The steps as a table with times after the event and, for each, the time since the step before.
std::string to_table(const Topology& topology, const EventOutcome& outcome, const std::vector<StoryStep>& steps,
                     bool colour);

}  // namespace starling::lab
