// The state of the TUN's interface, followed as it changes: up or down, MTU, name, and into which network namespace it
// was moved (the TUN's descriptor works on there). Source: rtnetlink(7); Linux drivers/net/tun.c, TUNGETDEVNETNS.
// Invariant: state() is what the kernel said last. Whether the interface still exists is the TUN's own descriptor to
// tell: a link that left this namespace looks just like one that was deleted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "wg/io/netlink.h"
#include "wg/io/tun.h"

namespace starling::wg {

struct LinkState {
  std::string name;
  std::uint32_t index = 0;  // in the namespace where it is
  bool up = false;
  int mtu = 0;                    // bytes of an inner packet
  std::uint64_t queue_drops = 0;  // packets that its own queue had no room for, ever
  bool is_here = true;            // in the engine's network namespace, not another
};

class LinkWatch {
 public:
  // Where the kernel tells nothing (no netlink, no right to look into another namespace) the link keeps this MTU and is
  // taken to be up.
  LinkWatch(const Tun& tun, int mtu);

  // Readable when something changed; another one after read(), possibly. −1: nothing can be watched.
  int fd() const { return netlink_ ? netlink_->fd() : -1; }
  // Takes in what changed; never waits.
  void read();
  // Asks for the newest counters, too.
  void refresh();
  const LinkState& state() const { return state_; }

 private:
  bool take_all();
  void take(const nlmsghdr& message, bool is_answer);
  void follow_into_namespace();
  void ask();

  const Tun& tun_;
  std::optional<Netlink> netlink_;
  LinkState state_;
  bool left_ = false;
};

}  // namespace starling::wg
