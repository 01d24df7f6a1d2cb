// One router: neighbours, link-state database, flooding, SPF, routes. Sans-I/O: time, packets and local changes come
// in, an outbox of packets, route changes and events goes out. The same code runs in the daemon, in the lab's simulator
// and under the fuzzers.
//
// The contract, as everywhere in Starling's cores:
//   * every input carries its time; times never decrease, but a packet may carry the earlier one at which it arrived;
//   * after every call the caller drains outbox() and asks next_deadline() again;
//   * next_deadline() is exact: the earliest moment at which on_timer does something; a call before changes nothing;
//   * hostile input is a counted, named drop, never an exception.
// One thread only. docs/protocol.md is the wire format.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/random.h"
#include "base/time.h"
#include "routing/event.h"
#include "routing/grant.h"
#include "routing/import_policy.h"
#include "routing/limits.h"
#include "routing/lsa_pool.h"
#include "routing/metric.h"
#include "routing/prefix_findings.h"
#include "routing/reject_reason.h"
#include "routing/types.h"

namespace starling::routing {

struct HelloConfig {
  Duration interval = std::chrono::milliseconds(100);  // 10 ms .. 60 s
  std::uint8_t multiplier = 3;                         // 2 .. 50; silence of multiplier × interval is Down
};

struct RouterConfig {
  NodeId id;
  PublicKey wireguard_key;  // in our announcement; binds NodeId to the tunnels' key
  std::string name;         // 1..63 bytes of [a-zA-Z0-9._-]
  bool transit = true;      // false: an end point, others never route through us
  HelloConfig hello;
  ImportPolicy accept;
  // With a network's key only nodes with a grant that it signed are members (grant.h). `grants`: this node's own, and
  // others' that it passes on; what is not signed by the key, or has ended, is left out.
  std::optional<NodeId> network_key;
  std::vector<LsaHandle> grants;
  std::vector<Prefix> announced;
  std::vector<Prefix> connected;  // directly connected subnets of the underlay
  bool events = true;             // false: none are made (large simulations)
  MetricMode metric = MetricMode::fixed;
  Duration path_probe_interval = kPathProbeInterval;  // zero: the way of the data is not tried
  // If it is known: room for so many is made at once. In a process of thousands of routers the tables of each then lie
  // together, which is worth more than what is not copied while they grow.
  std::size_t expected_nodes = 0;
  // Hellos go so long after the multiples of their interval on the machine's clock: another one for each router, as a
  // machine that has many would do nothing else at that moment.
  Duration hello_phase{};
};

// How a backup was found to be free of loops (RFC 5286): `node` also holds when the next hop itself has died; with
// `link` it may loop then, until routing has converged.
enum class BackupKind : std::uint8_t { none, link, node };
const char* to_string(BackupKind kind);  // "none", "link", "node"

// Why a link is grey: its Hellos pass, and data has little use of it (docs/protocol.md, "Grey links").
enum class GreyReason : std::uint8_t {
  none,
  full_size_lost,  // small packets pass, those of the size of the MTU do not
  data_lost,       // what is sent as data does not pass at any size
  loss_sent,       // much of what is sent to the neighbour is lost
  loss_received,   // much of what the neighbour sends is lost
};
const char* to_string(GreyReason reason);  // "none", "full_size_lost", …

struct NeighborConfig {
  PublicKey wireguard_key;     // of the tunnel; the neighbour's announcement must name it
  std::optional<Metric> cost;  // set by hand; nothing: by RouterConfig::metric
  std::uint16_t mtu = 1420;    // of the tunnel, bytes
};

// How to reach the origins that announce the same prefixes. Groups are keyed by that set of origins, so a failure
// changes groups and leaves prefixes alone.
struct RouteGroup {
  std::uint32_t id = 0;             // stable while the set of origins is in use
  std::vector<NodeId> origins;      // sorted
  std::vector<NeighborId> members;  // equal-cost next hops, sorted; never empty: an unreachable prefix has no route
  NeighborId backup = kNoNeighbor;  // loop-free alternate, for when no member is usable; with several members, none
  BackupKind backup_kind = BackupKind::none;
  Metric metric = kUnreachable;
  friend bool operator==(const RouteGroup&, const RouteGroup&) = default;
};

// How many of the nodes that can be reached have an alternate ready (the rest wait for detection, flooding,
// computation).
struct BackupCoverage {
  std::uint32_t destinations = 0;     // nodes that can be reached, this one excepted
  std::uint32_t ecmp = 0;             // by several next hops, which are each other's alternates
  std::uint32_t node_protecting = 0;  // with a loop-free alternate that holds when the next hop dies, too
  std::uint32_t link_protecting = 0;  // with one that holds when the link to it dies
};

struct Route {
  Prefix prefix;
  std::uint32_t group = 0;
  friend bool operator==(const Route&, const Route&) = default;
};

// What changed since the last drain. Apply `groups` first, then `routes`, then `removed_*`.
struct RouteDelta {
  std::vector<RouteGroup> groups;  // new or changed, whole
  std::vector<Route> routes;       // new prefixes, or prefixes whose group is another now
  std::vector<Prefix> removed_routes;
  std::vector<std::uint32_t> removed_groups;  // no route uses them any more
  bool empty() const { return groups.empty() && routes.empty() && removed_routes.empty() && removed_groups.empty(); }
};

// Which neighbours may send packets from a source prefix: accepted ones and our own (of which nobody may be the source,
// unless another node announces the same). Removals are held back for kIngressHold (limits.h).
struct IngressChange {
  Prefix prefix;
  std::vector<NeighborId> allowed;  // sorted
  bool removed = false;             // nobody announces it any more
  friend bool operator==(const IngressChange&, const IngressChange&) = default;
};

struct RouterOutbox {
  struct Packet {
    NeighborId neighbor;
    std::vector<std::uint8_t> bytes;  // a UDP payload of at most kMaxPacketSize
    // Goes the way of data, to try it: not ahead of it, and not marked as urgent. At most kMaxProbePacketSize.
    bool as_data = false;
  };
  std::vector<Packet> packets;
  RouteDelta routes;
  std::vector<IngressChange> ingress;
  std::vector<Event> events;

  bool empty() const { return packets.empty() && only_packets(); }
  bool only_packets() const { return routes.empty() && ingress.empty() && events.empty(); }
  // Keeps the memory of Hellos for the next ones: a router at rest sends nothing else, and asks for none.
  void clear();
  // What clear() kept, if anything.
  std::vector<std::uint8_t> take_hello_room();

 private:
  std::vector<std::vector<std::uint8_t>> hello_rooms_;
};

// --- what people look at ---

struct NeighborView {
  NeighborId id = kNoNeighbor;
  PublicKey wireguard_key;
  std::optional<NodeId> node;  // once it has said Hello
  std::string name;            // from its announcement, empty if unknown
  NeighborState state = NeighborState::down;
  Time since{};     // of the state
  Metric cost = 0;  // that we announce
  bool cost_is_manual = false;
  std::optional<Duration> round_trip;  // newest measurement
  std::uint16_t loss_permille = 0;     // of its Hellos
  GreyReason grey = GreyReason::none;
  std::optional<std::uint16_t> carried_size;  // of a grey link: the largest packet inside that passes, if known
  Duration detection_time{};                  // silence that makes it Down, as negotiated
  std::uint64_t hellos_received = 0;
  std::uint64_t hellos_sent = 0;
  std::uint64_t times_down = 0;  // left Full
  const char* obstacle = "";     // in Exchange: why it is not Full
  bool suspect = false;          // does not answer; traffic keeps off it where it can
  std::uint64_t times_suspect = 0;
  std::size_t in_flight = 0;  // announcements sent to it and not acknowledged; grants have a queue of their own
  std::size_t grants_in_flight = 0;
  std::size_t requests_in_flight = 0;  // announcements asked for that have not come
};

struct LsaLinkView {
  NodeId neighbor;
  Metric metric = 0;
  bool two_way = false;  // announced by the other end too, so it counts
  bool manual = false;   // set by hand
};

struct LsaPrefixView {
  Prefix prefix;
  ImportVerdict verdict = ImportVerdict::accepted;
};

struct LsaView {
  LsaKey key;
  std::string name;
  std::uint64_t sequence = 0;
  std::uint32_t remaining_s = 0;
  bool reachable = false;
  bool transit = true;
  bool drained = false;  // the overload bit
  PublicKey wireguard_key;
  std::vector<LsaLinkView> links;
  std::vector<LsaPrefixView> prefixes;
};

struct GrantView {
  Grant grant;
  std::string name;      // of the holder, empty if unknown
  bool present = false;  // the holder's announcements are here
};

// Two machines that use one key.
struct DuplicateView {
  bool ourselves = false;             // the key is this node's; else that of the neighbour
  NeighborId neighbor = kNoNeighbor;  // through whom it was seen
  Time since{};
  Time last{};
  std::uint64_t signs = 0;
};

using DatabaseDigest = std::array<std::uint8_t, 16>;

struct RouterStatistics {
  std::uint64_t packets_received = 0, packets_sent = 0, packets_rejected = 0;
  std::uint64_t bytes_received = 0, bytes_sent = 0;
  std::uint64_t lsas_accepted = 0, lsas_rejected = 0, lsas_originated = 0;
  std::uint64_t retransmissions = 0, spf_runs = 0, spf_full_runs = 0, signatures_verified = 0;
  std::array<std::uint64_t, kRejectReasonCount> rejected{};  // by RejectReason, packets and announcements
};

class Router {
 public:
  // `random` must outlive the Router. Nothing is sent before start().
  // `admit`: a host with many routers hands all of them one LsaPool (lsa_pool.h); by default each checks for itself.
  Router(RouterConfig config, SignFunction sign, VerifyFunction verify, RandomSource& random, AdmitFunction admit = {});
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  void start(Now now);
  // Originates a withdrawal of our own announcements and says goodbye to the neighbours (clean shutdown).
  void shut_down(Now now);

  void add_neighbor(Now now, NeighborId neighbor, const NeighborConfig& config);  // the handle must be unused
  void remove_neighbor(Now now, NeighborId neighbor);
  void set_cost(Now now, NeighborId neighbor, std::optional<Metric> cost);
  void set_mtu(Now now, std::uint16_t mtu);  // of all tunnels
  // All our links become a last resort, so that others find ways around us before we stop; and back.
  void set_drained(Now now, bool drained);
  void set_announced(Now now, std::vector<Prefix> prefixes);
  void set_connected(Now now, std::vector<Prefix> subnets);
  // Takes a grant (or a revocation) and passes it on. False if there is no network key, it is not signed by it, has
  // ended, or is older than the one for the same node.
  bool add_grant(Now now, const LsaHandle& grant);

  // The UDP payload of a control packet, from the tunnel of this neighbour, whose envelope was checked.
  void on_packet(Now now, NeighborId neighbor, Bytes payload);
  // Data went to the neighbour and no traffic came back for a while (base/traffic_watch.h): it is probed. And: traffic
  // came from it at that moment, which need not be told as long as nothing is judged.
  void on_quiet(Now now, NeighborId neighbor);
  void on_heard(Now now, NeighborId neighbor);
  // The underlay says that packets to it do not arrive (ICMP), which may be forged: it is probed, once in kHintInterval
  // at most, and what it answers counts.
  void on_unreachable(Now now, NeighborId neighbor);
  // The link below is known to be gone (carrier, interface): Down at once.
  void on_carrier_lost(Now now, NeighborId neighbor);

  // Whoever carries our packets was late by so much: as if our own timers had been. What it is for stands at Doubt
  // (neighbor.h); nothing else comes of it.
  void on_late(Time now, Duration late);

  // Hand in everything that arrived before calling this (drain the sockets first): a neighbour whose Hello was waiting
  // in a queue was not silent. A call later than next_deadline() adds its lateness to every timeout judged (design §5).
  void on_timer(Now now);
  Time next_deadline() const;
  // The part of it at which a neighbour's silence is judged: until then, on_timer may be called without draining the
  // sockets first.
  Time next_judgement() const;

  RouterOutbox& outbox();

  const RouterConfig& config() const;
  DatabaseDigest digest() const;
  // Machines with the same key as this one or a neighbour, seen within kDuplicateWindow.
  std::vector<DuplicateView> duplicates(Now now) const;
  std::vector<NeighborView> neighbors() const;
  std::vector<LsaView> database(Now now) const;
  std::vector<GrantView> grants() const;
  std::optional<Grant> own_grant() const;
  // Duplicates and foreign more-specifics; with a network key, what no grant allows.
  std::vector<PrefixFinding> prefix_findings() const;
  std::vector<Route> routes() const;
  std::vector<RouteGroup> groups() const;
  // The present next hops of a routed prefix, sorted; none if it has no route. Replaces what `members` held.
  void next_hops(const Prefix& prefix, std::vector<NeighborId>& members) const;
  BackupCoverage backup_coverage() const;
  std::vector<IngressChange> ingress() const;  // the whole table
  bool drained() const;
  // Announcements that a neighbour in Exchange or Full has not acknowledged yet.
  std::size_t unacknowledged() const;
  const RouterStatistics& statistics() const;
  // The name a node announced, or short_string(id).
  std::string display_name(const NodeId& id) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling::routing
