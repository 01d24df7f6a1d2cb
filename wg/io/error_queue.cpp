#include "wg/io/error_queue.h"

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "wg/io/socket_address.h"

namespace starling::wg {
namespace {

// An error with the address of who sent it (ip(7)) beside the address, traffic class and interface of a received
// datagram, in either family.
constexpr std::size_t kAncillarySize = 256;  // bytes
constexpr unsigned kTriesMax = 16;           // of one call

using Meaning = UnreachableMeaning;

Meaning meaning_v4(std::uint8_t type, std::uint8_t code) {
  if (type == ICMP_TIME_EXCEEDED) return code == ICMP_EXC_FRAGTIME ? Meaning::fragments_lost : Meaning::loop;
  if (type != ICMP_DEST_UNREACH) return Meaning::other;
  switch (code) {
    case ICMP_NET_UNREACH:
    case ICMP_NET_UNKNOWN:
    case ICMP_NET_UNR_TOS: return Meaning::network;
    case ICMP_HOST_UNREACH:
    case ICMP_HOST_UNKNOWN:
    case ICMP_HOST_ISOLATED:
    case ICMP_HOST_UNR_TOS: return Meaning::host;
    case ICMP_PROT_UNREACH: return Meaning::protocol;
    case ICMP_PORT_UNREACH: return Meaning::port;
    case ICMP_FRAG_NEEDED: return Meaning::too_big;
    case ICMP_NET_ANO:
    case ICMP_HOST_ANO:
    case ICMP_PKT_FILTERED:
    case ICMP_PREC_VIOLATION:
    case ICMP_PREC_CUTOFF: return Meaning::prohibited;
    default: return Meaning::other;
  }
}

Meaning meaning_v6(std::uint8_t type, std::uint8_t code) {
  if (type == ICMPV6_PKT_TOOBIG) return Meaning::too_big;
  if (type == ICMPV6_TIME_EXCEED) return code == ICMPV6_EXC_FRAGTIME ? Meaning::fragments_lost : Meaning::loop;
  if (type != ICMPV6_DEST_UNREACH) return Meaning::other;
  switch (code) {
    case ICMPV6_NOROUTE:
    case ICMPV6_NOT_NEIGHBOUR: return Meaning::network;  // beyond the scope of the source address
    case ICMPV6_ADDR_UNREACH: return Meaning::host;
    case ICMPV6_PORT_UNREACH: return Meaning::port;
    case ICMPV6_ADM_PROHIBITED:
    case ICMPV6_POLICY_FAIL:
    case ICMPV6_REJECT_ROUTE: return Meaning::prohibited;
    default: return Meaning::other;
  }
}

// Behind the error stands the address of who sent it, where it is known.
std::optional<IpAddress> read_offender(const cmsghdr* item) {
  const std::size_t offset = CMSG_LEN(sizeof(sock_extended_err));
  if (item->cmsg_len < offset) return std::nullopt;
  sockaddr_storage address{};
  std::memcpy(&address, CMSG_DATA(item) + sizeof(sock_extended_err),
              std::min<std::size_t>(item->cmsg_len - offset, sizeof address));
  if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return std::nullopt;
  return from_socket_address(address).address;
}

std::optional<Unreachable> read_item(const cmsghdr* item) {
  if (item->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) return std::nullopt;
  sock_extended_err error{};
  std::memcpy(&error, CMSG_DATA(item), sizeof error);
  if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6) return std::nullopt;
  const bool v4 = error.ee_origin == SO_EE_ORIGIN_ICMP;
  Unreachable what;
  what.meaning = v4 ? meaning_v4(error.ee_type, error.ee_code) : meaning_v6(error.ee_type, error.ee_code);
  what.from = read_offender(item);
  if (what.meaning == Meaning::too_big) what.mtu = error.ee_info;
  return what;
}

bool is_error(const cmsghdr* item) {
  return (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_RECVERR) ||
         (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_RECVERR);
}

// What the kernel makes of ICMP (icmp_err_convert, icmpv6_err_convert). Some are also its own refusals.
bool icmp_may_say(int error) {
  switch (error) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EPROTO:
    case EACCES:
    case EMSGSIZE: return true;
    default: return false;
  }
}

}  // namespace

std::optional<Unreachable> read_unreachable(msghdr& header) {
  if (header.msg_name == nullptr || header.msg_namelen < sizeof(sockaddr_in)) return std::nullopt;
  sockaddr_storage address{};
  std::memcpy(&address, header.msg_name, std::min<std::size_t>(header.msg_namelen, sizeof address));
  for (cmsghdr* item = CMSG_FIRSTHDR(&header); item != nullptr; item = CMSG_NXTHDR(&header, item)) {
    if (!is_error(item)) continue;
    std::optional<Unreachable> what = read_item(item);
    if (what) what->endpoint = from_socket_address(address);
    return what;
  }
  return std::nullopt;
}

void request_errors(int fd, Family family, bool wanted) {
  const int on = wanted ? 1 : 0;
  const bool v4 = family == Family::ipv4;
  (void)::setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_RECVERR : IPV6_RECVERR, &on, sizeof on);
}

struct ErrorQueue::Arrays {
  struct alignas(cmsghdr) Buffer {
    std::array<std::uint8_t, kAncillarySize> bytes;
  };
  std::array<mmsghdr, kAtOnce> headers{};
  std::array<sockaddr_storage, kAtOnce> addresses{};
  std::array<Buffer, kAtOnce> ancillary{};

  void prepare();
};

// Of the datagram itself nothing is wanted.
void ErrorQueue::Arrays::prepare() {
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    msghdr& header = headers[i].msg_hdr;
    header = {};
    header.msg_name = &addresses[i];
    header.msg_namelen = sizeof addresses[i];
    header.msg_control = ancillary[i].bytes.data();
    header.msg_controllen = ancillary[i].bytes.size();
  }
}

ErrorQueue::ErrorQueue() : arrays_(std::make_unique<Arrays>()) {}
ErrorQueue::~ErrorQueue() = default;

bool ErrorQueue::drain(int fd) {
  arrays_->prepare();
  const int got = ::recvmmsg(fd, arrays_->headers.data(), kAtOnce, MSG_ERRQUEUE | MSG_DONTWAIT, nullptr);
  if (got <= 0) {
    // The error is set after its message was queued, and stays where that was read in between.
    int pending = 0;
    socklen_t size = sizeof pending;
    (void)::getsockopt(fd, SOL_SOCKET, SO_ERROR, &pending, &size);
    return false;
  }
  read_ += static_cast<std::uint32_t>(got);
  for (std::size_t i = 0; i < static_cast<std::size_t>(got) && found_.size() < kFoundMax; ++i) {
    if (const std::optional<Unreachable> what = read_unreachable(arrays_->headers[i].msg_hdr)) found_.push_back(*what);
  }
  return true;
}

// Each try that finds errors waiting may have failed by one of them. Without any, one came and went, or none did.
bool ErrorQueue::is_anothers(int fd, int error, unsigned& tries) {
  if (!icmp_may_say(error) || tries >= kTriesMax) return false;
  return drain(fd) | (tries++ == 0);
}

const std::vector<Unreachable>& ErrorQueue::take(Time now) {
  taken_.clear();
  taken_.swap(found_);
  if (!is_wanted_ && deaf_until_ <= now) is_wanted_ = true;
  for (std::uint32_t left = std::exchange(read_, 0); left > 0 && is_wanted_; --left) {
    if (bucket_.take(now)) continue;
    is_wanted_ = false;
    deaf_until_ = now + kDeafFor;
    if (!std::exchange(told_, true)) {
      warning_ =
          "more ICMP errors about our datagrams come than any honest network sends: someone forges them, or a loop "
          "multiplies them; they are left alone for a second each time";
    }
  }
  return taken_;
}

}  // namespace starling::wg
