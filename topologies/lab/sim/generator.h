// Topologies made by rule: the same text and seed give the same network everywhere. What the lab can run, and what only
// the simulator can, for it takes no namespaces.
//
//   grid:ROWSxCOLUMNS    node "rIcJ" linked to its right and lower neighbour
//   ring:N, line:N       node "nI"
//   random:N,DEGREE      a random tree, then random links until there are N × DEGREE / 2; connected
//   fat-tree:K           Al-Fares et al. (SIGCOMM 2008): K pods of K/2 edge and K/2 aggregation switches, (K/2)² cores
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "topologies/lab/topology.h"

namespace starling::sim {

inline constexpr std::size_t kGeneratedNodesMax = 20'000;
inline constexpr std::size_t kGeneratedLinksMax = 65'000;  // what lab::make_plan has addresses for

struct GeneratorOptions {
  std::uint64_t seed = 1;
  // Costs of 1 to 4 links' lengths, one node in eight an end point, one in four with an anycast prefix.
  bool mixed = false;
};

Result<lab::Topology> generate(std::string_view shape, const GeneratorOptions& options);

// As a topology file.
std::string to_json_text(const lab::Topology& topology);

}  // namespace starling::sim
