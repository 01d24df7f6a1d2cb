// Topologies for tests, made from text; a failure to parse is a failed test with the parser's words.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "daemon/config/loader.h"
#include "topologies/lab/plan.h"
#include "topologies/lab/topology_parser.h"

namespace starling::lab::test {

inline Topology topology_of(std::string_view text) {
  auto topology = parse_topology(text, "test.json");
  if (!topology) FAIL(to_string(topology.error()));
  return std::move(topology).value();
}

inline std::vector<daemon::Config> configs_of(const Plan& plan) {
  std::vector<daemon::Config> configs;
  for (const NodePlan& node : plan.nodes) configs.push_back(daemon::parse_config(node.config, node.name).value());
  return configs;
}

}  // namespace starling::lab::test
