// The configuration of one node, as docs/operating.md describes it and docs/starlingd.schema.json checks it.
// Invariant: a Config that a loader returned satisfies every rule of that page; whoever has one need not check again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "daemon/control/event_log.h"
#include "routing/import_policy.h"
#include "routing/lsa.h"
#include "routing/router.h"
#include "routing/types.h"
#include "wg/io/backend.h"

namespace starling::daemon {

inline constexpr int kMtuDefault = 1420;                    // bytes
inline constexpr int kMtuMin = 1280;                        // bytes, IPv6's minimum
inline constexpr int kMtuMax = 65535;                       // bytes
inline constexpr std::uint32_t kRouteTableDefault = 254;    // the kernel's "main"
inline constexpr std::uint32_t kRouteMetricDefault = 4201;  // ours alone: the kernel replaces by (prefix, metric)
inline constexpr std::size_t kInterfaceNameSizeMax = 15;    // bytes, IFNAMSIZ without its end
inline constexpr std::uint16_t kKeepaliveMax_s = 65535;     // seconds
inline constexpr std::uint32_t kPathProbeMax_s = 3600;      // seconds
inline constexpr int kNiceDefault = -10;
inline constexpr int kNiceMin = -20;
inline constexpr int kNiceMax = 19;

// "host:port": a name, an IPv4 address, or an IPv6 address in brackets.
struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;

  static std::optional<HostPort> parse(std::string_view text);
  // The endpoint if `host` is an address; nothing if it is a name that must be resolved.
  std::optional<Endpoint> numeric() const;
  std::string to_string() const;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

struct PeerEntry {
  PublicKey public_key;
  std::optional<HostPort> endpoint;
  std::optional<SecretKey> preshared_key;
  std::uint16_t persistent_keepalive_s = 0;  // 0 off
  std::optional<routing::Metric> cost;       // by hand; nothing: by Config::metric
  bool routing = true;                       // false: stock WireGuard, no Hellos
  std::vector<Prefix> allowed_ips;           // only with routing false; announced by us
};

struct RouteConfig {
  std::uint32_t table = kRouteTableDefault;
  std::uint32_t metric = kRouteMetricDefault;
};

struct Config {
  std::string interface;
  SecretKey private_key;          // from private_key or private_key_file
  std::uint16_t listen_port = 0;  // 0: the kernel picks one
  std::string name;               // the machine's host name where the file says nothing
  std::vector<InterfaceAddress> addresses;
  std::vector<Prefix> announce;
  std::vector<PeerEntry> peers;
  routing::ImportPolicy accept;
  std::optional<routing::NodeId> network_key;
  std::vector<routing::LsaHandle> grants;  // signed by network_key, at most one for each node
  int mtu = kMtuDefault;
  bool transit = true;
  bool transit_fast_path = true;  // never without transit
  wg::Offloads offloads;          // all but `without_offloads`
  unsigned workers = 0;           // as in wg::BackendConfig
  std::optional<int> nice;        // of the whole process; else kNiceDefault, unless whoever started it chose one
  routing::HelloConfig hello;
  routing::MetricMode metric = routing::MetricMode::fixed;
  Duration path_probe_interval = routing::kPathProbeInterval;  // zero: off
  RouteConfig routes;
  LogConfig log;

  std::optional<IpAddress> first_address(Family family) const;
  // Everything that this node announces: its addresses, `announce`, and what is behind stock peers. Sorted, each once.
  std::vector<Prefix> announced() const;
};

}  // namespace starling::daemon
