// What the routing side tells the engine about packets, as plain descriptions: which neighbour carries a prefix, and
// which neighbours may send a source. wg/protocol compiles them into immutable snapshots (EgressTable, IngressFilter).
// Shared by wg/protocol and wg/io/backend.h, so that whoever sits above the engine needs to know neither's inside.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"

namespace starling::wg {

// A peer of one engine: a small dense number given by add_peer, not reused while the engine runs.
using PeerId = std::uint32_t;
inline constexpr PeerId kNoPeer = ~PeerId{0};

// One or several equal neighbours (a flow stays with one of them) and a loop-free backup for when none is usable.
struct NextHopGroup {
  std::vector<PeerId> members;
  PeerId backup = kNoPeer;

  friend bool operator==(const NextHopGroup&, const NextHopGroup&) = default;
};

struct EgressEntry {
  Prefix prefix;
  std::uint32_t group = 0;  // index into EgressDescription::groups

  friend bool operator==(const EgressEntry&, const EgressEntry&) = default;
};

// Each prefix at most once. A lost neighbour changes `groups`, never `entries`.
struct EgressDescription {
  std::vector<NextHopGroup> groups;
  std::vector<EgressEntry> entries;

  friend bool operator==(const EgressDescription&, const EgressDescription&) = default;
};

// A source address is matched to its longest prefix here; the packet passes if its peer is in that entry's set.
struct IngressEntry {
  Prefix prefix;
  std::uint32_t set = 0;  // index into IngressDescription::sets

  friend bool operator==(const IngressEntry&, const IngressEntry&) = default;
};

struct IngressDescription {
  std::vector<std::vector<PeerId>> sets;  // each sorted
  std::vector<IngressEntry> entries;

  friend bool operator==(const IngressDescription&, const IngressDescription&) = default;
};

// What becomes of packets that come by one tunnel and are for another (transit). On the fast path the engine routes
// them itself; otherwise they go to the interface, for the kernel to route. A packet whose longest prefix among `punts`
// is as long as the one among the egress entries, or longer, is the kernel's.
struct TransitDescription {
  bool fast_path = false;
  std::vector<Prefix> punts;  // this host's addresses, and routes that are not the mesh's
  // Where ICMP errors about such packets come from. Without: 192.0.0.8 (RFC 7600 §4.8), and no ICMPv6 errors.
  std::optional<IpAddress> source_v4;
  std::optional<IpAddress> source_v6;

  friend bool operator==(const TransitDescription&, const TransitDescription&) = default;
};

}  // namespace starling::wg
