// Runs the Router in the daemon: gives it time and packets, and carries out what it says in the order that matters:
// first the engine's tables (a reroute is one swap of groups), then the packets that tell the others, then the events,
// and the kernel's routes last and later (through on_touched).
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/system.h"
#include "base/timer_fd.h"
#include "daemon/control/event_json.h"
#include "daemon/control/names.h"
#include "daemon/egress_plan.h"
#include "daemon/fd_watcher.h"
#include "daemon/ingress_plan.h"
#include "routing/router.h"
#include "wg/io/backend.h"

namespace starling::daemon {

// What the kernel's routes must follow.
struct TouchedRoutes {
  std::set<Prefix> prefixes;
  std::set<std::uint32_t> groups;
  routing::Cause cause;

  bool empty() const { return prefixes.empty() && groups.empty(); }
};

struct RoutingHostHooks {
  std::function<void(TouchedRoutes)> on_touched;
  // Before the engine carries these prefixes.
  std::function<void(const wg::EgressDescription&)> before_egress;
  std::function<void(routing::NeighborId, routing::NeighborState, Now)> on_neighbor_state;
  // Hands in what the engine has told so far, at no cost; called before anything is done at a deadline.
  std::function<void()> dispatch_engine;
  // Hands in what has arrived at the engine, however late it is; called before a timeout is judged.
  std::function<void()> drain_engine;
  std::function<PublicKey(routing::NeighborId)> key_of;
};

class RoutingHost {
 public:
  // All must outlive this. The signing key is in `sign`.
  RoutingHost(boost::asio::io_context& io, wg::Backend& backend, EventLog& log, routing::RouterConfig config,
              routing::SignFunction sign, std::vector<StaticPeer> static_peers, RoutingHostHooks hooks);

  // Installs the static peers' tables and starts the router.
  void start();
  void add_neighbor(routing::NeighborId neighbor, const routing::NeighborConfig& config);
  void on_packet(Now now, routing::NeighborId neighbor, Bytes payload);
  void on_quiet(Now now, routing::NeighborId neighbor);
  void on_heard(Now now, routing::NeighborId neighbor);
  void on_unreachable(Now now, routing::NeighborId neighbor);
  void on_carrier_lost(routing::NeighborId neighbor);
  void set_connected(std::vector<Prefix> subnets);
  void set_drained(bool drained);
  void set_mtu(std::uint16_t mtu);
  // As Router::add_grant.
  bool add_grant(const routing::LsaHandle& grant);
  // Withdraws our announcements and says goodbye.
  void shut_down();

  const routing::Router& router() const { return router_; }
  const EgressPlan& egress() const { return egress_; }
  const Names& names() const { return names_; }
  EventPublisher& publisher() { return publisher_; }

 private:
  struct Swap {
    EgressChange change;
    Now at;
    Duration duration{};
  };

  // Calls the router and carries out what it says.
  template <typename RouterCall>
  void call(Now now, const RouterCall& router_call);
  void carry_out(routing::RouterOutbox outbox, Now now, Duration call_duration);
  void send(const std::vector<routing::RouterOutbox::Packet>& packets);
  void set_egress();
  std::optional<Swap> swap_egress(const routing::RouteDelta& delta, TouchedRoutes& touched);
  void publish_swap(const Swap& swap, const routing::Cause& cause);
  void arm_timer();
  void on_timer();

  wg::Backend& backend_;
  EventLog& log_;
  RoutingHostHooks hooks_;
  SystemRandom random_;
  routing::Router router_;
  Names names_;
  EventPublisher publisher_;
  EgressPlan egress_;
  IngressPlan ingress_;
  TimerFd timer_;  // not asio's, which is set twice each time it fires
  FdWatcher timer_watcher_;
  Time armed_ = kNever;
  bool in_timer_ = false;
  std::vector<wg::ControlPacket> sending_;  // for its memory
};

}  // namespace starling::daemon
