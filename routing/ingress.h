// Which neighbours may send which sources (RFC 8704's feasible paths, made exact by knowing the graph): a neighbour may
// send a prefix if one of its origins lies in the neighbour's connected component of the graph minus this node. An end
// point (transit: false) joins no component and speaks for itself only.
//
// Invariants: covers our own and all accepted prefixes; a right appears at once and goes kIngressHold after its reason
// went, so that packets under way, and neighbours that still route the old way, are not cut.
//
// Few different sets of rights exist at a time, so each is kept once and a prefix costs four bytes; what a computation
// looks at is what the prefix table lists as touched, and the rest only if the components may be others.
#pragma once

#include <map>
#include <vector>

#include "base/time.h"
#include "routing/graph.h"
#include "routing/limits.h"
#include "routing/prefix_table.h"
#include "routing/router.h"

namespace starling::routing {

// Sets of neighbours, and which of them each node's own packets may come from.
class FeasibleNeighbors {
 public:
  void reserve(std::size_t nodes) { sets_of_nodes_.reserve(nodes); }
  // From scratch, or nothing if the graph's changes leave the components as they are. True if it was computed.
  bool update(const Graph& graph);
  // Sorted; empty for ourselves.
  const std::vector<NeighborId>& of(NodeIndex node) const { return sets_[set_of(node)]; }

  std::uint32_t set_of(NodeIndex node) const { return node < sets_of_nodes_.size() ? sets_of_nodes_[node] : 0; }
  std::uint32_t set_of(std::span<const NodeIndex> nodes);
  const std::vector<NeighborId>& set(std::uint32_t number) const { return sets_[number]; }

 private:
  void compute(const Graph& graph);
  std::uint32_t intern(const std::vector<NeighborId>& neighbors);

  std::vector<std::vector<NeighborId>> sets_{{}};  // the first is empty
  std::map<std::vector<NeighborId>, std::uint32_t> numbers_{{{}, 0}};
  std::vector<std::uint32_t> sets_of_nodes_;
};

class IngressTable {
 public:
  // Both must outlive the table.
  IngressTable(const PrefixTable& prefixes, const Graph& graph) : prefixes_(prefixes), graph_(graph) {}

  // Room for so many, of as many nodes.
  void reserve(std::size_t prefixes) {
    feasible_.reserve(prefixes);
    rights_of_.reserve(prefixes);
  }

  // After the others have changed and before they are settled.
  std::vector<IngressChange> update(Time now);
  std::vector<IngressChange> expire(Time now);
  Time next_expiry() const { return next_expiry_; }
  std::vector<IngressChange> table() const;  // sorted by prefix

 private:
  struct Right {
    NeighborId neighbor = kNoNeighbor;
    Time until = kNever;  // kNever, or when it ends
    friend auto operator<=>(const Right&, const Right&) = default;
  };
  using Rights = std::vector<Right>;  // sorted by neighbour
  using RightsNumber = std::uint32_t;
  static constexpr RightsNumber kAbsent = 0xffffffff;

  struct Kept {
    Rights rights;
    std::uint32_t references = 0;  // prefixes, gone ones included
  };
  struct Gone {  // announced no more
    RightsNumber rights = kAbsent;
    Time at{};
  };
  struct Step {
    RightsNumber rights = kAbsent;
    bool added = false;  // somebody may send who could not
  };

  RightsNumber intern(const Rights& rights);
  void refer(RightsNumber& place, RightsNumber rights);
  void review(Time now, PrefixIndex index, std::vector<IngressChange>& changes);
  Step step(Time now, RightsNumber from, std::uint32_t target);
  void sweep();
  IngressChange describe(const Prefix& prefix, RightsNumber rights) const;

  const PrefixTable& prefixes_;
  const Graph& graph_;
  FeasibleNeighbors feasible_;
  std::vector<Kept> kept_;
  std::vector<RightsNumber> free_;
  std::map<Rights, RightsNumber> numbers_;
  std::vector<RightsNumber> rights_of_;  // by prefix
  std::map<Prefix, Gone> gone_;
  std::map<std::pair<RightsNumber, std::uint32_t>, Step> steps_;  // of the update under way
  Time next_expiry_ = kNever;
};

}  // namespace starling::routing
