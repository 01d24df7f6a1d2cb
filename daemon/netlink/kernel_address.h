// Addresses on the machine's interfaces.
#pragma once

#include <functional>
#include <optional>

#include "base/ip.h"
#include "daemon/netlink/message.h"
#include "daemon/netlink/socket.h"

namespace starling::daemon {

struct KernelAddress {
  std::uint32_t interface_index = 0;
  InterfaceAddress address;
  bool point_to_point = false;  // `address` is ours and names a single other end: no subnet is connected by it

  friend auto operator<=>(const KernelAddress&, const KernelAddress&) = default;
};

// Put on the interface without duplicate address detection: on a tunnel nobody could answer it. EEXIST if it is there.
NetlinkMessage add_address_message(const KernelAddress& address);
NetlinkMessage delete_address_message(const KernelAddress& address);
std::optional<KernelAddress> decode_address(const nlmsghdr& message);
NetlinkAnswer dump_addresses(NetlinkSocket& socket, const std::function<void(const KernelAddress&)>& each);

}  // namespace starling::daemon
