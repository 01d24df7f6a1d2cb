// Which neighbours may send which sources (RFC 8704's feasible paths, made exact by knowing the graph): a neighbour may
// send a prefix if one of its origins lies in the neighbour's connected component of the graph minus this node. An end
// point (transit: false) joins no component and speaks for itself only.
//
// Invariants: covers our own and all accepted prefixes; a right appears at once and goes kIngressHold after its reason
// went, so that packets under way, and neighbours that still route the old way, are not cut.
#pragma once

#include <map>
#include <vector>

#include "base/time.h"
#include "routing/graph.h"
#include "routing/limits.h"
#include "routing/prefix_table.h"
#include "routing/router.h"

namespace starling::routing {

// For each node of the graph, the neighbours (sorted) that may send its prefixes. Empty for the root.
std::vector<std::vector<NeighborId>> feasible_neighbors(const Graph& graph);

class IngressTable {
 public:
  std::vector<IngressChange> update(Time now, const PrefixTable& prefixes, const Graph& graph);
  std::vector<IngressChange> expire(Time now);
  Time next_expiry() const { return next_expiry_; }
  std::vector<IngressChange> table() const;

 private:
  struct Entry {
    std::map<NeighborId, Time> allowed;  // kNever, or when the right ends
    bool announced = true;
    Time gone_at = kNever;  // when a prefix that nobody announces goes
  };

  void find_next_expiry();
  static IngressChange describe(const Prefix& prefix, const Entry& entry);

  std::map<Prefix, Entry> entries_;
  Time next_expiry_ = kNever;
};

}  // namespace starling::routing
