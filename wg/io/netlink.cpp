#include "wg/io/netlink.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace starling::wg {
namespace {

constexpr std::size_t kReceiveSize = 32768;  // bytes; what the kernel puts into one message at most
constexpr int kQueueSize = 1 << 20;          // bytes; routes may change by the thousand

struct LinkRequest {
  nlmsghdr header;
  ifinfomsg info;
  rtattr name_attribute;
  std::array<char, 16> name;
};

}  // namespace

std::optional<Netlink> Netlink::open(std::uint32_t groups) {
  FileDescriptor fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (!fd.valid() || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) return {};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kQueueSize, sizeof kQueueSize);
  socklen_t size = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0) return {};
  return Netlink(std::move(fd), address.nl_pid);
}

void Netlink::ask_for_link(std::uint32_t index, const std::string& name) {
  LinkRequest request{};
  request.header.nlmsg_len = index != 0 ? offsetof(LinkRequest, name_attribute) : sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  request.header.nlmsg_seq = ++sequence_;
  request.info.ifi_family = AF_UNSPEC;
  request.info.ifi_index = static_cast<int>(index);
  request.name_attribute = {RTA_LENGTH(request.name.size()), IFLA_IFNAME};
  std::memcpy(request.name.data(), name.data(), std::min(name.size(), request.name.size() - 1));
  (void)::send(fd_.get(), &request, request.header.nlmsg_len, 0);
}

bool Netlink::read(const Visitor& visitor) {
  alignas(nlmsghdr) std::array<std::uint8_t, kReceiveSize> buffer;
  bool complete = true;
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      complete = false;
      continue;
    }
    if (got <= 0) return complete;
    auto left = static_cast<std::size_t>(got);
    for (auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left)) {
      visitor(*message, message->nlmsg_pid == port_ && message->nlmsg_seq == sequence_);
    }
  }
}

void for_each_attribute(const nlmsghdr& message, std::size_t fixed_size,
                        const std::function<void(std::uint16_t, Bytes)>& visit) {
  const auto* const begin = reinterpret_cast<const std::uint8_t*>(&message);
  std::size_t at = NLMSG_LENGTH(NLMSG_ALIGN(fixed_size));
  while (at + sizeof(rtattr) <= message.nlmsg_len) {
    rtattr attribute;
    std::memcpy(&attribute, begin + at, sizeof attribute);
    if (attribute.rta_len < sizeof attribute || at + attribute.rta_len > message.nlmsg_len) return;
    visit(attribute.rta_type & NLA_TYPE_MASK, Bytes(begin + at + RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0)));
    at += RTA_ALIGN(attribute.rta_len);
  }
}

}  // namespace starling::wg
