#include "wg/io/udp.h"

#include <fmt/format.h>
#include <linux/sock_diag.h>
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
  if (family == Family::ipv6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, int{1})) return errno;
  if (fwmark != 0 && !set_option(fd.get(), SOL_SOCKET, SO_MARK, fwmark)) return errno;
  if (!request_ancillary(fd.get(), family)) return errno;
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

// Of a source address that is gone, or from where the routes do not lead there: another may do.
bool blames_source(int error) {
  return error == EINVAL || error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL || error == ENODEV;
}

// What the kernel counts of datagrams that this socket had no room for.
std::optional<std::uint32_t> read_lost(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> information{};
  socklen_t size = sizeof information;
  if (fd < 0 || ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, information.data(), &size) < 0) return std::nullopt;
  if (size <= SK_MEMINFO_DROPS * sizeof information[0]) return std::nullopt;
  return information[SK_MEMINFO_DROPS];
}

// The arrays that recvmmsg and sendmmsg want, made once.
struct MessageArrays {
  std::array<mmsghdr, kBatchSize> headers{};
  std::array<iovec, kBatchSize> vectors{};
  std::array<sockaddr_storage, kBatchSize> addresses{};
  std::array<AncillaryBuffer, kBatchSize> ancillary{};
};

using Sockets = std::array<FileDescriptor, kFamilies>;

// Both families on one port. errno of what failed, 0 when bound; the port that it got is put into `port`.
int open_pair(std::uint16_t& port, std::uint32_t fwmark, Sockets& out) {
  const int attempts = port == 0 ? kPortAttempts : 1;
  int error = 0;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    Sockets sockets;
    std::uint16_t bound = port;
    const int error_v4 = open_one(Family::ipv4, bound, fwmark, sockets[0]);
    if (error_v4 != 0 && !family_is_missing(error_v4)) return error_v4;
    error = open_one(Family::ipv6, bound, fwmark, sockets[1]);
    if (error == 0 || (error_v4 == 0 && family_is_missing(error))) {
      port = bound;
      out = std::move(sockets);
      return 0;
    }
    if (error != EADDRINUSE) break;  // else the kernel's pick was taken in the other family: another pick
  }
  return error;
}

SystemError describe(int error, std::uint16_t port) {
  const char* remedy = error == EADDRINUSE ? "; choose another listen port, or end the program that has it (ss -lunp)"
                       : error == EPERM    ? "; a fwmark needs root or CAP_NET_ADMIN"
                                           : "";
  return {error, fmt::format("UDP port {}: {}{}", port, std::strerror(error), remedy)};
}

}  // namespace

struct UdpSockets::Impl {
  Impl(std::uint16_t wanted_port, std::uint32_t mark) : port(wanted_port), fwmark(mark) {}

  Sockets sockets;
  std::uint16_t port;
  std::uint32_t fwmark;
  bool open = false;

  // Not initialised: pages that no datagram reaches take no memory.
  const std::unique_ptr<std::uint8_t[]> receive_memory =
      std::make_unique_for_overwrite<std::uint8_t[]>(kBatchSize * kReceiveSlotSize);
  MessageArrays receiving;
  std::array<ReceivedDatagram, kBatchSize> received;
  std::array<std::uint32_t, kFamilies> lost_before{};  // as the kernel counts, of the present sockets
  std::uint64_t lost = 0;                              // not yet taken

  MessageArrays sending;
  std::array<std::size_t, kBatchSize> sending_index{};  // of each message, in the caller's batch
  std::array<bool, kBatchSize> has_source{};

  std::optional<SystemError> replace(std::uint16_t wanted_port);
  void note_lost(std::size_t family, std::optional<std::uint32_t> count);
  void send_family(Family family, std::span<const OutgoingDatagram> datagrams, SendOutcome& outcome);
  unsigned fill_messages(Family family, std::span<const OutgoingDatagram> datagrams);
  void send_messages(Family family, unsigned count, std::span<const OutgoingDatagram> datagrams, SendOutcome& outcome);
};

UdpSockets::UdpSockets(std::uint16_t port, std::uint32_t fwmark) : impl_(std::make_unique<Impl>(port, fwmark)) {}
UdpSockets::~UdpSockets() = default;
UdpSockets::UdpSockets(UdpSockets&&) noexcept = default;
UdpSockets& UdpSockets::operator=(UdpSockets&&) noexcept = default;

std::uint16_t UdpSockets::port() const {
  return impl_->port;
}

std::uint32_t UdpSockets::fwmark() const {
  return impl_->fwmark;
}

bool UdpSockets::is_open() const {
  return impl_->open;
}

int UdpSockets::fd(Family family) const {
  return impl_->sockets[index_of(family)].get();
}

std::optional<SystemError> UdpSockets::Impl::replace(std::uint16_t wanted_port) {
  Sockets fresh;
  if (const int error = open_pair(wanted_port, fwmark, fresh); error != 0) return describe(error, wanted_port);
  for (std::size_t i = 0; i < kFamilies; ++i) note_lost(i, read_lost(sockets[i].get()));
  sockets = std::move(fresh);
  lost_before = {};
  port = wanted_port;
  open = true;
  return std::nullopt;
}

std::optional<SystemError> UdpSockets::open() {
  return is_open() ? std::nullopt : impl_->replace(impl_->port);
}

void UdpSockets::close() {
  (void)take_lost(true);
  impl_->sockets = {};
  impl_->lost_before = {};
  impl_->open = false;
}

std::optional<SystemError> UdpSockets::set_port(std::uint16_t port) {
  if (is_open() && (port == 0 || port != impl_->port)) return impl_->replace(port);
  impl_->port = port;
  return std::nullopt;
}

std::optional<SystemError> UdpSockets::set_fwmark(std::uint32_t fwmark) {
  for (std::size_t i = 0; i < kFamilies; ++i) {
    const int fd = impl_->sockets[i].get();
    if (fd < 0 || set_option(fd, SOL_SOCKET, SO_MARK, fwmark)) continue;
    const int error = errno;
    for (const FileDescriptor& socket : impl_->sockets) {
      if (socket.valid()) (void)set_option(socket.get(), SOL_SOCKET, SO_MARK, impl_->fwmark);
    }
    return SystemError{error,
                       fmt::format("fwmark {:#x}: {}; it needs root or CAP_NET_ADMIN", fwmark, std::strerror(error))};
  }
  impl_->fwmark = fwmark;
  return std::nullopt;
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
    header.msg_control = arrays.ancillary[i].bytes.data();
    header.msg_controllen = arrays.ancillary[i].bytes.size();
  }
  const int got = ::recvmmsg(fd(family), arrays.headers.data(), kBatchSize, MSG_DONTWAIT, nullptr);
  if (got <= 0) return {};
  for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
    mmsghdr& message = arrays.headers[i];
    const Ancillary ancillary = read_ancillary(message.msg_hdr);
    self.note_lost(index_of(family), ancillary.lost);
    self.received[i] = {MutableBytes(self.receive_memory.get() + i * kReceiveSlotSize, message.msg_len),
                        from_socket_address(arrays.addresses[i]), ancillary.local, ancillary.interface_index,
                        ancillary.traffic_class};
  }
  return {self.received.data(), static_cast<std::size_t>(got)};
}

// The kernel's count only grows, and wraps.
void UdpSockets::Impl::note_lost(std::size_t family, std::optional<std::uint32_t> count) {
  if (!count) return;
  const std::uint32_t more = *count - lost_before[family];
  if (more > ~std::uint32_t{0} / 2) return;  // told of an older datagram than what was asked for meanwhile
  lost += more;
  lost_before[family] = *count;
}

std::uint64_t UdpSockets::take_lost(bool ask) {
  if (ask) {
    for (std::size_t i = 0; i < kFamilies; ++i) impl_->note_lost(i, read_lost(impl_->sockets[i].get()));
  }
  return std::exchange(impl_->lost, 0);
}

void UdpSockets::send(std::span<const OutgoingDatagram> datagrams, SendOutcome& outcome) {
  if (datagrams.size() > kBatchSize) throw std::invalid_argument("UdpSockets::send: more than kBatchSize datagrams");
  impl_->send_family(Family::ipv4, datagrams, outcome);
  impl_->send_family(Family::ipv6, datagrams, outcome);
}

void UdpSockets::Impl::send_family(Family family, std::span<const OutgoingDatagram> datagrams, SendOutcome& outcome) {
  const unsigned count = fill_messages(family, datagrams);
  if (count == 0) return;
  if (!sockets[index_of(family)].valid()) {
    for (unsigned i = 0; i < count; ++i) outcome.failures.push_back({sending_index[i], open ? EAFNOSUPPORT : ENETDOWN});
    return;
  }
  send_messages(family, count, datagrams, outcome);
}

unsigned UdpSockets::Impl::fill_messages(Family family, std::span<const OutgoingDatagram> datagrams) {
  unsigned count = 0;
  for (std::size_t i = 0; i < datagrams.size(); ++i) {
    const OutgoingDatagram& datagram = datagrams[i];
    if (datagram.to.address.family() != family) continue;
    sending_index[count] = i;
    has_source[count] = datagram.source.has_value();
    sending.vectors[count] = {const_cast<std::uint8_t*>(datagram.bytes.data()), datagram.bytes.size()};
    msghdr& header = sending.headers[count].msg_hdr;
    header = {};
    header.msg_name = &sending.addresses[count];
    header.msg_namelen = to_socket_address(datagram.to, sending.addresses[count]);
    header.msg_iov = &sending.vectors[count];
    header.msg_iovlen = 1;
    write_ancillary(header, sending.ancillary[count], family, datagram.traffic_class, datagram.source);
    ++count;
  }
  return count;
}

void UdpSockets::Impl::send_messages(Family family, unsigned count, std::span<const OutgoingDatagram> datagrams,
                                     SendOutcome& outcome) {
  const int fd = sockets[index_of(family)].get();
  bool waited = false;
  for (unsigned next = 0; next < count;) {
    const int sent = ::sendmmsg(fd, sending.headers.data() + next, count - next, MSG_DONTWAIT);
    if (sent > 0) {
      next += static_cast<unsigned>(sent);
      continue;
    }
    // All that follows is about the first message that was not sent.
    if (errno == EINTR) continue;
    if (errno == EAGAIN && !waited) {
      pollfd room{fd, POLLOUT, 0};
      waited = ::poll(&room, 1, kSendWait_ms) <= 0;
      continue;
    }
    const std::size_t index = sending_index[next];
    if (has_source[next] && blames_source(errno)) {
      has_source[next] = false;
      outcome.sources_refused.push_back(index);
      write_ancillary(sending.headers[next].msg_hdr, sending.ancillary[next], family, datagrams[index].traffic_class,
                      std::nullopt);
      continue;
    }
    outcome.failures.push_back({index, errno});
    ++next;
  }
}

}  // namespace starling::wg
