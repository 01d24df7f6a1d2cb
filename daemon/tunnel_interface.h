// The tunnel's interface as the kernel sees it: its addresses (the configured ones, and the link-local one that follows
// from the key), its MTU, its knobs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "daemon/config/config.h"
#include "daemon/netlink/kernel_address.h"
#include "daemon/netlink/socket.h"

namespace starling::daemon {

class TunnelInterface {
 public:
  TunnelInterface(NetlinkSocket& socket, std::uint32_t index, const Config& config, const IpAddress& link_local);

  // Knobs, addresses, up. Nothing, or what the kernel refused.
  std::optional<Error> configure();
  // Puts back what of our addresses is missing.
  std::optional<Error> restore_addresses();

  std::uint32_t index() const { return index_; }
  bool is_ours(const KernelAddress& address) const;

 private:
  void set_knobs();
  void remove_other_link_local();

  NetlinkSocket& socket_;
  std::uint32_t index_;
  std::string name_;
  int mtu_;
  std::vector<InterfaceAddress> addresses_;
};

}  // namespace starling::daemon
