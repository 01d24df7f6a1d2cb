// What the kernel tells and is told about a datagram beside its bytes and its address (cmsg(3), ip(7), ipv6(7),
// udp(7)): local address, traffic class, into how many it is cut, how many were lost before it. Invariant: a buffer
// that is sent is zero wherever nothing was put, since garbage between the parts is EINVAL.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>

#include "base/ip.h"

namespace starling::wg {

// One of this host's addresses, and the interface at which datagrams to it arrive.
struct LocalAddress {
  IpAddress address;
  std::uint32_t interface_index = 0;

  friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

struct Ancillary {
  std::optional<LocalAddress> local;  // to which it came; nothing for a multicast group
  std::uint32_t interface_index = 0;  // through which it came; 0 unknown
  std::uint8_t traffic_class = 0;     // DSCP and ECN
  std::size_t segment_size = 0;       // bytes of each of several datagrams in one (UDP_GRO); 0: it is one
  std::optional<std::uint32_t> lost;  // datagrams that the socket's full queue turned away, ever (SO_RXQ_OVFL)
};

struct alignas(cmsghdr) AncillaryBuffer {
  static constexpr std::size_t kSize =
      CMSG_SPACE(sizeof(in6_pktinfo)) + 2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(std::uint32_t));
  std::array<std::uint8_t, kSize> bytes;
};

// Asks the kernel for what Ancillary holds. False if it cannot tell the local address; the rest is not needed.
bool request_ancillary(int fd, Family family);

// Of a datagram that recvmsg put there.
Ancillary read_ancillary(msghdr& header);

struct OutgoingAncillary {
  std::uint8_t traffic_class = 0;  // 0: the socket's own
  std::optional<LocalAddress> source;
  std::uint16_t segment_size = 0;  // bytes, to cut it into (UDP_SEGMENT); 0: it is one datagram
};

// For sendmsg, into `header` and `buffer`. The
// interface is given only with a link-local address, which means nothing without it: elsewhere the routes choose.
void write_ancillary(msghdr& header, AncillaryBuffer& buffer, Family family, const OutgoingAncillary& what);

}  // namespace starling::wg
