// Loop-free alternates (RFC 5286): for a destination with one next hop, another neighbour that will not send its
// packets back to us, for use before anybody has heard of the failure.
//
// With S = ourselves, E = the next hop, N = the alternate, D = the destination, and distances as the other router
// computes them:
//   loop-free (inequality 1)        D(N,D) < D(N,S) + D(S,D)
//   node-protecting (inequality 3)  D(N,D) < D(N,E) + D(E,D)
//   downstream (inequality 2)       D(N,D) < D(S,D)
// A node-protecting one is preferred. Of those that protect the link only, a downstream one is, since it does not loop
// with another's alternate; then the shorter way. Neighbours that carry no transit are alternates for themselves only,
// and a link of last resort is taken when there is nothing else (RFC 6987 3, RFC 5286 3.5). A prefix of several origins
// is one destination at the distance of the nearest.
//
// With several next hops the others are the alternates, and nothing is chosen here.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "routing/graph.h"
#include "routing/router.h"
#include "routing/spf.h"

namespace starling::routing {

class Alternates {
 public:
  static constexpr std::uint16_t kNoHop = std::numeric_limits<std::uint16_t>::max();

  struct Choice {
    std::uint16_t hop = kNoHop;
    BackupKind kind = BackupKind::none;
    friend bool operator==(const Choice&, const Choice&) = default;
  };

  // choose() finds nothing until the next run(), for which the memory is kept.
  void clear();
  bool known() const { return known_; }

  // Both before the graph is settled or, run() only, when nothing has changed since.
  void run(const Graph& graph);
  // Appends destinations for which the choice may be another now, though their own paths are the same. True: any may.
  bool update(const Graph& graph, std::vector<NodeIndex>& changed);

  // For a destination (one or several origins) at distance `best` from us, by the hop `primary`.
  Choice choose(const Graph& graph, std::span<const NodeIndex> origins, std::size_t primary, Metric best) const;

 private:
  struct Neighbor {
    NodeIndex node = kNoNode;
    Metric cost = kUnreachable;  // of our link; kUnreachable: none that counts
    Distances distances;         // only of neighbours that can carry something for us
  };

  Metric distance(const Neighbor& neighbor, NodeIndex node) const;
  Metric distance(const Neighbor& neighbor, std::span<const NodeIndex> origins) const;
  bool review(const Graph& graph, std::size_t hop, bool follows_changes);

  bool known_ = false;
  std::vector<Neighbor> neighbors_;  // by hop
};

}  // namespace starling::routing
