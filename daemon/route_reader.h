// Reads all of the kernel's routes into a RouteMirror, a piece at a time, so that the loop's other work (Hellos above
// all) need not wait for a full table. Notifications that come meanwhile are kept and applied behind what was read:
// for each route that changed, the last word counts, whether the reading saw the change or not.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "daemon/netlink/socket.h"
#include "daemon/route_mirror.h"

namespace starling::daemon {

class RouteReader {
 public:
  // Holds at most `routes_max` routes, and as many notifications.
  RouteReader(std::uint32_t tunnel_index, std::size_t routes_max)
      : tunnel_index_(tunnel_index), routes_max_(routes_max), routes_(tunnel_index) {}

  bool is_reading() const { return socket_.has_value(); }
  // From the beginning. An error is the next step's.
  void begin();
  void abort() { socket_.reset(); }
  // Reads on, in one system call. The answer once everything is read or it failed: E2BIG for more than `routes_max`,
  // EINTR where the tables did not hold still for a whole reading.
  std::optional<NetlinkAnswer> step();
  // What was read, after an answer without error.
  RouteMirror take();

  // While is_reading().
  void on_added(const KernelRoute& route, bool replaces) { note({route, replaces, false}); }
  void on_removed(const KernelRoute& route) { note({route, false, true}); }

 private:
  struct Change {
    KernelRoute route;
    bool replaces = false;
    bool removed = false;
  };

  void note(Change change);
  void begin_family(Family family);
  std::optional<NetlinkAnswer> finish(NetlinkAnswer answer);

  std::uint32_t tunnel_index_;
  std::size_t routes_max_;
  std::optional<NetlinkSocket> socket_;
  Family family_ = Family::ipv4;
  NetlinkAnswer failure_;
  bool overfull_ = false;
  bool interrupted_ = false;
  RouteMirror routes_;
  std::vector<Change> changes_;
};

}  // namespace starling::daemon
