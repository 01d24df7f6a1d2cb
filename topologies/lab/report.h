// What a run found, as a table for people and as one JSON object for programs (topologies/README.md).
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "topologies/lab/probe_record.h"
#include "topologies/lab/topology.h"

namespace starling::lab {

// One thing that happened, and when the network had converged on it.
struct EventOutcome {
  std::size_t event = 0;  // index into Topology::events
  std::int64_t at_ns = 0;
  std::optional<std::int64_t> converged_ns;
};

struct ExpectationOutcome {
  bool held = false;
  nlohmann::json measured;  // null: could not be measured
};

struct Report {
  std::optional<std::int64_t> converged_ns;  // after the last daemon's start
  std::int64_t last_start_ns = 0;
  std::vector<EventOutcome> events;
  std::vector<ProbeRecord> probes;               // as Topology::probes
  std::vector<ExpectationOutcome> expectations;  // as Topology::expectations
  std::string fault;                             // what stood in the way of convergence, or ended badly

  bool ok() const;
};

// Fills in the expectations about convergence and outages, which are known only in the end.
void judge(const Topology& topology, Report& report);

nlohmann::ordered_json to_json(const Topology& topology, const Report& report);
std::string to_table(const Topology& topology, const Report& report, bool colour);

}  // namespace starling::lab
