// The subnets that are directly connected to this machine by interfaces other than the tunnel's: a prefix of the mesh
// inside one of them is used only when `accept` names it.
#pragma once

#include <set>
#include <vector>

#include "base/ip.h"
#include "daemon/netlink/kernel_address.h"

namespace starling::daemon {

class ConnectedSubnets {
 public:
  explicit ConnectedSubnets(std::uint32_t tunnel_index) : tunnel_index_(tunnel_index) {}

  void clear() { addresses_.clear(); }
  void add(const KernelAddress& address);
  void remove(const KernelAddress& address) { addresses_.erase(address); }

  // Sorted, each once. Loopback, link-local subnets and single addresses connect nobody.
  std::vector<Prefix> subnets() const;

 private:
  std::uint32_t tunnel_index_;
  std::set<KernelAddress> addresses_;
};

}  // namespace starling::daemon
