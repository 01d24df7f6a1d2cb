#include "topologies/lab/kernel_table.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <vector>

#include "topologies/lab/network_namespace.h"
#include "topologies/lab/system_error.h"

#pragma GCC diagnostic ignored "-Wold-style-cast"  // in the kernel's macros

namespace starling::lab {

namespace {

constexpr std::uint8_t kProtocolStarling = 201;

Bytes payload_of(const rtattr* attribute) {
  return {static_cast<const std::uint8_t*>(RTA_DATA(attribute)), RTA_PAYLOAD(attribute)};
}

std::optional<IpAddress> address_of(Bytes bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  return IpAddress::from_bytes(bytes);
}

void take_route(const nlmsghdr* message, KernelTable& table) {
  const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(message));
  if (route->rtm_protocol != kProtocolStarling || (route->rtm_flags & RTM_F_CLONED) != 0) return;
  IpAddress destination = route->rtm_family == AF_INET ? IpAddress::v4({}) : IpAddress::v6({});
  InstalledRoute installed;
  auto size = static_cast<int>(RTM_PAYLOAD(message));
  for (const rtattr* attribute = RTM_RTA(route); RTA_OK(attribute, size); attribute = RTA_NEXT(attribute, size)) {
    const Bytes payload = payload_of(attribute);
    switch (attribute->rta_type) {
      case RTA_DST: destination = address_of(payload).value_or(destination); break;
      case RTA_GATEWAY: installed.gateway = address_of(payload); break;
      case RTA_VIA:  // a family in two bytes, then the address
        if (payload.size() > 2) installed.gateway = address_of(payload.subspan(2));
        break;
      case RTA_PREFSRC: installed.source = address_of(payload); break;
      case RTA_OIF:
        if (payload.size() == sizeof installed.interface_index)
          std::memcpy(&installed.interface_index, payload.data(), payload.size());
        break;
      default: break;
    }
  }
  table.insert_or_assign(Prefix(destination, route->rtm_dst_len), installed);
}

}  // namespace

KernelTableReader::KernelTableReader(int namespace_fd) {
  in_namespace(namespace_fd, [this] {
    socket_.reset(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket_) throw_errno("netlink socket");
  });
}

KernelTable KernelTableReader::read() const {
  KernelTable table;
  dump(AF_INET, table);
  dump(AF_INET6, table);
  return table;
}

void KernelTableReader::dump(std::uint8_t family, KernelTable& table) const {
  struct {
    nlmsghdr header{};
    rtmsg route{};
  } request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETROUTE;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.route.rtm_family = family;
  if (::send(socket_.get(), &request, sizeof request, 0) != sizeof request) throw_errno("netlink request");

  alignas(nlmsghdr) static thread_local std::array<char, 65536> block;
  for (;;) {
    const ssize_t received = ::recv(socket_.get(), block.data(), block.size(), 0);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) throw_errno("netlink answer");
    auto size = static_cast<std::size_t>(received);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(block.data()); NLMSG_OK(message, size);  // NOLINT
         message = NLMSG_NEXT(message, size)) {
      if (message->nlmsg_type == NLMSG_DONE) return;
      if (message->nlmsg_type == NLMSG_ERROR) {
        errno = -static_cast<const nlmsgerr*>(NLMSG_DATA(message))->error;
        throw_errno("netlink dump of routes");
      }
      if (message->nlmsg_type == RTM_NEWROUTE) take_route(message, table);
    }
  }
}

}  // namespace starling::lab
