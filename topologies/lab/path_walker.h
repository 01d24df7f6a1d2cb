// The way that packets take, read by walking the nodes' live egress tables hop by hop.
#pragma once

#include <string>
#include <vector>

#include "topologies/lab/daemon_link.h"
#include "topologies/lab/plan.h"

namespace starling::lab {

struct WalkedPath {
  std::vector<std::size_t> nodes;  // from the first; ends early where nobody leads on
  bool unique = true;              // false: somewhere several next hops share the traffic, and the first was followed
  std::string remark;              // why it ended early or is not unique; empty if neither

  std::string to_string(const Plan& plan) const;  // "a b d"
};

// Towards the last node's first address. Stops when it arrives, finds no next hop, or comes back to where it was.
WalkedPath walk_path(const Plan& plan, std::vector<DaemonLink>& links, std::size_t from, std::size_t to);

}  // namespace starling::lab
