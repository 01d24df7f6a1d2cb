// The kernel's side of a node: the tunnel's interface, the routes that lead to it, and what others change there. Route
// changes are collected and carried out when the loop has nothing more urgent to do.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "base/result.h"
#include "daemon/config/config.h"
#include "daemon/connected_subnets.h"
#include "daemon/fd_watcher.h"
#include "daemon/kernel_routes.h"
#include "daemon/netlink/monitor.h"
#include "daemon/netlink/socket.h"
#include "daemon/route_events.h"
#include "daemon/routing_host.h"
#include "daemon/transit_guard.h"
#include "daemon/tunnel_interface.h"

namespace starling::daemon {

struct KernelHostHooks {
  std::function<void(std::vector<Prefix>)> on_connected;  // the connected subnets are others now
  std::function<void(std::uint32_t)> on_carrier_lost;     // of an interface, by index
  std::function<PublicKey(routing::NeighborId)> key_of;
  std::function<void(const wg::TransitDescription&)> set_transit;
  std::function<void()> on_transit_changed;  // the fast path went on or off
};

class KernelHost final : private NetlinkObserver {
 public:
  // All must outlive this. Nothing is touched before open().
  KernelHost(boost::asio::io_context& io, const Config& config, std::uint32_t interface_index,
             const IpAddress& link_local, EventLog& log, KernelHostHooks hooks);

  // Sweeps what a crashed run left, sets up the interface and starts to watch. Nothing, or what failed.
  std::optional<Error> open();
  // From now on routes follow the plan. Both must outlive this.
  void follow(const EgressPlan& plan, const Names& names);
  std::vector<Prefix> connected() const { return connected_.subnets(); }

  void touch(TouchedRoutes touched);
  void set_endpoints(std::vector<Endpoint> endpoints);
  // Before the engine carries these prefixes.
  void expect_egress(const wg::EgressDescription& egress) { transit_.expect(egress); }
  const TransitGuard& transit() const { return transit_; }
  // Why a wanted route is not in the kernel, or nothing.
  std::optional<std::string> route_trouble(const Prefix& prefix) const { return routes_->trouble(prefix); }
  // The interface by which the underlay reaches an address.
  std::optional<std::uint32_t> outgoing_interface_to(const IpAddress& address);

  // Our routes and rules out of the kernel; nothing is installed any more.
  void close();

 private:
  void on_route_added(const KernelRoute& route, bool replaces) override;
  void on_route_removed(const KernelRoute& route) override;
  void on_next_hop_removed() override;
  void on_rules_changed() override;
  void on_address_added(const KernelAddress& address) override;
  void on_address_removed(const KernelAddress& address) override;
  void on_link(const KernelLink& link) override;
  void on_link_removed(const KernelLink& link) override;
  void on_overrun() override;

  void read_addresses();
  void tell_connected();
  void schedule();
  void work();
  void put_back();
  void want_touched();
  void want_prefix(const Prefix& prefix);
  void retry_later();

  boost::asio::io_context& io_;
  EventLog& log_;
  KernelHostHooks hooks_;
  std::uint32_t mark_;
  KernelRouteSettings settings_;
  const Config& config_;
  IpAddress link_local_;
  std::optional<NetlinkSocket> socket_;
  std::optional<NetlinkMonitor> monitor_;
  std::optional<FdWatcher> watcher_;
  std::optional<TunnelInterface> interface_;
  std::optional<KernelRoutes> routes_;
  std::optional<RouteEvents> events_;
  ConnectedSubnets connected_;
  TransitGuard transit_;
  std::vector<Prefix> connected_told_;
  struct LinkState {
    bool up = false;
    bool carrier = false;
  };
  std::map<std::uint32_t, LinkState> links_;  // by interface index
  const EgressPlan* plan_ = nullptr;
  TouchedRoutes touched_;
  bool scheduled_ = false;
  bool put_back_due_ = false;  // something of ours vanished
  bool closed_ = false;
  bool gone_ = false;  // the interface was deleted: the engine ends the daemon, and nothing is left to mend
  boost::asio::steady_timer retry_;
};

}  // namespace starling::daemon
