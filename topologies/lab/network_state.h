// What is up at this moment: the lab's own knowledge of the network, against which the daemons' is judged.
#pragma once

#include <cstddef>
#include <vector>

#include "topologies/lab/topology.h"

namespace starling::lab {

struct NetworkState {
  explicit NetworkState(const Topology& topology)
      : link_up(topology.links.size(), true), node_up(topology.nodes.size(), true) {}

  void apply(const Event& event) {
    switch (event.kind) {
      case Event::Kind::cut:
      case Event::Kind::down: link_up[event.target] = false; break;
      case Event::Kind::restore: link_up[event.target] = true; break;
      case Event::Kind::stop: node_up[event.target] = false; break;
      case Event::Kind::start: node_up[event.target] = true; break;
    }
  }

  bool carries(const Topology& topology, std::size_t link) const {
    return link_up[link] && node_up[topology.links[link].a] && node_up[topology.links[link].b];
  }

  std::vector<bool> link_up;
  std::vector<bool> node_up;
};

}  // namespace starling::lab
