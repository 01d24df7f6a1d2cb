// What may make the address from which a peer is answered (peer_table.h) a wrong one: an address that goes, an
// interface that goes down, a route to the peer that changes. Heard from the kernel (rtnetlink(7)) in the engine's own
// network namespace. Routes into our own TUN are the overlay's and say nothing about the underlay.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "base/ip.h"
#include "wg/io/netlink.h"

namespace starling::wg {

struct UnderlayChange {
  enum class Kind : std::uint8_t { address_gone, link_gone, route, unknown };
  Kind kind = Kind::unknown;  // unknown: anything may have changed
  IpAddress address{};        // address_gone
  std::uint32_t index = 0;    // link_gone
  Prefix destination{};       // route

  // Whether it concerns who sends from `source`, which belongs to this interface, to `to`.
  bool affects(const IpAddress& source, std::uint32_t interface_index, const IpAddress& to) const;
};

class RouteWatch {
 public:
  RouteWatch();

  int fd() const { return netlink_ ? netlink_->fd() : -1; }  // −1: nothing can be watched
  // What changed; never waits. `own_tun`: the index of our own interface, 0 if it is elsewhere.
  void read(std::uint32_t own_tun, const std::function<void(const UnderlayChange&)>& visit);

 private:
  std::optional<Netlink> netlink_;
};

}  // namespace starling::wg
