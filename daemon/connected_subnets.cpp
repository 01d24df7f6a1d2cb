#include "daemon/connected_subnets.h"

namespace starling::daemon {

void ConnectedSubnets::add(const KernelAddress& address) {
  if (address.interface_index != tunnel_index_) addresses_.insert(address);
}

std::vector<Prefix> ConnectedSubnets::subnets() const {
  std::set<Prefix> subnets;
  for (const KernelAddress& address : addresses_) {
    const IpAddress& ip = address.address.address;
    const Prefix subnet = address.address.subnet();
    if (!ip.is_loopback() && !ip.is_link_local() && !subnet.is_host() && !address.point_to_point)
      subnets.insert(subnet);
  }
  return {subnets.begin(), subnets.end()};
}

}  // namespace starling::daemon
