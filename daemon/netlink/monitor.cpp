#include "daemon/netlink/monitor.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <sys/socket.h>

namespace starling::daemon {

namespace {

constexpr int kReceiveBufferSize = 8 << 20;  // some 10,000 routes; more at once overrun it: on_overrun
constexpr std::size_t kMessageBufferSize = 64 * 1024;
constexpr int kReadsMax = 64;  // then the loop's other work has its turn

void deliver(const nlmsghdr& message, NetlinkObserver& observer) {
  switch (message.nlmsg_type) {
    case RTM_NEWROUTE:
      if (const auto route = decode_route(message))
        observer.on_route_added(*route, (message.nlmsg_flags & NLM_F_REPLACE) != 0);
      break;
    case RTM_DELROUTE:
      if (const auto route = decode_route(message)) observer.on_route_removed(*route);
      break;
    case RTM_DELNEXTHOP: observer.on_next_hop_removed(); break;
    case RTM_NEWRULE:
    case RTM_DELRULE: observer.on_rules_changed(); break;
    case RTM_NEWADDR:
      if (const auto address = decode_address(message)) observer.on_address_added(*address);
      break;
    case RTM_DELADDR:
      if (const auto address = decode_address(message)) observer.on_address_removed(*address);
      break;
    case RTM_NEWLINK:
      if (const auto link = decode_link(message)) observer.on_link(*link);
      break;
    case RTM_DELLINK:
      if (const auto link = decode_link(message)) observer.on_link_removed(*link);
      break;
    default: break;
  }
}

}  // namespace

void NetlinkMonitor::Free::operator()(nl_sock* socket) const {
  nl_socket_free(socket);
}

NetlinkMonitor::NetlinkMonitor(nl_sock* socket) : socket_(socket), buffer_(kMessageBufferSize) {}
NetlinkMonitor::~NetlinkMonitor() = default;
NetlinkMonitor::NetlinkMonitor(NetlinkMonitor&&) noexcept = default;
NetlinkMonitor& NetlinkMonitor::operator=(NetlinkMonitor&&) noexcept = default;

Result<NetlinkMonitor> NetlinkMonitor::open() {
  nl_sock* raw = nl_socket_alloc();
  if (raw == nullptr) return Error{"no memory for a netlink socket"};
  NetlinkMonitor monitor(raw);
  if (const int error = nl_connect(raw, NETLINK_ROUTE); error < 0)
    return Error{std::string("no netlink socket: ") + nl_geterror(error)};
  nl_socket_set_buffer_size(raw, kReceiveBufferSize, 0);  // as far as net.core.rmem_max lets everybody
  setsockopt(monitor.fd(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferSize, sizeof kReceiveBufferSize);
  nl_socket_set_nonblocking(raw);
  const int error =
      nl_socket_add_memberships(raw, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
                                RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, 0);
  nl_socket_add_memberships(raw, RTNLGRP_NEXTHOP, 0);  // kernels before 5.3 have no such objects
  if (error < 0) return Error{std::string("cannot watch the kernel's routes: ") + nl_geterror(error)};
  return monitor;
}

int NetlinkMonitor::fd() const {
  return nl_socket_get_fd(socket_.get());
}

void NetlinkMonitor::read(NetlinkObserver& observer) {
  for (int i = 0; i < kReadsMax; i++) {
    const ssize_t size = recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == ENOBUFS) {
      observer.on_overrun();
      continue;
    }
    if (size <= 0) return;
    auto rest = static_cast<unsigned>(size);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer_.data()); NLMSG_OK(header, rest);
         header = NLMSG_NEXT(header, rest))
      deliver(*header, observer);
  }
}

}  // namespace starling::daemon
