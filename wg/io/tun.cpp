#include "wg/io/tun.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <string_view>

#include "wg/io/datagram_sender.h"
#include "wg/protocol/messages.h"

namespace starling::wg {
namespace {

bool is_interface_name(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  for (const char c : name) {
    // The kernel forbids '/', ':' and space, and takes '%' for a template.
    if (c <= ' ' || c > '~' || c == '/' || c == ':' || c == '%') return false;
  }
  return true;
}

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), name.size());
  return request;
}

Error failed(const std::string& name, std::string_view what, int error, std::string_view remedy = {}) {
  return Error{
      fmt::format("interface {}: {}: {}{}{}", name, what, std::strerror(error), remedy.empty() ? "" : "; ", remedy)};
}

std::string_view remedy_for_open(int error) {
  if (error == ENOENT || error == ENODEV || error == ENXIO) return "load the kernel module tun (modprobe tun)";
  if (error == EACCES || error == EPERM) return "run as root or with CAP_NET_ADMIN";
  return {};
}

std::string_view remedy_for_create(int error) {
  if (error == EBUSY) return "an interface of this name exists already: choose another, or remove it (ip link del)";
  if (error == EPERM) return "run as root or with CAP_NET_ADMIN";
  return {};
}

// IFLA_AF_SPEC { AF_INET6 { IFLA_INET6_ADDR_GEN_MODE = none } }: no link-local address of the kernel's own. Must come
// before the interface goes up. A host without IPv6 refuses, and needs none.
struct AddressModeRequest {
  nlmsghdr header;
  ifinfomsg info;
  rtattr af_spec;
  rtattr inet6;
  rtattr mode_attribute;
  std::uint8_t mode;
  std::uint8_t padding[3];
};

// IFLA_GSO_MAX_SEGS
struct SegmentsRequest {
  nlmsghdr header;
  ifinfomsg info;
  rtattr segments_attribute;
  std::uint32_t segments;
};

// Of what the kernel refuses nothing depends on.
template <typename Request>
void set_link(std::uint32_t index, Request& request) {
  const FileDescriptor netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!netlink.valid()) return;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_SETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.info.ifi_family = AF_UNSPEC;
  request.info.ifi_index = static_cast<int>(index);
  if (::send(netlink.get(), &request, sizeof request, 0) < 0) return;
  char answer[512];
  (void)::recv(netlink.get(), answer, sizeof answer, 0);  // in effect once acknowledged
}

void disable_address_generation(std::uint32_t index) {
  AddressModeRequest request{};
  request.af_spec = {sizeof request - offsetof(AddressModeRequest, af_spec), IFLA_AF_SPEC | NLA_F_NESTED};
  request.inet6 = {sizeof request - offsetof(AddressModeRequest, inet6), AF_INET6 | NLA_F_NESTED};
  request.mode_attribute = {RTA_LENGTH(sizeof request.mode), IFLA_INET6_ADDR_GEN_MODE};
  request.mode = IN6_ADDR_GEN_MODE_NONE;
  set_link(index, request);
}

// As many segments in one packet as fit in one outer datagram that the kernel cuts (datagram_sender.h): one more, and a
// second one is sent for the rest of each.
void limit_segments(std::uint32_t index, int mtu) {
  const std::size_t message = padded_size(static_cast<std::size_t>(mtu), static_cast<std::size_t>(mtu)) + kDataOverhead;
  SegmentsRequest request{};
  request.segments_attribute = {RTA_LENGTH(sizeof request.segments), IFLA_GSO_MAX_SEGS};
  request.segments = static_cast<std::uint32_t>(std::max<std::size_t>(1, kMessageSizeMax_v4 / message));
  set_link(index, request);
}

// MTU and flags go through any socket's ioctl.
Result<bool> configure(const std::string& name, int mtu, bool up) {
  const FileDescriptor control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const FileDescriptor control6(control.valid() ? -1 : ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int fd = control.valid() ? control.get() : control6.get();
  ifreq request = request_for(name);
  request.ifr_mtu = mtu;
  if (::ioctl(fd, SIOCSIFMTU, &request) < 0) return failed(name, fmt::format("cannot set MTU {}", mtu), errno);
  request = request_for(name);
  if (::ioctl(fd, SIOCGIFFLAGS, &request) < 0) return failed(name, "cannot read its flags", errno);
  // No multicast, as on the kernel's WireGuard interfaces: a tunnel of peers has no group to send to.
  request.ifr_flags = static_cast<short>((request.ifr_flags | (up ? IFF_UP : 0)) & ~IFF_MULTICAST);
  if (::ioctl(fd, SIOCSIFFLAGS, &request) < 0) return failed(name, "cannot bring it up", errno);
  return true;
}

// TUN_F_USO4 and TUN_F_USO6 of Linux 6.2, which Debian 12's headers do not know.
constexpr unsigned kUdpSegmentation = 0x20 | 0x40;

unsigned requested_offloads(const Offloads& offloads) {
  unsigned flags = 0;
  if (offloads.tun_tso) flags |= TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  if (offloads.tun_uso) flags |= TUN_F_CSUM | kUdpSegmentation;
  return flags;
}

bool set_header_size(int fd) {
  int size = static_cast<int>(kVirtioHeaderSize);
  return ::ioctl(fd, TUNSETVNETHDRSZ, &size) == 0;
}

TunStatus status_of(int error) {
  if (error == EAGAIN || error == EINTR) return TunStatus::would_block;
  if (error == EBADFD || error == EBADF || error == ENODEV) return TunStatus::gone;
  return TunStatus::refused;
}

}  // namespace

Result<Tun> Tun::create(const std::string& name, int mtu, bool up, const Offloads& offloads) {
  if (!is_interface_name(name)) {
    return Error{
        fmt::format("interface name '{}': must be 1 to 15 printable characters without '/', ':' and '%'", name)};
  }
  FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return failed(name, "cannot open /dev/net/tun", errno, remedy_for_open(errno));
  ifreq request = request_for(name);
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_TUN_EXCL);
  if (::ioctl(fd.get(), TUNSETIFF, &request) < 0) {
    return failed(name, "cannot create it", errno, remedy_for_create(errno));
  }
  const std::uint32_t index = ::if_nametoindex(name.c_str());
  if (index == 0) return failed(name, "it vanished while being created", errno);
  if (!set_header_size(fd.get())) return failed(name, "cannot set the size of its virtio header", errno);
  Tun tun(std::move(fd), name, index, true);
  tun.set_offloads(offloads);
  tun.fit_segments(mtu);
  disable_address_generation(index);
  if (const Result<bool> done = configure(name, mtu, up); !done) return done.error();
  return tun;
}

Result<Tun> Tun::adopt(FileDescriptor fd, int mtu, bool up, const Offloads& offloads) {
  ifreq request{};
  if (::ioctl(fd.get(), TUNGETIFF, &request) < 0) {
    return Error{fmt::format("descriptor {}: no TUN: {}", fd.get(), std::strerror(errno))};
  }
  const std::string name = request.ifr_name;
  constexpr int kForm = IFF_TUN | IFF_TAP | IFF_NO_PI;
  if ((request.ifr_flags & kForm) != (IFF_TUN | IFF_NO_PI)) {
    return Error{fmt::format("interface {}: must be made with IFF_TUN | IFF_NO_PI", name)};
  }
  const bool virtio = (request.ifr_flags & IFF_VNET_HDR) != 0;
  if (virtio && !set_header_size(fd.get())) return failed(name, "cannot set the size of its virtio header", errno);
  if (::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK) < 0) {
    return failed(name, "cannot be made non-blocking", errno);
  }
  (void)::fcntl(fd.get(), F_SETFD, FD_CLOEXEC);
  const std::uint32_t index = ::if_nametoindex(name.c_str());
  if (index == 0) return failed(name, "is not in this network namespace", errno);
  Tun tun(std::move(fd), name, index, virtio);
  if (virtio) {
    tun.set_offloads(offloads);
    tun.fit_segments(mtu);
  } else if (offloads.tun_tso || offloads.tun_gro || offloads.tun_uso || offloads.tun_ugro) {
    tun.warning_ = fmt::format("segmentation offload of the interface {}: made without IFF_VNET_HDR; not used", name);
  }
  disable_address_generation(index);
  if (const Result<bool> done = configure(name, mtu, up); !done) return done.error();
  return tun;
}

// The kernel cuts and sums itself what it is not asked to leave to us. Whether it takes UDP datagrams as one is asked
// by offering to take them so.
void Tun::set_offloads(const Offloads& offloads) {
  const bool has_udp =
      ::ioctl(fd_.get(), TUNSETOFFLOAD, static_cast<unsigned long>(TUN_F_CSUM | kUdpSegmentation)) == 0;
  Offloads wanted = offloads;
  wanted.tun_uso = offloads.tun_uso && has_udp;
  if (::ioctl(fd_.get(), TUNSETOFFLOAD, static_cast<unsigned long>(requested_offloads(wanted))) < 0) {
    warning_ = fmt::format("segmentation offload of the interface {}: {}; not used", name_, std::strerror(errno));
    (void)::ioctl(fd_.get(), TUNSETOFFLOAD, 0UL);
  } else if ((offloads.tun_uso || offloads.tun_ugro) && !has_udp) {
    warning_ = fmt::format("UDP segmentation offload of the interface {}, both ways: needs Linux 6.2; not used", name_);
  }
  fits_segments_ = offloads.tun_tso && offloads.udp_gso;
  joins_tcp_ = offloads.tun_gro;
  joins_udp_ = offloads.tun_ugro && has_udp;
}

void Tun::fit_segments(int mtu) const {
  if (fits_segments_) limit_segments(index_, mtu);
}

std::optional<std::string> Tun::current_name() const {
  ifreq request{};
  if (::ioctl(fd_.get(), TUNGETIFF, &request) < 0) return std::nullopt;
  return std::string(request.ifr_name, ::strnlen(request.ifr_name, sizeof request.ifr_name));
}

TunStatus Tun::read(MutableBytes into, VirtioHeader& header, std::size_t& size) {
  header = {};
  std::array<std::uint8_t, kVirtioHeaderSize> bytes;
  const std::size_t header_size = virtio_ ? bytes.size() : 0;
  const iovec parts[] = {{bytes.data(), header_size}, {into.data(), into.size()}};
  const ssize_t got = ::readv(fd_.get(), parts, std::size(parts));
  if (got < 0) return status_of(errno);
  const auto total = static_cast<std::size_t>(got);
  if (virtio_) {
    const std::optional<VirtioHeader> parsed = parse_virtio_header(Bytes(bytes).first(std::min(total, bytes.size())));
    if (!parsed) return TunStatus::unreadable;
    header = *parsed;
  }
  size = total - header_size;
  return TunStatus::ok;
}

TunStatus Tun::write(const VirtioHeader& header, std::span<const Bytes> pieces) {
  std::array<std::uint8_t, kVirtioHeaderSize> bytes;
  std::array<iovec, 1 + kPiecesMax> parts;
  std::size_t count = 0;
  if (virtio_) {
    write_virtio_header(header, bytes);
    parts[count++] = {bytes.data(), bytes.size()};
  }
  for (const Bytes piece : pieces) parts[count++] = {const_cast<std::uint8_t*>(piece.data()), piece.size()};
  return ::writev(fd_.get(), parts.data(), static_cast<int>(count)) < 0 ? status_of(errno) : TunStatus::ok;
}

}  // namespace starling::wg
