// The network as dense integers: what SPF, alternates, routes and the ingress filter compute on. It follows the
// database one announcement at a time, so that a change costs what it changes, and it remembers what changed since it
// was last settled, so that those who compute on it may do the same.
//
// Invariants: a node keeps its index while any of its announcements is live (ours is kRoot, always); an edge is there,
// in both directions and with one metric, only if both ends take part and announce it (RFC 2328 16.1 (2b)). Our own
// claims come from our neighbours in Full, not from what we announced: they are known sooner. No index and no hop is
// used for something else before settle().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "routing/lsa.h"
#include "routing/metric.h"
#include "routing/slot_index.h"
#include "routing/types.h"

namespace starling::routing {

using NodeIndex = std::uint32_t;
inline constexpr NodeIndex kRoot = 0;  // ourselves
inline constexpr NodeIndex kNoNode = 0xffffffff;

// Our own side of a link to a neighbour in Full.
struct LocalLink {
  NodeId node;
  NeighborId neighbor = kNoNeighbor;
  LinkCost cost;
  friend bool operator==(const LocalLink&, const LocalLink&) = default;
};

class Graph {
 public:
  struct Edge {
    NodeIndex to = kNoNode;
    Metric metric = 0;
  };

  // One direction of an edge as it was when the graph was last settled, and as it is. kUnreachable: no edge.
  struct Change {
    NodeIndex from = kNoNode;
    NodeIndex to = kNoNode;
    Metric before = kUnreachable;
    Metric after = kUnreachable;
    bool through_before = true;  // whether paths could lead through `from`
  };

  // A neighbour of ours in Full, by a small number that stays while it is Full: a bit in sets of first hops.
  struct Hop {
    NeighborId neighbor = kNoNeighbor;  // kNoNeighbor: the number is free
    NodeIndex node = kNoNode;           // kNoNode: nothing of it is known
    bool retired = false;               // not Full any more: free once the graph is settled
  };

  // `seed` keeps others from choosing what collides in the index.
  explicit Graph(const NodeId& self, std::uint64_t seed = 0);
  // Room for so many, before there are any.
  void reserve(std::size_t nodes);

  // --- changes ---

  // Under one key, `after` (or nothing) took the place of `before` (or of nothing) in the database. Each live
  // announcement must stay where it is until it is replaced here, too. Ours count for our attributes only.
  struct Replaced {
    NodeIndex node = kNoNode;
    bool took_part = false;
    bool takes_part = false;
  };
  Replaced replace(const Lsa* before, const Lsa* after);

  // All our neighbours in Full, each node and each neighbour at most once.
  void set_local_links(std::vector<LocalLink> links);

  // --- what changed since settle() ---

  bool changed() const { return bulk_ || structure_changed_ || !changes_.empty(); }
  bool bulk() const { return bulk_; }                            // so much that changes() does not say
  bool structure_changed() const { return structure_changed_; }  // nodes came or went, end points, our neighbours
  bool hops_changed() const { return hops_changed_; }            // a neighbour became Full, or is so no more
  std::uint64_t edits() const { return edits_; }                 // all changes so far: another number, another change
  const std::vector<Change>& changes() const { return changes_; }
  // Only links to nodes that hang, or hung, on the network by that one link, and none of ours: no other path differs.
  bool only_leaves_changed() const;
  void settle();

  // --- nodes and edges ---

  NodeIndex size() const { return static_cast<NodeIndex>(heads_.size()); }  // indices, used or not
  std::optional<NodeIndex> index_of(const NodeId& id) const;
  const NodeId& id(NodeIndex node) const;
  bool takes_part(NodeIndex node) const { return (flags_[node] & kTakesPart) != 0; }
  bool through(NodeIndex node) const { return (flags_[node] & kThrough) != 0; }  // paths may lead through it
  // Joins no component: only what it announces itself comes from it.
  bool end_point(NodeIndex node) const { return (flags_[node] & kEndPoint) != 0; }
  std::span<const Edge> edges_of(NodeIndex node) const {
    return std::span(pool_).subspan(heads_[node].begin, heads_[node].count);
  }
  std::size_t degree(NodeIndex node) const { return heads_[node].count; }
  std::size_t edge_count() const;                     // directed
  Metric metric(NodeIndex from, NodeIndex to) const;  // kUnreachable if there is no edge
  // Each live one, in order.
  template <typename Each>
  void each_fragment(NodeIndex node, const Each& each) const {
    if (lsas_[node] != nullptr) each(*lsas_[node]);
    if (further_.empty()) return;
    for (auto at = further_.lower_bound({node, 0}); at != further_.end() && at->first.first == node; ++at) {
      each(*at->second);
    }
  }
  bool announces(NodeIndex node, const Prefix& prefix) const;

  const std::vector<Hop>& hops() const { return hops_; }
  std::size_t hop_words() const { return (hops_.size() + 63) / 64; }  // of 64 bits, for a set of hops

 private:
  using Index = SlotIndex<22>;  // 4 million: also with those that wait for settle(), each a signature that was verified
  static constexpr std::uint8_t kTakesPart = 1, kThrough = 2, kEndPoint = 4;
  static constexpr std::size_t kMaxChanges = 64;  // then a computation from scratch is as quick

  struct Head {
    std::uint32_t begin = 0;  // in the pool
    std::uint16_t count = 0;
    std::uint16_t capacity = 0;
  };

  std::uint64_t hash(const NodeId& id) const;
  NodeIndex find(const NodeId& id) const;
  NodeIndex add_node(const Lsa& lsa);
  void remove_node(NodeIndex node);
  void keep_fragment(NodeIndex node, std::uint16_t fragment, const Lsa* lsa);
  const Lsa* first_fragment(NodeIndex node) const;
  void set_flags(NodeIndex node, const NodeAttributes* attributes);
  std::optional<LinkCost> claim(NodeIndex from, const NodeId& to) const;
  void review_link(NodeIndex node, const NodeId& other);
  void review_links(NodeIndex node, const Lsa* lsa, const Lsa* known);  // those not in `known` as they are
  void review_hops();
  void note_index(const NodeId& id);

  void set_edge(NodeIndex a, NodeIndex b, Metric metric);
  void set_half(NodeIndex from, NodeIndex to, Metric metric);
  void append_edge(NodeIndex node, const Edge& edge);
  void compact();
  void record(NodeIndex from, NodeIndex to, Metric before, Metric after);
  void note_structure();

  NodeId self_;
  std::uint64_t seed_;
  std::vector<const Lsa*> lsas_;  // by node: its live announcement of the lowest fragment
  std::map<std::pair<NodeIndex, std::uint16_t>, const Lsa*> further_;  // and of the others
  std::vector<std::uint8_t> flags_;
  std::vector<Head> heads_;
  std::vector<Edge> pool_;
  std::size_t unused_ = 0;  // of the pool, abandoned by nodes that needed more room
  Index index_;
  std::vector<NodeIndex> free_;
  std::map<NodeIndex, NodeId> retired_;  // free once settled
  std::vector<LocalLink> local_links_;
  std::vector<Hop> hops_;

  std::vector<Change> changes_;
  bool bulk_ = true;  // everything is new at first
  bool structure_changed_ = true;
  bool hops_changed_ = false;
  std::uint64_t edits_ = 0;
  bool hops_are_known_ = false;  // no node at our links came or went since they were looked for
};

}  // namespace starling::routing
