// The machine's firewall, as far as packets that only pass through are concerned: chains at the forward hook whose
// policy is to drop, so that transit passes only where a rule lets it. Both of the kernel's firewalls are asked:
// nf_tables (with all that nft(8) and iptables-nft make) by netlink, and the older ip_tables and ip6_tables.
#pragma once

#include <string>
#include <vector>

#include "base/ip.h"

namespace starling::daemon {

struct ForwardChain {
  bool ipv4 = false;
  bool ipv6 = false;
  std::string name;  // as a person finds it: "inet filter forward", "iptables-legacy filter FORWARD"

  bool concerns(Family family) const { return family == Family::ipv4 ? ipv4 : ipv6; }
  friend bool operator==(const ForwardChain&, const ForwardChain&) = default;
};

// Those that drop what no rule of theirs accepts. A firewall that the kernel does not have, or does not show us, has
// none.
std::vector<ForwardChain> dropping_forward_chains();

}  // namespace starling::daemon
