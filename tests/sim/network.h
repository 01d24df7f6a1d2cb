// A network of Routers in virtual time: links with delay, loss, duplication and reordering, that can be cut; nodes that
// can be stopped and come back without memory. Everything that happens follows from the seed.
//
// Invariant: a node is called exactly at its next_deadline(), or when a packet arrives; its outbox is drained after
// each call, and the route changes are applied to a mirror, which must at all times equal the router's own table.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "routing/identity.h"
#include "routing/limits.h"
#include "routing/router.h"

namespace starling::sim {

using NodeIndex = std::uint32_t;  // also the handle by which its neighbours know it

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
  routing::Metric cost = routing::kDefaultCost;
};

// A packet on its way, for tests that look at or tamper with it.
struct InFlight {
  NodeIndex from = 0;
  NodeIndex to = 0;
  std::vector<std::uint8_t> bytes;
};

class Network {
 public:
  explicit Network(std::uint64_t seed);

  NodeIndex add_node(const NodeOptions& options = {});
  void link(NodeIndex a, NodeIndex b, const LinkOptions& options = {});
  void start_all();

  // Gives `node` the identity and key of `other`, before the start.
  void make_twin(NodeIndex node, NodeIndex other);

  // Changes, at the present virtual time.
  void start(NodeIndex node);
  void stop(NodeIndex node);           // killed: no word, no memory
  void shut_down(NodeIndex node);      // stops cleanly
  void cut(NodeIndex a, NodeIndex b);  // silently: packets vanish
  void restore(NodeIndex a, NodeIndex b);
  void lose_carrier(NodeIndex a, NodeIndex b);  // cut, and both ends know
  void set_cost(NodeIndex a, NodeIndex b, routing::Metric cost);
  void set_prefixes(NodeIndex node, std::vector<Prefix> prefixes);
  void set_wall_offset(NodeIndex node, Duration offset);  // from the next start on
  void set_quality(std::uint32_t loss_permille, std::uint32_t duplicate_permille, Duration jitter);  // of all links

  void run_for(Duration duration);
  // Until `holds`, asked every `step`; how long it took, or nothing if `limit` passed.
  std::optional<Duration> run_until(const std::function<bool()>& holds, Duration limit,
                                    Duration step = std::chrono::milliseconds(10));
  // At random moments between events, nodes get on_timer calls that they have not asked for.
  void call_timers_at_random(std::uint64_t seed) { extra_calls_.emplace(seed); }

  Now now() const { return {now_, WallTime(now_.time_since_epoch()) + kEpoch}; }
  std::size_t size() const { return nodes_.size(); }
  bool running(NodeIndex node) const { return nodes_[node].router != nullptr; }
  routing::Router& router(NodeIndex node) { return *nodes_[node].router; }
  const NodeOptions& options(NodeIndex node) const { return nodes_[node].options; }
  const routing::Identity& identity(NodeIndex node) const { return *nodes_[node].identity; }
  const PublicKey& wireguard_key(NodeIndex node) const { return nodes_[node].wireguard_key; }
  routing::NeighborState state(NodeIndex node, NodeIndex neighbor);

  struct Link {
    LinkOptions options;
    bool up = true;
  };
  const std::map<std::pair<NodeIndex, NodeIndex>, Link>& links() const { return links_; }  // a < b

  // prefix → (metric, next hops), as the deltas built it up.
  struct Reached {
    routing::Metric metric = 0;
    std::vector<NodeIndex> hops;
    friend bool operator==(const Reached&, const Reached&) = default;
  };
  std::map<Prefix, Reached> reached(NodeIndex node) const;
  bool mirror_is_exact(NodeIndex node);

  // Delivers bytes as if they had come through the tunnel from `from`.
  void inject(NodeIndex to, NodeIndex from, Bytes bytes);
  // Sees every packet when it is sent; false swallows it.
  std::function<bool(const InFlight&)> on_send;
  std::function<void(NodeIndex, const routing::Event&)> on_event;
  std::uint64_t trace_hash() const { return trace_; }
  // Ed25519 with a memory, since the same announcements are verified by every node.
  routing::VerifyFunction verifier() const;

 private:
  static constexpr Duration kEpoch = std::chrono::seconds(1'700'000'000);

  struct Node {
    NodeOptions options;
    std::shared_ptr<const routing::Identity> identity;
    PublicKey wireguard_key;
    std::unique_ptr<SeededRandom> random;
    std::unique_ptr<routing::Router> router;
    Time deadline = kNever;
    std::map<std::uint32_t, routing::RouteGroup> groups;
    std::map<Prefix, std::uint32_t> routes;
    std::map<Prefix, std::vector<routing::NeighborId>> ingress;
  };
  struct Delivery {
    Time at{};
    std::uint64_t order = 0;
    InFlight packet;
    bool operator>(const Delivery& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };

  static std::pair<NodeIndex, NodeIndex> ordered(NodeIndex a, NodeIndex b) { return {std::min(a, b), std::max(a, b)}; }
  Now clock(const Node& node) const;
  void step_to(Time at);
  void deliver();
  void drain(NodeIndex index);
  void apply(Node& node, const routing::RouterOutbox& outbox);
  void send(InFlight packet);
  void trace(std::uint64_t value);
  void trace(Bytes bytes);
  void call_extra_timers(Time until);

  SeededRandom random_;
  std::optional<SeededRandom> extra_calls_;
  Time now_{std::chrono::seconds(1000)};
  std::vector<Node> nodes_;
  std::map<std::pair<NodeIndex, NodeIndex>, Link> links_;
  std::priority_queue<Delivery, std::vector<Delivery>, std::greater<>> deliveries_;
  std::set<std::pair<Time, NodeIndex>> deadlines_;
  std::uint64_t deliveries_made_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325u;
  std::shared_ptr<std::unordered_map<std::string, bool>> verified_;  // shared, for a Network may be moved
};

}  // namespace starling::sim
