// Whether the network has converged: every running node has exactly the neighbours it should have, all nodes of a
// partition hold the same link-state database, and every engine's egress table and every kernel's routes are what the
// oracle says.
//
// Convergence is a moment, not a poll: once the state is found right, it has been right since the last event that
// changed anything (Timeline::newest_change_ns), however long ago the check before that was.
#pragma once

#include <string>
#include <vector>

#include "topologies/lab/daemon_link.h"
#include "topologies/lab/kernel_table.h"
#include "topologies/lab/network_state.h"
#include "topologies/lab/oracle.h"
#include "topologies/lab/plan.h"

namespace starling::lab {

class Checker {
 public:
  // All must outlive it; `links` and `kernels` are by node.
  Checker(const Plan& plan, const Oracle& oracle, std::vector<DaemonLink>& links,
          const std::vector<KernelTableReader>& kernels);

  // Empty if all is right, else the first thing found that is not, for a person. Cheap questions first.
  std::string find_fault(const NetworkState& state);

 private:
  std::string find_fault_in_status(const NetworkState& state);
  std::string find_fault_in_neighbors(std::size_t node, const NetworkState& state);
  std::string find_fault_in_engine(std::size_t node, const RoutingTable& expected);
  std::string find_fault_in_kernel(std::size_t node, const RoutingTable& expected);
  std::string names_of(const NodeSet& nodes) const;

  const Plan& plan_;
  const Oracle& oracle_;
  std::vector<DaemonLink>& links_;
  const std::vector<KernelTableReader>& kernels_;
};

// The egress table out of `show egress`, without prefixes that lead nowhere. Names that are no node's of the plan
// become an error.
Result<RoutingTable> parse_egress(const nlohmann::json& view, const Plan& plan);

}  // namespace starling::lab
