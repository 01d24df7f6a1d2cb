#include "wg/io/udp.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/file_descriptor.h"
#include "wg/io/socket_address.h"

namespace starling::wg {
namespace {

constexpr std::size_t kFamilies = 2;
constexpr int kPortAttempts = 64;                     // for a port that is free in both families
constexpr int kSendWait_ms = 20;                      // for room in a full socket buffer, before datagrams are given up
constexpr std::size_t kReceiveSlotSize = 65536 + 64;  // bytes: any datagram; not a power of two, for the caches' sake
constexpr std::size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(int));

std::size_t index_of(Family family) {
  return family == Family::ipv4 ? 0 : 1;
}

int domain_of(Family family) {
  return family == Family::ipv4 ? AF_INET : AF_INET6;
}

template <typename T>
bool set_option(int fd, int level, int name, const T& value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}

void enlarge_buffer(int fd, int forced_option, int option) {
  // Beyond the sysctl limit with CAP_NET_ADMIN, else up to it. A small buffer is slower, not wrong.
  if (!set_option(fd, SOL_SOCKET, forced_option, kSocketBufferSize)) {
    (void)set_option(fd, SOL_SOCKET, option, kSocketBufferSize);
  }
}

// Outer packets above the path's MTU are fragmented, as the kernel's WireGuard does it: a wrong guess of the MTU makes
// a tunnel slower, not dead.
void allow_fragments(int fd, Family family) {
  if (family == Family::ipv4) (void)set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, int{IP_PMTUDISC_DONT});
  if (family == Family::ipv6) (void)set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, int{IPV6_PMTUDISC_DONT});
}

// errno of what failed, 0 when it is bound; the port that it got is put into `port`.
int open_one(Family family, std::uint16_t& port, std::uint32_t fwmark, FileDescriptor& out) {
  FileDescriptor fd(::socket(domain_of(family), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP));
  if (!fd.valid()) return errno;
  const int on = 1;
  if (family == Family::ipv6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, on)) return errno;
  if (fwmark != 0 && !set_option(fd.get(), SOL_SOCKET, SO_MARK, fwmark)) return errno;
  const bool information = family == Family::ipv4 ? set_option(fd.get(), IPPROTO_IP, IP_PKTINFO, on)
                                                  : set_option(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, on);
  if (!information) return errno;
  allow_fragments(fd.get(), family);
  enlarge_buffer(fd.get(), SO_RCVBUFFORCE, SO_RCVBUF);
  enlarge_buffer(fd.get(), SO_SNDBUFFORCE, SO_SNDBUF);

  Endpoint any;
  if (family == Family::ipv6) any.address = IpAddress::v6({});
  any.port = port;
  sockaddr_storage address{};
  socklen_t size = to_socket_address(any, address);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) < 0) return errno;
  size = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0) return errno;
  port = from_socket_address(address).port;
  out = std::move(fd);
  return 0;
}

bool family_is_missing(int error) {
  return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

// The interface through which a datagram came, from its PKTINFO; 0 if there is none.
std::uint32_t arrival_interface(msghdr& header) {
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
      in_pktinfo information;
      std::memcpy(&information, CMSG_DATA(item), sizeof information);
      return static_cast<std::uint32_t>(information.ipi_ifindex);
    }
    if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo information;
      std::memcpy(&information, CMSG_DATA(item), sizeof information);
      return information.ipi6_ifindex;
    }
  }
  return 0;
}

struct alignas(cmsghdr) ControlBuffer {
  std::array<std::uint8_t, kControlSize> bytes;
};

// The arrays that recvmmsg and sendmmsg want, made once.
struct MessageArrays {
  std::array<mmsghdr, kBatchSize> headers{};
  std::array<iovec, kBatchSize> vectors{};
  std::array<sockaddr_storage, kBatchSize> addresses{};
  std::array<ControlBuffer, kBatchSize> controls{};
};

void set_traffic_class(msghdr& header, ControlBuffer& buffer, Family family, int traffic_class) {
  buffer.bytes.fill(0);  // garbage in the padding is EINVAL
  header.msg_control = buffer.bytes.data();
  header.msg_controllen = CMSG_SPACE(sizeof traffic_class);
  cmsghdr* item = CMSG_FIRSTHDR(&header);
  item->cmsg_level = family == Family::ipv4 ? IPPROTO_IP : IPPROTO_IPV6;
  item->cmsg_type = family == Family::ipv4 ? IP_TOS : IPV6_TCLASS;
  item->cmsg_len = CMSG_LEN(sizeof traffic_class);
  std::memcpy(CMSG_DATA(item), &traffic_class, sizeof traffic_class);
}

}  // namespace

struct UdpSockets::Impl {
  std::array<FileDescriptor, kFamilies> sockets;
  std::uint16_t port = 0;

  // Not initialised: pages that no datagram reaches take no memory.
  const std::unique_ptr<std::uint8_t[]> receive_memory =
      std::make_unique_for_overwrite<std::uint8_t[]>(kBatchSize * kReceiveSlotSize);
  MessageArrays receiving;
  std::array<ReceivedDatagram, kBatchSize> received;

  MessageArrays sending;
  std::array<std::size_t, kBatchSize> sending_index{};  // of each message, in the caller's batch

  void send_family(Family family, std::span<const OutgoingDatagram> datagrams, std::vector<SendFailure>& failures);
  unsigned fill_messages(Family family, std::span<const OutgoingDatagram> datagrams);
  void send_messages(int fd, unsigned count, std::vector<SendFailure>& failures);
};

UdpSockets::UdpSockets(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
UdpSockets::~UdpSockets() = default;

std::uint16_t UdpSockets::port() const {
  return impl_->port;
}

int UdpSockets::fd(Family family) const {
  return impl_->sockets[index_of(family)].get();
}

Result<std::unique_ptr<UdpSockets>> UdpSockets::open(std::uint16_t port, std::uint32_t fwmark) {
  const int attempts = port == 0 ? kPortAttempts : 1;
  int error = 0;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    auto impl = std::make_unique<Impl>();
    impl->port = port;
    const int error_v4 = open_one(Family::ipv4, impl->port, fwmark, impl->sockets[0]);
    if (error_v4 != 0 && !family_is_missing(error_v4)) {
      error = error_v4;
      break;
    }
    const int error_v6 = open_one(Family::ipv6, impl->port, fwmark, impl->sockets[1]);
    if (error_v6 == 0 || (error_v4 == 0 && family_is_missing(error_v6))) {
      return std::unique_ptr<UdpSockets>(new UdpSockets(std::move(impl)));
    }
    error = error_v6;
    if (error != EADDRINUSE) break;  // else the kernel's pick was taken in the other family: another pick
  }
  const char* remedy = error == EADDRINUSE ? "; choose another listen port, or end the program that has it (ss -lunp)"
                       : error == EPERM    ? "; a fwmark needs root or CAP_NET_ADMIN"
                                           : "";
  return Error{fmt::format("UDP port {}: {}{}", port, std::strerror(error), remedy)};
}

std::span<ReceivedDatagram> UdpSockets::receive(Family family) {
  Impl& self = *impl_;
  MessageArrays& arrays = self.receiving;
  for (std::size_t i = 0; i < kBatchSize; ++i) {
    arrays.vectors[i] = {self.receive_memory.get() + i * kReceiveSlotSize, kReceiveSlotSize};
    msghdr& header = arrays.headers[i].msg_hdr;
    header = {};
    header.msg_name = &arrays.addresses[i];
    header.msg_namelen = sizeof arrays.addresses[i];
    header.msg_iov = &arrays.vectors[i];
    header.msg_iovlen = 1;
    header.msg_control = arrays.controls[i].bytes.data();
    header.msg_controllen = kControlSize;
  }
  const int got = ::recvmmsg(fd(family), arrays.headers.data(), kBatchSize, MSG_DONTWAIT, nullptr);
  if (got <= 0) return {};
  for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
    mmsghdr& message = arrays.headers[i];
    self.received[i] = {MutableBytes(self.receive_memory.get() + i * kReceiveSlotSize, message.msg_len),
                        from_socket_address(arrays.addresses[i]), arrival_interface(message.msg_hdr)};
  }
  return {self.received.data(), static_cast<std::size_t>(got)};
}

void UdpSockets::send(std::span<const OutgoingDatagram> datagrams, std::vector<SendFailure>& failures) {
  if (datagrams.size() > kBatchSize) throw std::invalid_argument("UdpSockets::send: more than kBatchSize datagrams");
  impl_->send_family(Family::ipv4, datagrams, failures);
  impl_->send_family(Family::ipv6, datagrams, failures);
}

void UdpSockets::Impl::send_family(Family family, std::span<const OutgoingDatagram> datagrams,
                                   std::vector<SendFailure>& failures) {
  const unsigned count = fill_messages(family, datagrams);
  if (count == 0) return;
  const int fd = sockets[index_of(family)].get();
  if (fd < 0) {
    for (unsigned i = 0; i < count; ++i) failures.push_back({sending_index[i], EAFNOSUPPORT});
    return;
  }
  send_messages(fd, count, failures);
}

unsigned UdpSockets::Impl::fill_messages(Family family, std::span<const OutgoingDatagram> datagrams) {
  unsigned count = 0;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    const OutgoingDatagram& datagram = datagrams[i];
    if (datagram.to.address.family() != family) continue;
    sending_index[count] = i;
    sending.vectors[count] = {const_cast<std::uint8_t*>(datagram.bytes.data()), datagram.bytes.size()};
    msghdr& header = sending.headers[count].msg_hdr;
    header = {};
    header.msg_name = &sending.addresses[count];
    header.msg_namelen = to_socket_address(datagram.to, sending.addresses[count]);
    header.msg_iov = &sending.vectors[count];
    header.msg_iovlen = 1;
    if (datagram.traffic_class != 0) {
      set_traffic_class(header, sending.controls[count], family, datagram.traffic_class);
    }
    ++count;
  }
  return count;
}

void UdpSockets::Impl::send_messages(int fd, unsigned count, std::vector<SendFailure>& failures) {
  bool waited = false;
  for (unsigned next = 0; next < count;) {
    const int sent = ::sendmmsg(fd, sending.headers.data() + next, count - next, MSG_DONTWAIT);
    if (sent > 0) {
      next += static_cast<unsigned>(sent);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN && !waited) {
      pollfd room{fd, POLLOUT, 0};
      waited = ::poll(&room, 1, kSendWait_ms) <= 0;
      continue;
    }
    failures.push_back({sending_index[next], errno});  // of the first message that was not sent
    ++next;
  }
}

}  // namespace starling::wg
