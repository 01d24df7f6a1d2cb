// Which tables the kernel looks into for a packet that passes through, and in which order, according to its policy
// rules (ip-rule(8)). Known only where every rule sends all packets alike to a table: one that looks at a packet's
// source, mark or anything else stands in the way of a decision by destination alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "daemon/netlink/policy_rule.h"

namespace starling::daemon {

struct TablePass {
  std::uint32_t table = 0;
  int length_min = 0;  // matches of shorter prefixes do not count (suppress_prefixlength)

  friend bool operator==(const TablePass&, const TablePass&) = default;
};

struct RuleOrder {
  std::vector<TablePass> passes;  // the first table that has a route decides
  // The first rule in the way, for a person: "rule 100 looks at source". Then `passes` is without meaning.
  std::optional<std::string> obstacle;
  std::string remedy;  // a command; empty without obstacle

  friend bool operator==(const RuleOrder&, const RuleOrder&) = default;
};

// `rules` in the kernel's order, those of other families are left out. Our own rules, of any instance, exempt only the
// tunnels' datagrams, which never pass through.
RuleOrder order_of(const std::vector<PolicyRule>& rules, Family family);

}  // namespace starling::daemon
