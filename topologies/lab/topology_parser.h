// From a file to a Topology, or to everything that is wrong with it: file, JSON pointer, what would be right.
// Node overrides are checked by the daemon's own configuration parser, as part of the configuration that the node gets.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/config/config_error.h"
#include "topologies/lab/topology.h"

namespace starling::lab {

// Where a topology's name leads: an existing file as it is, else NAME.json in the first of `folders` that has it.
// Nothing if there is none.
std::string find_topology(const std::string& file_or_name, const std::vector<std::string>& folders);

// How much a topology may have: of namespaces in the lab, of memory in the simulator.
struct TopologyLimits {
  std::size_t nodes = kNodesMax;
  std::size_t links = kLinksMax;
};
inline constexpr TopologyLimits kSimulatedLimits{kSimulatedNodesMax, kSimulatedLinksMax};

Result<Topology, daemon::ConfigErrors> load_topology(const std::string& path, const TopologyLimits& limits = {});

// `source_name` is the file that errors name; without a "name" in the document the topology is called after it.
Result<Topology, daemon::ConfigErrors> parse_topology(std::string_view text, const std::string& source_name,
                                                      const TopologyLimits& limits = {});

}  // namespace starling::lab
