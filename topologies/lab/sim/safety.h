// What must hold at every moment, however bad the network is. Listens to a network's events and calls and throws
// Violation at the first thing that is wrong:
//
//   * nobody accepts an announcement that its origin has not signed, nor, in one life, one older than it had;
//   * an origin's sequences only grow in one life;
//   * a route leads to a prefix that someone else announces and that the node's policy accepts, over neighbours in
//   Full;
//   * what a host has installed is what its Router has.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "topologies/lab/sim/network.h"

namespace starling::sim {

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Safety {
 public:
  // The network must outlive it, and its on_start, on_event and on_call must come here. Without events (large networks)
  // only routes are looked at.
  explicit Safety(const Network& network);

  void on_start(NodeIndex node);
  void on_event(NodeIndex node, const routing::Event& event);
  void on_call(NodeIndex node, const routing::RouterOutbox& outbox);
  std::uint64_t checks() const { return checks_; }
  std::size_t most_in_flight() const { return most_in_flight_; }  // of all that were looked at

 private:
  struct Node {
    std::map<routing::LsaKey, std::uint64_t> accepted;  // newest sequence
    std::map<std::uint16_t, std::uint64_t> originated;  // by fragment
    std::map<routing::NeighborId, routing::NeighborState> neighbors;
  };

  void check_originated(NodeIndex node, const routing::Event& event);
  void check_accepted(NodeIndex node, const routing::Event& event);
  void check_limits(NodeIndex node, const routing::NeighborView& neighbor);
  void check_group(NodeIndex node, const routing::RouteGroup& group);
  void check_route(NodeIndex node, const routing::Route& route);
  bool is_announced(const Prefix& prefix);
  void note_announced(NodeIndex node);
  [[noreturn]] void violated(NodeIndex node, const std::string& what) const;

  const Network& network_;
  std::vector<Node> nodes_;
  std::unordered_map<routing::NodeId, NodeIndex> node_of_;
  std::map<routing::LsaKey, std::set<std::uint64_t>> signed_;
  std::unordered_set<Prefix> announced_;  // at any time, by whoever may
  std::uint64_t checks_ = 0;
  std::uint64_t calls_ = 0;
  std::size_t most_in_flight_ = 0;
};

}  // namespace starling::sim
