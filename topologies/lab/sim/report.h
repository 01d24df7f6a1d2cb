// An Outcome for people and for programs. The JSON is the same for the same topology, seed and options, but for members
// whose names contain "wall" or "rss".
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "topologies/lab/sim/outcome.h"
#include "topologies/lab/topology.h"

namespace starling::sim {

// What a report says beside what was found.
struct RunFacts {
  std::uint64_t seed = 0;
  std::string replay;  // the command that does exactly this again
  double wall_s = 0;
  double rss_mib = 0;  // the most that the process ever had
};

nlohmann::ordered_json to_json(const lab::Topology& topology, const Outcome& outcome, const RunFacts& facts);
std::string to_text(const lab::Topology& topology, const Outcome& outcome, const RunFacts& facts, bool colour);

nlohmann::ordered_json to_json(const Distribution& distribution);

}  // namespace starling::sim
