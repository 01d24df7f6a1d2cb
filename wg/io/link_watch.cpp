#include "wg/io/link_watch.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <thread>
#include <utility>

namespace starling::wg {
namespace {

bool same_file(int a, int b) {
  struct stat of_a {
  }, of_b{};
  return ::fstat(a, &of_a) == 0 && ::fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

// A socket belongs to the namespace in which it was made, and a thread that ends needs no way back.
std::optional<Netlink> open_in(int network_namespace) {
  std::optional<Netlink> opened;
  std::thread([&] {
    if (::setns(network_namespace, CLONE_NEWNET) == 0) opened = Netlink::open(RTMGRP_LINK);
  }).join();
  return opened;
}

}  // namespace

LinkWatch::LinkWatch(const Tun& tun, int mtu) : tun_(tun) {
  state_.name = tun.name();
  state_.index = tun.index();
  state_.up = true;
  state_.mtu = mtu;
  follow_into_namespace();
}

void LinkWatch::follow_into_namespace() {
  const FileDescriptor its(::ioctl(tun_.fd(), TUNGETDEVNETNS, 0));
  const FileDescriptor ours(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  // Linux before 5.8 does not tell: there it is here, or cannot be seen.
  state_.is_here = its.valid() && ours.valid() ? same_file(its.get(), ours.get()) : !left_;
  netlink_.reset();
  if (state_.is_here) netlink_ = Netlink::open(RTMGRP_LINK);
  if (!state_.is_here && its.valid()) netlink_ = open_in(its.get());
  if (!netlink_ || !tun_.current_name()) {
    netlink_.reset();
    state_.up = true;
    return;
  }
  state_.index = 0;  // it may have another one there
  ask();
  read();
}

void LinkWatch::ask() {
  netlink_->ask_for_link(state_.index, tun_.current_name().value_or(state_.name));
}

void LinkWatch::refresh() {
  if (!netlink_) return;
  ask();
  read();
}

void LinkWatch::read() {
  if (!netlink_) return;
  left_ = false;
  const bool complete = take_all();
  // Deleted, or moved: then its descriptor still knows its name.
  if (left_ && tun_.current_name()) return follow_into_namespace();
  if (complete) return;
  ask();
  (void)take_all();
}

bool LinkWatch::take_all() {
  return netlink_->read([this](const nlmsghdr& message, bool is_answer) { take(message, is_answer); });
}

void LinkWatch::take(const nlmsghdr& message, bool is_answer) {
  if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) return;
  const auto* const info = fixed_part<ifinfomsg>(message);
  if (info == nullptr) return;
  const auto index = static_cast<std::uint32_t>(info->ifi_index);
  if (index != state_.index && !is_answer) return;
  // Bridges tell of their ports with a family of their own; that is not the link's end.
  if (info->ifi_family != AF_UNSPEC) return;
  if (message.nlmsg_type == RTM_DELLINK) {
    left_ = true;
    state_.up = false;
    return;
  }
  state_.index = index;
  state_.up = (info->ifi_flags & IFF_UP) != 0;
  for_each_attribute(message, sizeof(ifinfomsg), [this](std::uint16_t type, Bytes payload) {
    if (type == IFLA_MTU) state_.mtu = static_cast<int>(attribute_value<std::uint32_t>(payload));
    if (type == IFLA_STATS64) state_.queue_drops = attribute_value<rtnl_link_stats64>(payload).tx_dropped;
    if (type == IFLA_IFNAME && !payload.empty()) {
      state_.name.assign(reinterpret_cast<const char*>(payload.data()), payload.size() - 1);
    }
  });
}

}  // namespace starling::wg
