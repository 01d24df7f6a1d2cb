// The kernel's routes that bring mesh prefixes to the tunnel's interface: wanted ones are installed, others removed,
// what vanishes is put back, what is not ours is never touched. Wishes are collected and carried out by flush(), in few
// system calls, so that nothing on a packet's or a reroute's way waits for the kernel.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "daemon/netlink/kernel_route.h"
#include "daemon/netlink/socket.h"
#include "daemon/underlay_guard.h"

namespace starling::daemon {

struct KernelRouteSettings {
  std::uint32_t interface_index = 0;
  std::uint32_t table = kMainTable;
  std::uint32_t metric = 0;
  std::uint32_t mark = 0;            // and the table of protected routes
  std::optional<IpAddress> source4;  // prefsrc
  std::optional<IpAddress> source6;
};

// What flush() did, in order.
struct RouteOutcome {
  enum class Kind : std::uint8_t {
    installed,    // new, or its next hop changed
    removed,      //
    restored,     // had vanished
    conflict,     // another's route has our prefix and metric; ours waits until it is gone
    failed,       // the kernel refused, `reason` says why; tried again
    protected_,   // went behind the underlay's rules, because it covers `endpoint`
    released,     // came back from there
    rule_failed,  // a rule could not be made; the routes that need it are not installed
  };
  Kind kind = Kind::installed;
  Prefix prefix;
  Endpoint endpoint;
  std::string reason;
};

class KernelRoutes {
 public:
  KernelRoutes(NetlinkSocket& socket, const KernelRouteSettings& settings) : socket_(socket), settings_(settings) {}

  // Removes what a run that crashed left behind, on whatever device: routes with our protocol, metric and tables, and
  // our rules. An error is the kernel's.
  NetlinkAnswer sweep();

  // Wanted from the next flush on; `gateway` is the neighbour's link-local address, nothing for a stock peer.
  void want(const Prefix& prefix, std::optional<IpAddress> gateway);
  void unwant(const Prefix& prefix);
  void set_endpoints(std::vector<Endpoint> endpoints) { endpoints_ = std::move(endpoints); }

  std::vector<RouteOutcome> flush();
  // Why a route that is wanted is not in the kernel; nothing if it is there, or on its way.
  std::optional<std::string> trouble(const Prefix& prefix) const;
  // Some wish failed: flush() again after a while.
  bool unfinished() const { return !dirty_.empty(); }
  // Reads the kernel's routes and marks what differs from ours; flush() then mends it.
  NetlinkAnswer reconcile();

  // From the monitor. True if reconcile() is due: something took away or replaced what we have installed.
  bool on_added(const KernelRoute& route);
  bool on_removed(const KernelRoute& route);

  // Everything that is ours out of the kernel.
  void remove_all();

  std::uint32_t protected_table() const { return settings_.mark; }

 private:
  struct State {
    bool wanted = false;
    std::optional<IpAddress> gateway;
    std::optional<KernelRoute> installed;
    bool vanished = false;   // was installed, and disappeared without us
    bool conflict = false;   // told already
    std::string last_error;  // told already
  };

  bool is_ours(const KernelRoute& route) const;
  bool has_our_key(const KernelRoute& route) const;
  KernelRoute desired(const Prefix& prefix, const State& state) const;
  bool is_protected(const Prefix& prefix) const { return protected_.contains(prefix); }

  void update_protection(std::vector<RouteOutcome>& outcomes);
  bool add_rules(Family family, std::vector<RouteOutcome>& outcomes);
  void drop_unused_rules();
  void delete_rules(Family family);
  void install(std::vector<RouteOutcome>& outcomes);
  void note_installed(const Prefix& prefix, State& state, const KernelRoute& route,
                      std::vector<RouteOutcome>& outcomes);
  void note_refused(const Prefix& prefix, State& state, const NetlinkAnswer& answer,
                    std::vector<RouteOutcome>& outcomes);
  void remove_unwanted(std::vector<RouteOutcome>& outcomes);

  NetlinkSocket& socket_;
  KernelRouteSettings settings_;
  std::map<Prefix, State> states_;
  std::set<Prefix> dirty_;
  std::vector<Endpoint> endpoints_;
  std::map<Prefix, Endpoint> protected_;
  std::set<Family> rules_;                   // families whose rules are there
  std::vector<KernelRoute> left_elsewhere_;  // moved to another table; these old copies go
};

}  // namespace starling::daemon
