#include "wg/io/route_watch.h"

#include <linux/if_addr.h>
#include <net/if.h>
#include <sys/socket.h>

namespace starling::wg {
namespace {

bool is_address(Bytes payload) {
  return payload.size() == 4 || payload.size() == 16;
}

std::optional<UnderlayChange> read_address(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_DELADDR || fixed_part<ifaddrmsg>(message) == nullptr) return std::nullopt;
  std::optional<UnderlayChange> change;
  // On point-to-point links IFA_ADDRESS is the other end; IFA_LOCAL, which follows it, is always ours.
  for_each_attribute(message, sizeof(ifaddrmsg), [&](std::uint16_t type, Bytes payload) {
    if ((type != IFA_ADDRESS && type != IFA_LOCAL) || !is_address(payload)) return;
    if (change && type == IFA_ADDRESS) return;
    change = UnderlayChange{UnderlayChange::Kind::address_gone, IpAddress::from_bytes(payload), 0, {}};
  });
  return change;
}

std::optional<UnderlayChange> read_link(const nlmsghdr& message) {
  const auto* const info = fixed_part<ifinfomsg>(message);
  if (info == nullptr || (message.nlmsg_type == RTM_NEWLINK && (info->ifi_flags & IFF_UP) != 0)) return std::nullopt;
  return UnderlayChange{UnderlayChange::Kind::link_gone, {}, static_cast<std::uint32_t>(info->ifi_index), {}};
}

// Whether all next hops of a multipath route lead into this interface.
bool all_hops_into(Bytes payload, std::uint32_t index) {
  for (std::size_t at = 0; at + sizeof(rtnexthop) <= payload.size();) {
    const auto hop = attribute_value<rtnexthop>(payload.subspan(at));
    if (static_cast<std::uint32_t>(hop.rtnh_ifindex) != index || hop.rtnh_len < sizeof hop) return false;
    at += RTNH_ALIGN(hop.rtnh_len);
  }
  return true;
}

std::optional<UnderlayChange> read_route(const nlmsghdr& message, std::uint32_t own_tun) {
  const auto* const route = fixed_part<rtmsg>(message);
  if (route == nullptr || (route->rtm_family != AF_INET && route->rtm_family != AF_INET6)) return std::nullopt;
  const bool v4 = route->rtm_family == AF_INET;
  IpAddress destination = v4 ? IpAddress::v4({}) : IpAddress::v6({});
  bool into_own_tun = false;
  for_each_attribute(message, sizeof(rtmsg), [&](std::uint16_t type, Bytes payload) {
    if (type == RTA_DST && payload.size() == (v4 ? 4 : 16)) destination = IpAddress::from_bytes(payload);
    if (type == RTA_OIF) into_own_tun = attribute_value<std::uint32_t>(payload) == own_tun;
    if (type == RTA_MULTIPATH) into_own_tun = all_hops_into(payload, own_tun);
  });
  if ((into_own_tun && own_tun != 0) || route->rtm_dst_len > destination.bits()) return std::nullopt;
  return UnderlayChange{UnderlayChange::Kind::route, {}, 0, Prefix(destination, route->rtm_dst_len)};
}

std::optional<UnderlayChange> read_change(const nlmsghdr& message, std::uint32_t own_tun) {
  switch (message.nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR: return read_address(message);
    case RTM_NEWLINK:
    case RTM_DELLINK: return read_link(message);
    case RTM_NEWROUTE:
    case RTM_DELROUTE: return read_route(message, own_tun);
    default: return std::nullopt;
  }
}

}  // namespace

bool UnderlayChange::affects(const IpAddress& source, std::uint32_t interface_index, const IpAddress& to) const {
  switch (kind) {
    case Kind::address_gone: return address == source;
    case Kind::link_gone: return index == interface_index;
    case Kind::route: return destination.contains(to);
    case Kind::unknown: break;
  }
  return true;
}

RouteWatch::RouteWatch()
    : netlink_(Netlink::open(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                             RTMGRP_IPV6_ROUTE)) {}

void RouteWatch::read(std::uint32_t own_tun, const std::function<void(const UnderlayChange&)>& visit) {
  if (!netlink_) return;
  const bool complete = netlink_->read([&](const nlmsghdr& message, bool) {
    if (const std::optional<UnderlayChange> change = read_change(message, own_tun)) visit(*change);
  });
  if (!complete) visit({});
}

}  // namespace starling::wg
