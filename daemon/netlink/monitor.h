// What changes in the kernel without us: routes, rules, addresses and links, as they happen.
#pragma once

#include <memory>

#include "base/result.h"
#include "daemon/netlink/kernel_address.h"
#include "daemon/netlink/kernel_link.h"
#include "daemon/netlink/kernel_route.h"

struct nl_sock;

namespace starling::daemon {

class NetlinkObserver {
 public:
  virtual ~NetlinkObserver() = default;
  // `replaces`: in the place of a route with the same prefix, table and metric, which is not told of.
  virtual void on_route_added(const KernelRoute& route, bool replaces) = 0;
  virtual void on_route_removed(const KernelRoute& route) = 0;
  // The kernel removes the routes of a next hop object without a word.
  virtual void on_next_hop_removed() = 0;
  virtual void on_rules_changed() = 0;
  virtual void on_address_added(const KernelAddress& address) = 0;
  virtual void on_address_removed(const KernelAddress& address) = 0;
  virtual void on_link(const KernelLink& link) = 0;
  virtual void on_link_removed(const KernelLink& link) = 0;
  // Messages were lost (the kernel's queue was full): whatever was known must be read again.
  virtual void on_overrun() = 0;
};

class NetlinkMonitor {
 public:
  static Result<NetlinkMonitor> open();
  ~NetlinkMonitor();
  NetlinkMonitor(NetlinkMonitor&&) noexcept;
  NetlinkMonitor& operator=(NetlinkMonitor&&) noexcept;

  int fd() const;  // polls readable when there is something to read
  // Reads what is there, at most `kReadsMax` messages a call, without waiting.
  void read(NetlinkObserver& observer);

 private:
  explicit NetlinkMonitor(nl_sock* socket);

  struct Free {
    void operator()(nl_sock* socket) const;
  };
  std::unique_ptr<nl_sock, Free> socket_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace starling::daemon
