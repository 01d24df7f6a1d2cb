#include "daemon/netlink/kernel_link.h"

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace starling::daemon {

NetlinkMessage set_link_message(std::uint32_t index, bool up, int mtu) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = static_cast<int>(index);
  header.ifi_flags = up ? IFF_UP : 0;
  header.ifi_change = IFF_UP;
  NetlinkMessage message(RTM_NEWLINK, 0, header);
  message.attribute_u32(IFLA_MTU, static_cast<std::uint32_t>(mtu));
  return message;
}

std::optional<KernelLink> decode_link(const nlmsghdr& message) {
  const auto* header = fixed_header<ifinfomsg>(message);
  if (header == nullptr || header->ifi_index <= 0) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof(ifinfomsg));
  return KernelLink{static_cast<std::uint32_t>(header->ifi_index), std::string(attributes.text(IFLA_IFNAME)),
                    (header->ifi_flags & IFF_UP) != 0, (header->ifi_flags & IFF_RUNNING) != 0};
}

}  // namespace starling::daemon
