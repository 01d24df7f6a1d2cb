// For LD_PRELOAD, in tests only: makes chosen system calls of starling-wg fail as kernels and devices without an
// offload do, and counts what the offloads carry.
//
// OFFLOAD_FAULTS: faults with spaces between them, each NAME=VALUE and then ,MODIFIER=VALUE…:
//   gso_send=ERROR       sending with UDP_SEGMENT fails: EIO, EMSGSIZE, EINVAL. Only so many times (count=N), to this
//                        address (to=ADDRESS), over this family (family=4 or 6), if the segments are larger
//                        (over=BYTES)
//   tun_write=ERROR      a write of a packet that is still to be cut to a TUN fails; kind=tcp or udp: of these alone
//   setsockopt=NAME      UDP_GRO or UDP_SEGMENT is an option that nobody knows (ENOPROTOOPT)
//   tun_offload=all|uso  TUNSETOFFLOAD fails with EINVAL: but for 0, or where it asks for USO
//   release=TEXT         what uname says, "5.11.0"
// Always: garbage behind the value of a control message is EINVAL, as of a kernel that takes it for the next one.
// OFFLOAD_COUNTS: a folder; each thing that happens appends a byte to a file there: gso_sent.ADDRESS,
// gso_failed.ADDRESS (by the kernel), gso_refused.ADDRESS (by us), gro_received, tun_read.tcp, tun_read.udp,
// tun_written.tcp, tun_written.udp, tun_refused.tcp, tun_refused.udp (all of packets that are several in one),
// option_refused, offload_refused, padding_refused.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>
#include <sstream>
#include <string>

namespace {

#ifndef UDP_SEGMENT
constexpr int UDP_SEGMENT = 103;
#endif
#ifndef UDP_GRO
constexpr int UDP_GRO = 104;
#endif

// Of a virtio header (linux/virtio_net.h is no C++).
constexpr std::size_t kVirtioHeaderSize = 10;  // bytes
constexpr std::size_t kGsoTypeOffset = 1;      // bytes
constexpr std::uint8_t kGsoNone = 0;
constexpr std::uint8_t kGsoUdp = 5;               // VIRTIO_NET_HDR_GSO_UDP_L4
constexpr std::uint8_t kGsoEcn = 0x80;            // a flag beside the type
constexpr unsigned long kUdpSegmentation = 0x60;  // TUN_F_USO4 | TUN_F_USO6, which Debian 12's headers do not know
constexpr std::size_t kDescriptorsMax = 4096;

using Fault = std::map<std::string, std::string>;  // VALUE under "", modifiers under their names

std::map<std::string, Fault> parse_faults(const char* text) {
  std::map<std::string, Fault> faults;
  std::istringstream words(text == nullptr ? "" : text);
  for (std::string word; words >> word;) {
    std::istringstream parts(word);
    std::string part, name;
    while (std::getline(parts, part, ',')) {
      const std::size_t equals = part.find('=');
      if (equals == std::string::npos) std::abort();  // a test that does not say what it means
      if (name.empty()) {
        name = part.substr(0, equals);
        faults[name][""] = part.substr(equals + 1);
      } else {
        faults[name][part.substr(0, equals)] = part.substr(equals + 1);
      }
    }
  }
  return faults;
}

int error_of(const std::string& name) {
  if (name == "EIO") return EIO;
  if (name == "EMSGSIZE") return EMSGSIZE;
  if (name == "EINVAL") return EINVAL;
  std::abort();
}

// Nothing if there is no such fault.
const Fault* fault(const char* name) {
  static const std::map<std::string, Fault> faults = parse_faults(std::getenv("OFFLOAD_FAULTS"));
  const auto found = faults.find(name);
  return found == faults.end() ? nullptr : &found->second;
}

std::string modifier(const Fault& of, const char* name) {
  const auto found = of.find(name);
  return found == of.end() ? std::string() : found->second;
}

void count(const std::string& what) {
  static const char* const folder = std::getenv("OFFLOAD_COUNTS");
  if (folder == nullptr) return;
  const int before = errno;
  const int fd = ::open((std::string(folder) + "/" + what).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd >= 0) {
    using Write = ssize_t (*)(int, const void*, std::size_t);
    static const Write real = reinterpret_cast<Write>(::dlsym(RTLD_NEXT, "write"));
    if (real(fd, "x", 1) != 1) std::abort();
    ::close(fd);
  }
  errno = before;
}

template <typename Function>
Function real_function(const char* name) {
  const auto found = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
  if (found == nullptr) std::abort();
  return found;
}

int fail_with(int error) {
  errno = error;
  return -1;
}

// -- the outer sockets

std::string address_of(const msghdr& message) {
  char text[INET6_ADDRSTRLEN] = "unknown";
  const auto* const address = static_cast<const sockaddr*>(message.msg_name);
  if (address == nullptr) return text;
  if (address->sa_family == AF_INET)
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  if (address->sa_family == AF_INET6)
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  return text;
}

// What a control message of UDP holds; nothing without it.
std::optional<int> ancillary(const msghdr& message, int type) {
  for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(c))) {
    if (c->cmsg_level != IPPROTO_UDP || c->cmsg_type != type) continue;
    if (c->cmsg_len >= CMSG_LEN(sizeof(int))) {
      int value;
      std::memcpy(&value, CMSG_DATA(c), sizeof value);
      return value;
    }
    std::uint16_t value;
    std::memcpy(&value, CMSG_DATA(c), sizeof value);
    return value;
  }
  return std::nullopt;
}

// Whether everything between and behind the values of control messages is zero.
bool padding_is_zero(const msghdr& message) {
  const auto* const begin = static_cast<const std::uint8_t*>(message.msg_control);
  for (const cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr;
       c = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(c))) {
    const auto start = static_cast<std::size_t>(reinterpret_cast<const std::uint8_t*>(c) - begin);
    const std::size_t end = std::min(start + CMSG_ALIGN(c->cmsg_len), std::size_t{message.msg_controllen});
    for (std::size_t at = start + c->cmsg_len; at < end; at++) {
      if (begin[at] != 0) return false;
    }
  }
  return true;
}

std::atomic<int> gso_refused{0};

// The errno with which this message would be refused; 0: it goes on.
int refusal_of(const msghdr& message) {
  if (!padding_is_zero(message)) return EINVAL;
  const std::optional<int> segment = ancillary(message, UDP_SEGMENT);
  const Fault* const f = fault("gso_send");
  if (!segment || f == nullptr) return 0;
  const std::string to = modifier(*f, "to"), family = modifier(*f, "family"), over = modifier(*f, "over"),
                    times = modifier(*f, "count");
  const std::string address = address_of(message);
  if (!to.empty() && to != address) return 0;
  if (!family.empty() && (address.find(':') == std::string::npos) != (family == "4")) return 0;
  if (!over.empty() && *segment <= std::stoi(over)) return 0;
  if (!times.empty() && gso_refused >= std::stoi(times)) return 0;
  return error_of(f->at(""));
}

int refuse(const msghdr& message, int error) {
  if (!padding_is_zero(message)) {
    count("padding_refused");
    return fail_with(error);
  }
  gso_refused++;
  count("gso_refused." + address_of(message));
  return fail_with(error);
}

// What the kernel made of it.
void count_sent(const msghdr& message, bool sent) {
  if (!ancillary(message, UDP_SEGMENT) || (!sent && errno == EAGAIN)) return;
  count((sent ? "gso_sent." : "gso_failed.") + address_of(message));
}

// -- the TUN

std::array<std::atomic<bool>, kDescriptorsMax> is_tun_descriptor;

bool is_tun(int fd) {
  return fd >= 0 && static_cast<std::size_t>(fd) < kDescriptorsMax && is_tun_descriptor[static_cast<std::size_t>(fd)];
}

// Into what a packet is still to be cut, "tcp" or "udp", by the virtio header before it; empty: it is one.
std::string segmentation_of(const iovec* parts, int n) {
  if (n == 0 || parts[0].iov_len < kVirtioHeaderSize) return {};
  const std::uint8_t kind = static_cast<const std::uint8_t*>(parts[0].iov_base)[kGsoTypeOffset] & ~kGsoEcn;
  if (kind == kGsoNone) return {};
  return kind == kGsoUdp ? "udp" : "tcp";
}

// True with errno set: refused.
bool refuses_write(const std::string& kind) {
  const Fault* const f = fault("tun_write");
  if (f == nullptr || kind.empty()) return false;
  if (const std::string only = modifier(*f, "kind"); !only.empty() && only != kind) return false;
  count("tun_refused." + kind);
  errno = error_of(f->at(""));
  return true;
}

bool refuses_option(int level, int name) {
  const Fault* const f = fault("setsockopt");
  if (f == nullptr || level != IPPROTO_UDP) return false;
  if (name != (f->at("") == "UDP_GRO" ? UDP_GRO : UDP_SEGMENT)) return false;
  count("option_refused");
  return true;
}

bool refuses_offload(unsigned long wanted) {
  const Fault* const f = fault("tun_offload");
  if (f == nullptr || wanted == 0) return false;
  if (f->at("") == "uso" && (wanted & kUdpSegmentation) == 0) return false;
  count("offload_refused");
  return true;
}

}  // namespace

extern "C" {

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto real = real_function<decltype(&sendmsg)>("sendmsg");
  if (const int error = refusal_of(*message); error != 0) return refuse(*message, error);
  const ssize_t sent = real(fd, message, flags);
  count_sent(*message, sent >= 0);
  return sent;
}

// As the kernel has it: what comes before the first that fails is sent, and the next call fails.
int sendmmsg(int fd, mmsghdr* messages, unsigned n, int flags) {
  static const auto real = real_function<decltype(&sendmmsg)>("sendmmsg");
  unsigned good = 0;
  int error = 0;
  while (good < n && (error = refusal_of(messages[good].msg_hdr)) == 0) good++;
  if (good == 0 && error != 0) return refuse(messages[0].msg_hdr, error);
  const int sent = real(fd, messages, good, flags);
  if (sent < 0) count_sent(messages[0].msg_hdr, false);
  for (int i = 0; i < sent; i++) count_sent(messages[i].msg_hdr, true);
  return sent;
}

int recvmmsg(int fd, mmsghdr* messages, unsigned n, int flags, timespec* timeout) {
  static const auto real = real_function<decltype(&recvmmsg)>("recvmmsg");
  const int got = real(fd, messages, n, flags, timeout);
  for (int i = 0; i < got; i++) {
    const std::optional<int> segment = ancillary(messages[i].msg_hdr, UDP_GRO);
    if (segment && static_cast<unsigned>(*segment) < messages[i].msg_len) count("gro_received");
  }
  return got;
}

ssize_t writev(int fd, const iovec* parts, int n) {
  static const auto real = real_function<decltype(&writev)>("writev");
  const std::string kind = is_tun(fd) ? segmentation_of(parts, n) : std::string();
  if (refuses_write(kind)) return -1;
  const ssize_t written = real(fd, parts, n);
  if (written >= 0 && !kind.empty()) count("tun_written." + kind);
  return written;
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  static const auto real = real_function<decltype(&write)>("write");
  const iovec part{const_cast<void*>(bytes), size};
  const std::string kind = is_tun(fd) ? segmentation_of(&part, 1) : std::string();
  if (refuses_write(kind)) return -1;
  const ssize_t written = real(fd, bytes, size);
  if (written >= 0 && !kind.empty()) count("tun_written." + kind);
  return written;
}

ssize_t readv(int fd, const iovec* parts, int n) {
  static const auto real = real_function<decltype(&readv)>("readv");
  const ssize_t got = real(fd, parts, n);
  if (got <= 0 || !is_tun(fd)) return got;
  if (const std::string kind = segmentation_of(parts, n); !kind.empty()) count("tun_read." + kind);
  return got;
}

ssize_t read(int fd, void* bytes, std::size_t size) {
  static const auto real = real_function<decltype(&read)>("read");
  const ssize_t got = real(fd, bytes, size);
  if (got <= 0 || !is_tun(fd)) return got;
  const iovec part{bytes, static_cast<std::size_t>(got)};
  if (const std::string kind = segmentation_of(&part, 1); !kind.empty()) count("tun_read." + kind);
  return got;
}

int setsockopt(int fd, int level, int name, const void* value, socklen_t size) noexcept {
  static const auto real = real_function<decltype(&setsockopt)>("setsockopt");
  return refuses_option(level, name) ? fail_with(ENOPROTOOPT) : real(fd, level, name, value, size);
}

int getsockopt(int fd, int level, int name, void* value, socklen_t* size) noexcept {
  static const auto real = real_function<decltype(&getsockopt)>("getsockopt");
  return refuses_option(level, name) ? fail_with(ENOPROTOOPT) : real(fd, level, name, value, size);
}

int ioctl(int fd, unsigned long request, ...) noexcept {
  static const auto real = real_function<decltype(&ioctl)>("ioctl");
  std::va_list arguments;
  va_start(arguments, request);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (request == TUNSETOFFLOAD && refuses_offload(reinterpret_cast<unsigned long>(argument))) return fail_with(EINVAL);
  const int result = real(fd, request, argument);
  if (request == TUNSETIFF && result == 0 && static_cast<std::size_t>(fd) < kDescriptorsMax)
    is_tun_descriptor[static_cast<std::size_t>(fd)] = true;
  return result;
}

int uname(utsname* name) noexcept {
  static const auto real = real_function<decltype(&uname)>("uname");
  const int result = real(name);
  if (const Fault* const f = fault("release"); f != nullptr && result == 0) {
    std::memset(name->release, 0, sizeof name->release);
    std::strncpy(name->release, f->at("").c_str(), sizeof name->release - 1);
  }
  return result;
}

}  // extern "C"
