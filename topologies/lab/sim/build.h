// From a topology, as the lab reads it, to a simulated network: the same keys, addresses, costs and configurations as
// the lab's daemons get.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "topologies/lab/plan.h"
#include "topologies/lab/sim/network.h"
#include "topologies/lab/topology.h"

namespace starling::sim {

struct BuildOptions {
  std::uint64_t seed = 1;
  Quality link;                               // of both directions of links that say nothing themselves
  std::optional<routing::HelloConfig> hello;  // in place of every node's
  // A network's key is made up, and every node has a grant for what it announces at the start, and nothing else.
  bool trust = false;
};

// NodeIndex is the index into Topology::nodes. `plan` is make_plan(topology).
Network build_network(const lab::Topology& topology, const lab::Plan& plan, const BuildOptions& options);

// "delay=1ms,jitter=200us,loss=1%,duplicate=0.5%,reorder=1%,rate=10Mbit,mtu=1280", any of them, over `base`.
Result<Quality> parse_quality(std::string_view text, Quality base);
// "100ms", up to 60 s; nothing for anything else.
std::optional<Duration> parse_time(std::string_view text);
// "100ms" or "100msx3".
Result<routing::HelloConfig> parse_hello(std::string_view text);

}  // namespace starling::sim
