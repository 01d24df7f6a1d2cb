#include "topologies/lab/topology.h"

#include <algorithm>

namespace starling::lab {

const char* to_string(Event::Kind kind) {
  switch (kind) {
    case Event::Kind::cut: return "cut";
    case Event::Kind::down: return "down";
    case Event::Kind::restore: return "restore";
    case Event::Kind::stop: return "stop";
    case Event::Kind::start: return "start";
  }
  return "?";
}

std::optional<std::size_t> Topology::node_index(std::string_view name_wanted) const {
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const Node& node) { return node.name == name_wanted; });
  if (found == nodes.end()) return std::nullopt;
  return static_cast<std::size_t>(found - nodes.begin());
}

std::optional<std::size_t> Topology::link_index(std::size_t a, std::size_t b) const {
  const auto found = std::find_if(links.begin(), links.end(), [&](const Link& link) {
    return (link.a == a && link.b == b) || (link.a == b && link.b == a);
  });
  if (found == links.end()) return std::nullopt;
  return static_cast<std::size_t>(found - links.begin());
}

std::string Topology::link_name(std::size_t link) const {
  return nodes[links[link].a].name + "–" + nodes[links[link].b].name;
}

std::string Topology::describe(const Event& event) const {
  return std::string(to_string(event.kind)) + " " +
         (event.is_about_link() ? link_name(event.target) : nodes[event.target].name);
}

std::string Topology::describe(const Probe& probe) const {
  return nodes[probe.from].name + "→" + nodes[probe.to].name;
}

}  // namespace starling::lab
