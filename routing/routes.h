// Routes: for each accepted prefix the nearest of its origins, as a group shared by all prefixes with the same set of
// origins. Mutators say what changed; applying every delta in order gives routes() and groups().
//
// Invariants: a route's group exists and has at least one member (an unreachable prefix has no route); a group's id
// stays while its set of origins is in use; a failure that leaves a prefix reachable changes groups only.
#pragma once

#include <map>
#include <vector>

#include "routing/graph.h"
#include "routing/prefix_table.h"
#include "routing/router.h"
#include "routing/spf.h"

namespace starling::routing {

struct RouteUpdate {
  RouteDelta delta;
  std::vector<Prefix> added;  // of delta.routes, those that had no route before
};

class RouteTable {
 public:
  RouteUpdate update(const PrefixTable& prefixes, const Graph& graph, const ShortestPaths& paths);

  std::vector<Route> routes() const;
  std::vector<RouteGroup> groups() const;

 private:
  std::map<std::vector<NodeId>, RouteGroup> groups_;  // by origins
  std::map<Prefix, std::uint32_t> routes_;
  std::uint32_t next_id_ = 1;
};

// Adds `later` behind `earlier`, so that applying the sum has the effect of both.
void merge(RouteDelta& earlier, RouteDelta later);

}  // namespace starling::routing
