#include "daemon/netlink/kernel_address.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

namespace starling::daemon {

namespace {

NetlinkMessage address_message(int type, int flags, const KernelAddress& address) {
  const IpAddress& ip = address.address.address;
  ifaddrmsg header{};
  header.ifa_family = address_family(ip.family());
  header.ifa_prefixlen = static_cast<__u8>(address.address.length);
  header.ifa_flags = ip.is_v6() ? IFA_F_NODAD : 0;
  header.ifa_scope = ip.is_link_local() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  header.ifa_index = address.interface_index;
  NetlinkMessage message(type, flags, header);
  message.attribute_address(IFA_LOCAL, ip);
  message.attribute_address(IFA_ADDRESS, ip);
  return message;
}

}  // namespace

NetlinkMessage add_address_message(const KernelAddress& address) {
  return address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
}

NetlinkMessage delete_address_message(const KernelAddress& address) {
  return address_message(RTM_DELADDR, 0, address);
}

std::optional<KernelAddress> decode_address(const nlmsghdr& message) {
  const auto* header = fixed_header<ifaddrmsg>(message);
  if (header == nullptr) return std::nullopt;
  const NetlinkAttributes attributes(message, sizeof(ifaddrmsg));
  const auto local = attributes.address(IFA_LOCAL);
  const auto other = attributes.address(IFA_ADDRESS);
  const auto address = local ? local : other;
  if (!address || header->ifa_prefixlen > address->bits()) return std::nullopt;
  return KernelAddress{header->ifa_index, {*address, header->ifa_prefixlen}, local && other && *local != *other};
}

NetlinkAnswer dump_addresses(NetlinkSocket& socket, const std::function<void(const KernelAddress&)>& each) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    ifaddrmsg header{};
    header.ifa_family = address_family(family);
    const NetlinkAnswer answer = socket.dump(NetlinkMessage(RTM_GETADDR, 0, header), [&](const nlmsghdr& message) {
      if (const auto address = decode_address(message)) each(*address);
    });
    if (!answer.ok() && !(family == Family::ipv6 && answer.error == EAFNOSUPPORT)) return answer;
  }
  return {};
}

}  // namespace starling::daemon
