#include "topologies/lab/udp_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "topologies/lab/network_namespace.h"
#include "topologies/lab/system_error.h"

namespace starling::lab {

namespace {

constexpr int kReceiveBuffer = 1 << 20;  // bytes

struct SocketAddress {
  union {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  };
  socklen_t size = sizeof(sockaddr_in6);

  SocketAddress() : v6{} {}
  SocketAddress(const IpAddress& address, std::uint16_t port) : v6{} {
    if (address.is_v4()) {
      size = sizeof v4;
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      std::copy_n(address.bytes().data(), 4, reinterpret_cast<std::uint8_t*>(&v4.sin_addr));  // NOLINT
    } else {
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      std::copy_n(address.bytes().data(), 16, v6.sin6_addr.s6_addr);
    }
  }

  IpAddress address() const {
    if (any.sa_family == AF_INET)
      return IpAddress::from_bytes({reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), 4});  // NOLINT
    return IpAddress::from_bytes({v6.sin6_addr.s6_addr, 16});
  }
};

}  // namespace

FileDescriptor open_udp_socket(int namespace_fd, Family family, std::uint16_t port) {
  FileDescriptor result;
  in_namespace(namespace_fd, [&] {
    result.reset(::socket(family == Family::ipv4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!result) throw_errno("UDP socket");
    const int on = 1;
    if (family == Family::ipv6) ::setsockopt(result.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    ::setsockopt(result.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
    const SocketAddress any(family == Family::ipv4 ? IpAddress::v4({}) : IpAddress::v6({}), port);
    if (::bind(result.get(), &any.any, any.size) != 0)
      throw_errno("UDP port " + std::to_string(port) + " of the lab's");
  });
  return result;
}

bool send_datagram(int socket, const IpAddress& to, std::uint16_t port, Bytes payload) {
  const SocketAddress address(to, port);
  return ::sendto(socket, payload.data(), payload.size(), MSG_NOSIGNAL, &address.any, address.size) ==
         static_cast<ssize_t>(payload.size());
}

std::optional<Datagram> receive_datagram(int socket, MutableBytes buffer) {
  for (;;) {
    SocketAddress from;
    const ssize_t size = ::recvfrom(socket, buffer.data(), buffer.size(), 0, &from.any, &from.size);
    if (size >= 0) return Datagram{from.address(), buffer.first(static_cast<std::size_t>(size))};
    // An ICMP error of an earlier packet is reported here once; it is no datagram.
    if (errno != EINTR && errno != EHOSTUNREACH && errno != ENETUNREACH && errno != ECONNREFUSED) return std::nullopt;
  }
}

}  // namespace starling::lab
