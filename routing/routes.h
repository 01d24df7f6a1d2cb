// Routes: for each accepted prefix the nearest of its origins, as a group shared by all prefixes with the same set of
// origins. Mutators say what changed; applying every delta in order gives routes() and groups().
//
// Invariants: a route's group exists and has at least one member (an unreachable prefix has no route); a group's id
// stays while its set of origins is in use and reachable; a failure that leaves a prefix reachable changes groups only.
// Groups are told as they carry: without the members that are unusable while others are left, and as their backup while
// none is (RFC 5286); as they are while there is nothing better.
//
// A group of one origin is nothing but the shortest paths to its node, so it is not stored: what is kept here is 12
// bytes per node and 4 per prefix.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "routing/alternates.h"
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
  // All must outlive the table.
  RouteTable(const PrefixTable& prefixes, const Graph& graph, const ShortestPaths& paths, const Alternates& alternates)
      : prefixes_(prefixes), graph_(graph), paths_(paths), alternates_(alternates) {}

  // Room for so many, of as many nodes.
  void reserve(std::size_t prefixes) {
    single_.reserve(prefixes);
    routes_.reserve(prefixes);
  }

  // After the others have changed and before graph and prefixes are settled. `moved`: nodes whose paths are others now,
  // all of them; `reconsidered`: those whose backup may be another, or all (`reconsider_all`).
  RouteUpdate update(std::span<const NodeIndex> moved, std::span<const NodeIndex> reconsidered, bool reconsider_all);

  // From now on groups carry without these neighbours where they can.
  RouteDelta flip(std::vector<NeighborId> unusable);
  const std::vector<NeighborId>& unusable() const { return unusable_; }  // sorted

  std::vector<Route> routes() const;       // sorted by prefix
  std::vector<RouteGroup> groups() const;  // sorted by id
  // The next hops of a prefix as its group carries now; none if it has no route. Replaces what `members` held.
  void next_hops(const Prefix& prefix, std::vector<NeighborId>& members) const;
  BackupCoverage coverage() const;

 private:
  struct Group {
    std::uint32_t id = 0;  // 0: there is none
    Alternates::Choice backup;
  };
  struct SharedGroup {  // of several origins
    Group group;
    Metric metric = kUnreachable;
    std::vector<std::uint64_t> hops;
    friend bool operator==(const SharedGroup& a, const SharedGroup& b) {
      return a.group.backup == b.group.backup && a.metric == b.metric && a.hops == b.hops;
    }
  };

  Group group_of(OriginSet set) const;
  SharedGroup compute_shared(OriginSet set) const;
  Alternates::Choice choose(std::span<const NodeIndex> origins, std::span<const std::uint64_t> hops, Metric best) const;
  void review(OriginSet set, bool moved, RouteDelta& delta);
  void review_single(NodeIndex node, bool moved, RouteDelta& delta);
  void review_shared(OriginSet set, RouteDelta& delta);
  bool keep(Group& group, bool wanted, RouteDelta& delta);
  void review_routes(RouteUpdate& update);

  using Words = std::vector<std::uint64_t>;
  void mark_unusable(Words& words) const;
  void members_of(OriginSet set, const Words& unusable, std::vector<NeighborId>& members, bool& by_backup) const;
  RouteGroup describe(OriginSet set) const;
  template <typename Visitor>
  void for_each_group(Visitor visit) const;

  const PrefixTable& prefixes_;
  const Graph& graph_;
  const ShortestPaths& paths_;
  const Alternates& alternates_;
  std::vector<Group> single_;          // by node
  std::vector<SharedGroup> shared_;    // by number of the set
  std::vector<std::uint32_t> routes_;  // by prefix, the group's id as last told; 0: no route
  std::uint32_t next_id_ = 1;
  bool reachability_changed_ = false;
  std::vector<NeighborId> unusable_;  // sorted
  Words unusable_hops_;               // the same as hops
};

// Adds `later` behind `earlier`, so that applying the sum has the effect of both.
void merge(RouteDelta& earlier, RouteDelta later);

}  // namespace starling::routing
