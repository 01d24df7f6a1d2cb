#include "topologies/lab/checker.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace starling::lab {

using nlohmann::json;

Result<RoutingTable> parse_egress(const json& view, const Plan& plan) {
  RoutingTable table;
  try {
    for (const json& entry : view) {
      const auto prefix = Prefix::parse(entry.at("prefix").get<std::string>());
      if (!prefix) return Error{"an egress table with the prefix " + entry.at("prefix").dump()};
      for (const auto& name : entry.at("next_hops").get<std::vector<std::string>>()) {
        const auto node =
            std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const NodePlan& n) { return n.name == name; });
        if (node == plan.nodes.end())
          return Error{fmt::format("{} leads to {}, which is no node", prefix->to_string(), name)};
        table[*prefix].insert(static_cast<std::size_t>(node - plan.nodes.begin()));
      }
    }
  } catch (const json::exception& error) {
    return Error{std::string("an egress table of unknown form: ") + error.what()};
  }
  return table;
}

Checker::Checker(const Plan& plan, const Oracle& oracle, std::vector<DaemonLink>& links,
                 const std::vector<KernelTableReader>& kernels)
    : plan_(plan), oracle_(oracle), links_(links), kernels_(kernels) {}

std::string Checker::find_fault(const NetworkState& state) {
  if (std::string fault = find_fault_in_status(state); !fault.empty()) return fault;
  for (std::size_t node = 0; node < plan_.nodes.size(); node++) {
    if (!state.node_up[node]) continue;
    if (std::string fault = find_fault_in_neighbors(node, state); !fault.empty()) return fault;
    const RoutingTable expected = oracle_.table_of(node, state);
    if (std::string fault = find_fault_in_engine(node, expected); !fault.empty()) return fault;
    if (std::string fault = find_fault_in_kernel(node, expected); !fault.empty()) return fault;
  }
  return {};
}

std::string Checker::find_fault_in_status(const NetworkState& state) {
  for (const NodeSet& partition : oracle_.partitions(state)) {
    std::string digest, digest_of;
    for (const std::size_t node : partition) {
      const std::string& name = plan_.nodes[node].name;
      const auto status = links_[node].show("status");
      if (!status) return fmt::format("{} does not answer: {}", name, status.error().message);
      const auto full = status->value("neighbors_full", std::size_t{0});
      const std::size_t wanted = oracle_.neighbors_of(node, state).size();
      if (full != wanted) return fmt::format("{} has {} neighbours in Full, not {}", name, full, wanted);
      const auto mine = status->value("digest", std::string());
      if (digest_of.empty()) {
        digest = mine;
        digest_of = name;
      } else if (mine != digest) {
        return fmt::format("{} and {} hold different databases", digest_of, name);
      }
    }
  }
  return {};
}

std::string Checker::find_fault_in_neighbors(std::size_t node, const NetworkState& state) {
  const std::string& name = plan_.nodes[node].name;
  const auto view = links_[node].show("neighbors");
  if (!view) return fmt::format("{} does not answer: {}", name, view.error().message);
  std::set<std::string> full, wanted;
  for (const json& neighbor : *view)
    if (neighbor.value("state", "") == "Full") full.insert(neighbor.value("name", ""));
  for (const std::size_t neighbor : oracle_.neighbors_of(node, state)) wanted.insert(plan_.nodes[neighbor].name);
  if (full == wanted) return {};
  return fmt::format("{} has the neighbours {} in Full, not {}", name, fmt::join(full, ", "), fmt::join(wanted, ", "));
}

std::string Checker::find_fault_in_engine(std::size_t node, const RoutingTable& expected) {
  const std::string& name = plan_.nodes[node].name;
  const auto view = links_[node].show("egress");
  if (!view) return fmt::format("{} does not answer: {}", name, view.error().message);
  const auto table = parse_egress(*view, plan_);
  if (!table) return fmt::format("{}: {}", name, table.error().message);
  for (const auto& [prefix, next_hops] : expected) {
    const auto found = table->find(prefix);
    if (found == table->end()) return fmt::format("{}'s engine does not know {}", name, prefix.to_string());
    if (found->second != next_hops)
      return fmt::format("{}'s engine sends {} to {}, not {}", name, prefix.to_string(), names_of(found->second),
                         names_of(next_hops));
  }
  for (const auto& [prefix, next_hops] : *table)
    if (!expected.contains(prefix))
      return fmt::format("{}'s engine sends {} to {}, which should lead nowhere", name, prefix.to_string(),
                         names_of(next_hops));
  return {};
}

std::string Checker::find_fault_in_kernel(std::size_t node, const RoutingTable& expected) {
  const NodePlan& plan = plan_.nodes[node];
  const KernelTable table = kernels_[node].read();
  for (const auto& [prefix, next_hops] : expected) {
    const auto found = table.find(prefix);
    if (found == table.end()) return fmt::format("{}'s kernel has no route to {}", plan.name, prefix.to_string());
    const auto& [gateway, source, interface] = found->second;
    const bool right = gateway && std::any_of(next_hops.begin(), next_hops.end(),
                                              [&](std::size_t hop) { return plan_.nodes[hop].link_local == *gateway; });
    if (!right)
      return fmt::format("{}'s kernel sends {} via {}, not to {}", plan.name, prefix.to_string(),
                         gateway ? gateway->to_string() : "nobody", names_of(next_hops));
    // prefsrc: the node's first address of that family, where it has one.
    const auto own = std::find_if(plan.addresses.begin(), plan.addresses.end(),
                                  [&](const IpAddress& address) { return address.family() == prefix.family(); });
    if (own != plan.addresses.end() && source != *own)
      return fmt::format("{}'s route to {} prefers the source {}, not {}", plan.name, prefix.to_string(),
                         source ? source->to_string() : "of the kernel's choice", own->to_string());
  }
  for (const auto& [prefix, route] : table)
    if (!expected.contains(prefix))
      return fmt::format("{}'s kernel has a route to {}, which should lead nowhere", plan.name, prefix.to_string());
  return {};
}

std::string Checker::names_of(const NodeSet& nodes) const {
  std::vector<std::string> names;
  for (const std::size_t node : nodes) names.push_back(plan_.nodes[node].name);
  return fmt::format("{}", fmt::join(names, " and "));
}

}  // namespace starling::lab
