#include "topologies/lab/path_walker.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "topologies/lab/checker.h"

namespace starling::lab {

namespace {

// Longest prefix match, plainly.
NextHops next_hops_to(const RoutingTable& table, const IpAddress& address) {
  int longest = -1;
  NextHops next_hops;
  for (const auto& [prefix, hops] : table)
    if (prefix.contains(address) && prefix.length() > longest) {
      longest = prefix.length();
      next_hops = hops;
    }
  return next_hops;
}

}  // namespace

std::string WalkedPath::to_string(const Plan& plan) const {
  std::string text;
  for (const std::size_t node : nodes) text += (text.empty() ? "" : " ") + plan.nodes[node].name;
  return remark.empty() ? text : text + " (" + remark + ")";
}

WalkedPath walk_path(const Plan& plan, std::vector<DaemonLink>& links, std::size_t from, std::size_t to) {
  WalkedPath path;
  const IpAddress& target = plan.nodes[to].addresses.front();
  path.nodes.push_back(from);
  for (std::size_t at = from; at != to;) {
    const std::string& name = plan.nodes[at].name;
    const auto view = links[at].show("egress");
    const auto table = view ? parse_egress(*view, plan) : Result<RoutingTable>(view.error());
    const NextHops hops = table ? next_hops_to(*table, target) : NextHops{};
    if (hops.empty()) {
      path.remark = table ? fmt::format("{} has no next hop", name) : table.error().message;
      return path;
    }
    if (hops.size() > 1 && path.unique) {
      path.unique = false;
      path.remark = fmt::format("{} shares between {} next hops", name, hops.size());
    }
    at = *hops.begin();
    const bool loop = std::find(path.nodes.begin(), path.nodes.end(), at) != path.nodes.end();
    path.nodes.push_back(at);
    if (loop) {
      path.remark = "a loop";
      return path;
    }
  }
  return path;
}

}  // namespace starling::lab
