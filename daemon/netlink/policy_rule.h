// A policy rule (ip-rule(8)). We make the two shapes that protect the underlay: "everything without this mark looks
// into that table", and "the main table, but not its default routes", marked as ours by FRA_PROTOCOL. Of others' rules
// it is known whether all packets alike look into a table by them.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/ip.h"
#include "daemon/netlink/message.h"
#include "daemon/netlink/socket.h"

namespace starling::daemon {

struct PolicyRule {
  Family family = Family::ipv4;
  std::uint32_t priority = 0;
  std::uint32_t table = 0;
  std::optional<std::uint32_t> not_mark;             // matches packets whose mark is another
  std::optional<std::uint32_t> suppress_prefix_max;  // ignore the table's routes with prefixes as short as this
  std::uint8_t protocol = 0;                         // who made it
  // What else decides whether a packet looks into the table ("source, mark"), or what it does instead ("blackhole").
  // Empty: nothing, as with ours.
  std::string particular;

  friend auto operator<=>(const PolicyRule&, const PolicyRule&) = default;
};

NetlinkMessage add_rule_message(const PolicyRule& rule);  // EEXIST if there is an equal one
NetlinkMessage delete_rule_message(const PolicyRule& rule);
std::optional<PolicyRule> decode_rule(const nlmsghdr& message);
NetlinkAnswer dump_rules(NetlinkSocket& socket, const std::function<void(const PolicyRule&)>& each);

}  // namespace starling::daemon
