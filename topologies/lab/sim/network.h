// A network of Routers in virtual time: links that delay, lose, duplicate, reorder, fill up and fail; hosts that
// forward by what their Router has told them, and that stop, freeze and come back. Everything that happens follows from
// the seed. A computation takes no virtual time.
//
// Invariants: a node is called exactly at its next_deadline(), or when something arrives; its outbox is drained after
// each call, routes first; what a host forwards by is built from the deltas alone (tables.h), and must at all times
// equal the Router's own tables. The phases of their Hellos differ, as those of real ones do. Of one moment, what
// arrives comes before timers, node by node, at each node in the order in which it was sent.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/traffic_watch.h"
#include "routing/grant.h"
#include "routing/identity.h"
#include "routing/limits.h"
#include "routing/router.h"
#include "topologies/lab/sim/channel.h"
#include "topologies/lab/sim/deadlines.h"
#include "topologies/lab/sim/flow.h"
#include "topologies/lab/sim/tables.h"
#include "topologies/lab/sim/trace.h"

namespace starling::sim {

struct NodeOptions {
  bool transit = true;
  std::vector<Prefix> prefixes;  // one of its own if empty
  routing::HelloConfig hello;
  Duration wall_offset{};  // of its clock
};

struct LinkOptions {
  Duration delay = std::chrono::milliseconds(1);
  Duration jitter{};  // added at random, so packets overtake each other
  std::uint32_t loss_permille = 0;
  std::uint32_t duplicate_permille = 0;
  routing::Metric cost = routing::kDefaultCost;  // by hand; not of nodes that measure (RouterConfig::metric)
};

// Control packets that a node has sent, and the bytes of their UDP payloads. Hellos and path probes apart: they come
// all the time.
struct Sent {
  std::uint64_t hellos = 0;
  std::uint64_t hello_bytes = 0;
  std::uint64_t others = 0;
  std::uint64_t other_bytes = 0;
};

// A control packet on its way, for tests that look at or tamper with it.
struct InFlight {
  NodeIndex from = 0;
  NodeIndex to = 0;
  std::vector<std::uint8_t> bytes;
};

class Network {
 public:
  explicit Network(std::uint64_t seed);

  // --- making it; a NodeIndex is also the handle by which a node's neighbours know it ---
  NodeIndex add_node(const NodeOptions& options = {});
  // With everything that a RouterConfig says; its identity is made from the key.
  NodeIndex add_node(routing::RouterConfig config, const SecretKey& key);
  void link(NodeIndex a, NodeIndex b, const LinkOptions& options = {});
  // Gives `node` the identity and key of `other`, before the start.
  void make_twin(NodeIndex node, NodeIndex other);
  void start_all();

  // --- changes, at the present virtual time ---
  void start(NodeIndex node);
  void stop(NodeIndex node);           // killed: no word, no memory
  void shut_down(NodeIndex node);      // stops cleanly
  void freeze(NodeIndex node);         // does nothing until it is thawed, and remembers everything
  void thaw(NodeIndex node);           // finds what has arrived meanwhile, as far as it was kept
  void cut(NodeIndex a, NodeIndex b);  // silently: packets vanish
  void restore(NodeIndex a, NodeIndex b);
  void lose_carrier(NodeIndex a, NodeIndex b);             // cut, and both ends know
  void set_open(NodeIndex from, NodeIndex to, bool open);  // one direction only
  void clog(NodeIndex from, NodeIndex to, Duration duration);
  void set_quality(NodeIndex from, NodeIndex to, const Quality& quality);
  void set_quality(std::uint32_t loss_permille, std::uint32_t duplicate_permille, Duration jitter);  // of all links
  void set_cost(NodeIndex a, NodeIndex b, routing::Metric cost);
  void set_prefixes(NodeIndex node, std::vector<Prefix> prefixes);
  void set_drained(NodeIndex node, bool drained);
  void set_wall_offset(NodeIndex node, Duration offset);
  // The network's key that it is told, and its grants; from the next start on.
  void set_trust(NodeIndex node, std::optional<routing::NodeId> network_key, std::vector<routing::LsaHandle> grants);
  bool add_grant(NodeIndex node, const routing::LsaHandle& grant);  // as Router::add_grant
  // Whether the node is told no network's key, or a grant that somebody was told from the start allows it the prefix.
  bool may_announce(NodeIndex node, const Prefix& prefix) const;

  // --- time ---
  void run_for(Duration duration) { run_to(now_ + duration); }
  void run_to(Time until);
  // Until `holds`, asked every `step`; how long it took, or nothing if `limit` passed.
  std::optional<Duration> run_until(const std::function<bool()>& holds, Duration limit,
                                    Duration step = std::chrono::milliseconds(10));
  // At random moments between events, nodes get on_timer calls that they have not asked for.
  void call_timers_at_random(std::uint64_t seed) { extra_calls_.emplace(seed); }
  Now now() const { return {now_, WallTime(now_.time_since_epoch()) + kEpoch}; }

  // --- traffic ---
  // Packets from now on, one each interval. Only what was measured since the last clear_flows() is kept.
  FlowId start_flow(const FlowOptions& options);
  void stop_flow(FlowId flow);
  const FlowRecord& flow(FlowId flow) const { return flows_[flow].record; }
  void clear_flows();
  // Where a packet would go if every table stayed as it is now.
  Walk walk(const Route& route) const;
  Route route_between(const FlowOptions& options) const;

  // --- looking at it ---
  std::size_t size() const { return nodes_.size(); }
  bool running(NodeIndex node) const { return nodes_[node].router != nullptr; }
  bool frozen(NodeIndex node) const { return nodes_[node].frozen; }
  routing::Router& router(NodeIndex node) { return *nodes_[node].router; }
  const routing::Router& router(NodeIndex node) const { return *nodes_[node].router; }
  const NodeOptions& options(NodeIndex node) const { return nodes_[node].options; }
  const routing::RouterConfig& config(NodeIndex node) const { return nodes_[node].config; }
  const std::string& name(NodeIndex node) const { return nodes_[node].config.name; }
  const routing::Identity& identity(NodeIndex node) const { return *nodes_[node].identity; }
  const PublicKey& wireguard_key(NodeIndex node) const { return nodes_[node].config.wireguard_key; }
  std::span<const NodeIndex> neighbors(NodeIndex node) const { return nodes_[node].neighbors; }  // sorted
  routing::NeighborView view(NodeIndex node, NodeIndex neighbor) const;
  routing::NeighborState state(NodeIndex node, NodeIndex neighbor) const { return view(node, neighbor).state; }
  // When a node last sent traffic to a neighbour.
  Time data_sent_at(NodeIndex node, NodeIndex neighbor) const {
    return nodes_[node].ports[port_to(node, neighbor)].data_sent_at;
  }

  struct Link {
    LinkOptions options;  // as it was made; the channels' qualities may be others now
    bool up = true;
    Channel there;  // from the smaller index to the greater
    Channel back;
    bool carries() const { return up && there.open && back.open; }
  };
  const std::map<std::pair<NodeIndex, NodeIndex>, Link>& links() const { return links_; }  // a < b
  const Channel& channel(NodeIndex from, NodeIndex to) const;

  // prefix → (metric, next hops), as the deltas built it up.
  struct Reached {
    routing::Metric metric = 0;
    std::vector<NodeIndex> hops;
    friend bool operator==(const Reached&, const Reached&) = default;
  };
  std::map<Prefix, Reached> reached(NodeIndex node) const;
  const Tables& tables() const { return tables_; }
  Tables& tables() { return tables_; }
  bool mirror_is_exact(NodeIndex node) const;

  // Delivers bytes as if they had come through the tunnel from `from`.
  void inject(NodeIndex to, NodeIndex from, Bytes bytes);

  // --- watching it ---
  // Sees every control packet when it is sent; false swallows it.
  std::function<bool(const InFlight&)> on_send;
  std::function<void(NodeIndex, const routing::Event&)> on_event;
  // A node begins a life.
  std::function<void(NodeIndex)> on_start;
  // After each call of a Router: its routes are installed, its packets not sent yet.
  std::function<void(NodeIndex, const routing::RouterOutbox&)> on_call;
  // Now and then while time passes, every few thousand things that happen. May throw to end the run.
  std::function<void()> on_pulse;
  std::uint64_t trace_hash() const { return trace_.hash(); }
  std::uint64_t arrivals_count() const { return arrivals_made_; }
  const Sent& sent(NodeIndex node) const { return nodes_[node].sent; }  // in all its lives
  // Ed25519 with a memory, since the same announcements are verified by every node.
  routing::VerifyFunction verifier() const;
  // False: Routers make no events, which large networks have no use for. Before the start.
  bool events = true;

 private:
  static constexpr Duration kEpoch = std::chrono::seconds(1'700'000'000);

  struct PortState {
    Channel* out = nullptr;
    const Channel* in = nullptr;
    const Link* link = nullptr;
    TrafficWatch watch;
    Time data_sent_at{};  // the newest
  };
  struct Arrival {
    enum class Kind : std::uint8_t { control, keepalive, data, tick };
    Kind kind = Kind::control;
    std::uint8_t hops_left = 0;  // data
    InFlight packet;             // control; from and to of all
    FlowId flow = 0;             // data, tick
    std::uint64_t sequence = 0;  // data
  };
  struct Node {
    NodeOptions options;
    routing::RouterConfig config;
    std::shared_ptr<const routing::Identity> identity;
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<routing::Router> router;
    Time router_deadline = kNever;
    bool frozen = false;
    std::vector<NodeIndex> neighbors;  // sorted
    std::vector<PortState> ports;      // as neighbors
    std::vector<PrefixNumber> own;     // sorted
    std::vector<Arrival> kept;         // what came while it was frozen
    Sent sent;
  };
  // What comes to one node at one moment is taken together: its tables are still at hand in the processor then.
  struct Scheduled {
    Time at{};
    std::uint64_t order = 0;
    std::uint32_t slot = 0;
    NodeIndex node = 0;
    bool operator>(const Scheduled& other) const {
      return std::tie(at, node, order) > std::tie(other.at, other.node, other.order);
    }
  };
  struct Flow {
    FlowOptions options;
    FlowRecord record;
    Route route;
    bool running = false;
  };
  // What a node does with a packet.
  struct Step {
    Fate fate = Fate::no_route;
    Port port = kNoPort;  // with Fate::under_way
    bool only_way = true;
  };

  static std::pair<NodeIndex, NodeIndex> ordered(NodeIndex a, NodeIndex b) { return {std::min(a, b), std::max(a, b)}; }
  Link& link_of(NodeIndex a, NodeIndex b) { return links_.at(ordered(a, b)); }
  Channel& channel_of(NodeIndex from, NodeIndex to);
  Port port_to(NodeIndex node, NodeIndex neighbor) const;
  void add_port(NodeIndex node, NodeIndex neighbor);
  void learn_prefixes(Node& node);
  void learn_grants(const std::vector<routing::LsaHandle>& grants);
  Now clock(const Node& node) const;

  // network_time.cpp
  void step_to(Time at);
  void call_extra_timers(Time until);
  void schedule(Time at, Arrival arrival);
  void arrive();
  void receive(Arrival& arrival);
  void hear(NodeIndex node, Port port, bool data);
  void tell_heard(Node& node);
  void on_deadline(NodeIndex node);
  void judge_traffic(NodeIndex node);
  void rearm(NodeIndex node);
  void drain(NodeIndex node);
  void send_control(NodeIndex from, routing::RouterOutbox::Packet packet);
  void send_keepalive(NodeIndex from, Port port);

  // network_flows.cpp
  void tick(FlowId flow);
  void forward(NodeIndex at, Port from, const Arrival& packet);
  void settle(const Arrival& packet, Fate fate);
  void refresh(Route& route) const;
  Step next_step(NodeIndex at, const Route& route) const;
  bool admits(NodeIndex at, Port from, const Route& route) const;
  Port choose(const Node& node, const Hops& hops, std::uint32_t flow_hash) const;

  SeededRandom random_;
  std::optional<SeededRandom> extra_calls_;
  Time now_{std::chrono::seconds(1000)};
  std::vector<Node> nodes_;
  std::map<std::pair<NodeIndex, NodeIndex>, Link> links_;
  Tables tables_;
  std::map<routing::NodeId, routing::Grant> grants_;  // by holder, of the largest serial
  std::vector<Scheduled> schedule_;                   // a heap
  std::vector<Arrival> slots_;
  std::vector<std::uint32_t> free_slots_;
  Deadlines deadlines_;
  std::vector<Flow> flows_;
  std::uint64_t scheduled_ = 0;
  std::uint64_t arrivals_made_ = 0;
  std::uint64_t happenings_ = 0;
  Trace trace_;
  routing::RouterOutbox outbox_;  // drained into, so that its memory is used again
  routing::VerifyFunction verifier_;
  routing::AdmitFunction admit_;
};

}  // namespace starling::sim
