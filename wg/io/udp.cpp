#include "wg/io/udp.h"

#include <fmt/format.h>
#include <linux/sock_diag.h>
#include <linux/udp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/file_descriptor.h"
#include "wg/io/error_queue.h"
#include "wg/io/socket_address.h"

namespace starling::wg {
namespace {

constexpr std::size_t kFamilies = 2;
constexpr int kPortAttempts = 64;      // for a port that is free in both families
constexpr int kErrorReadsPerTurn = 4;  // of ErrorQueue::kAtOnce errors

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

bool kernel_is_at_least(int major, int minor) {
  utsname name{};
  int has_major = 0;
  int has_minor = 0;
  if (::uname(&name) < 0 || std::sscanf(name.release, "%d.%d", &has_major, &has_minor) != 2) return false;
  return has_major > major || (has_major == major && has_minor >= minor);
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
  request_errors(fd.get(), family, true);
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

// What the kernel counts of datagrams that this socket had no room for.
std::optional<std::uint32_t> read_lost(int fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> information{};
  socklen_t size = sizeof information;
  if (fd < 0 || ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, information.data(), &size) < 0) return std::nullopt;
  if (size <= SK_MEMINFO_DROPS * sizeof information[0]) return std::nullopt;
  return information[SK_MEMINFO_DROPS];
}

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
  Impl(std::uint16_t wanted_port, std::uint32_t mark, const Offloads& offloads)
      : port(wanted_port), fwmark(mark), join_received(offloads.udp_gro), sender(offloads.udp_gso, errors) {}

  Sockets sockets;
  std::uint16_t port;
  std::uint32_t fwmark;
  bool open = false;

  bool join_received;
  ErrorQueue errors;
  DatagramReceiver receiver{errors};
  DatagramSender sender;
  std::optional<std::string> warning;
  std::array<std::uint32_t, kFamilies> lost_before{};  // as the kernel counts, of the present sockets
  std::uint64_t lost = 0;                              // not yet taken

  std::optional<SystemError> replace(std::uint16_t wanted_port);
  void note_lost(std::size_t family, std::optional<std::uint32_t> count);
  void join_datagrams();
};

UdpSockets::UdpSockets(std::uint16_t port, std::uint32_t fwmark, const Offloads& offloads)
    : impl_(std::make_unique<Impl>(port, fwmark, offloads)) {}
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
  sender.forget_destinations();
  join_datagrams();
  for (const FileDescriptor& socket : sockets) {
    if (socket.valid()) sender.probe(socket.get());
  }
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

// Not on every kernel, and older ones have it wrong.
void UdpSockets::Impl::join_datagrams() {
  if (!join_received) return;
  if (!kernel_is_at_least(5, 12)) {
    join_received = false;
    warning = "UDP receive offload: needs Linux 5.12; not used";
    return;
  }
  for (const FileDescriptor& socket : sockets) {
    if (!socket.valid() || set_option(socket.get(), IPPROTO_UDP, UDP_GRO, int{1})) continue;
    join_received = false;
    warning = fmt::format("UDP receive offload: {}; not used", std::strerror(errno));
  }
}

DatagramReceiver::Batch UdpSockets::receive(Family family) {
  const DatagramReceiver::Batch batch = impl_->receiver.receive(fd(family));
  impl_->note_lost(index_of(family), batch.lost);
  return batch;
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

void UdpSockets::send(std::span<const OutgoingRun> runs, SendOutcome& outcome) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    if (fd(family) >= 0) {
      impl_->sender.send(fd(family), family, runs, outcome);
    } else {
      DatagramSender::refuse(family, runs, is_open() ? EAFNOSUPPORT : ENETDOWN, outcome);
    }
  }
}

void UdpSockets::forget_narrow_paths() {
  impl_->sender.forget_destinations();
}

bool UdpSockets::has_news() const {
  return impl_->warning || impl_->sender.has_warning() || impl_->errors.has_news();
}

std::optional<std::string> UdpSockets::take_warning() {
  std::optional<std::string> warning = std::exchange(impl_->warning, std::nullopt);
  if (!warning) warning = impl_->sender.take_warning();
  return warning ? warning : impl_->errors.take_warning();
}

void UdpSockets::read_errors(Family family) {
  if (fd(family) < 0) return;
  for (int i = 0; i < kErrorReadsPerTurn && impl_->errors.drain(fd(family)); ++i) continue;
}

const std::vector<Unreachable>& UdpSockets::take_errors(Time now) {
  const bool was_wanted = impl_->errors.is_wanted();
  const std::vector<Unreachable>& errors = impl_->errors.take(now);
  if (impl_->errors.is_wanted() != was_wanted) {
    for (const Family family : {Family::ipv4, Family::ipv6}) request_errors(fd(family), family, !was_wanted);
  }
  return errors;
}

}  // namespace starling::wg
