// A route in one of the kernel's tables. The kernel's key is (family, table, prefix, metric): NLM_F_REPLACE looks at
// nothing else, not even at who made the route. So ours have a metric of their own, are created with NLM_F_EXCL, and
// only what we created is replaced.
#pragma once

#include <linux/rtnetlink.h>

#include <functional>
#include <optional>

#include "base/ip.h"
#include "daemon/netlink/message.h"
#include "daemon/netlink/socket.h"

namespace starling::daemon {

inline constexpr std::uint8_t kRouteProtocol = 201;  // "starling" in rt_protos; 201 is nobody else's
inline constexpr std::uint32_t kMainTable = 254;

struct KernelRoute {
  Prefix prefix;
  std::uint32_t table = kMainTable;
  std::uint32_t metric = 0;
  std::uint8_t protocol = kRouteProtocol;
  std::uint32_t interface_index = 0;
  std::optional<IpAddress> gateway;  // of either family (RTA_VIA where it differs from the prefix's)
  std::optional<IpAddress> source;   // preferred source (prefsrc)
  std::uint8_t type = RTN_UNICAST;   // or local, broadcast, blackhole, throw, ...
  bool narrow = false;               // only for some sources or one traffic class
  // A digest of what it has beyond all this: several next hops, an encapsulation, metrics, ... 0: nothing. None of ours
  // has any.
  std::uint64_t special = 0;

  friend bool operator==(const KernelRoute&, const KernelRoute&) = default;
};

// Fails with EEXIST if any route has this key.
NetlinkMessage create_route_message(const KernelRoute& route);
// Replaces the route of this key in one step, or creates it.
NetlinkMessage replace_route_message(const KernelRoute& route);
// Deletes the route of this key, device and protocol; ESRCH if there is none such.
NetlinkMessage delete_route_message(const KernelRoute& route);

// From RTM_NEWROUTE or RTM_DELROUTE; nothing for cached routes and other families.
std::optional<KernelRoute> decode_route(const nlmsghdr& message);

// Asks for every route of a family in every table (NetlinkSocket::dump).
NetlinkMessage dump_routes_message(Family family);
// Whether a kernel without this family answers so.
bool is_without_family(const NetlinkAnswer& answer, Family family);
// Every route of both families in every table.
NetlinkAnswer dump_routes(NetlinkSocket& socket, const std::function<void(const KernelRoute&)>& each);

// The interface by which the kernel would send to `destination` with this mark; nothing if there is no way.
std::optional<std::uint32_t> outgoing_interface(NetlinkSocket& socket, const IpAddress& destination,
                                                std::uint32_t mark);

}  // namespace starling::daemon
