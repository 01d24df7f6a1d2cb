#include "daemon/rule_order.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/netlink/kernel_route.h"

namespace starling::daemon {

namespace {

// What keeps a rule from being for all packets alike; empty: nothing.
std::string particular_of(const PolicyRule& rule) {
  if (!rule.particular.empty()) return rule.particular;
  return rule.not_mark && rule.protocol != kRouteProtocol ? "mark" : "";
}

}  // namespace

RuleOrder order_of(const std::vector<PolicyRule>& rules, Family family) {
  RuleOrder order;
  for (const PolicyRule& rule : rules) {
    if (rule.family != family) continue;
    if (const std::string particular = particular_of(rule); !particular.empty()) {
      order.obstacle = fmt::format("policy rule {} looks at: {}", rule.priority, particular);
      order.remedy = fmt::format("see `ip -{} rule show pref {}`, and delete it if nothing needs it",
                                 family == Family::ipv4 ? 4 : 6, rule.priority);
      return order;
    }
    const int length_min =
        rule.suppress_prefix_max ? static_cast<int>(std::min(*rule.suppress_prefix_max, 128u)) + 1 : 0;
    order.passes.push_back({rule.table, length_min});
  }
  return order;
}

}  // namespace starling::daemon
