// An interface's state, as far as a tunnel's owner cares.
#pragma once

#include <optional>
#include <string>

#include "daemon/netlink/message.h"

namespace starling::daemon {

struct KernelLink {
  std::uint32_t index = 0;
  std::string name;
  bool up = false;       // administratively
  bool carrier = false;  // operationally: up, and something answers at the other end of the wire

  friend bool operator==(const KernelLink&, const KernelLink&) = default;
};

NetlinkMessage set_link_message(std::uint32_t index, bool up, int mtu);
std::optional<KernelLink> decode_link(const nlmsghdr& message);

}  // namespace starling::daemon
