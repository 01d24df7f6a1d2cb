// Everything that a topology leaves open, made up: keys, addresses, ports, devices, and one daemon configuration a
// node. Invariant: a pure function of the topology. The same file gives the same keys and addresses on every machine,
// so that two logs of the same topology can be laid side by side. The keys are therefore no secrets.
//
// Inside the mesh a node has one IPv4 address in 10.x.y.0/24 and one IPv6 address in fdxx:xxxx:xxxx::/48, x and y being
// BLAKE2b of the topology's name. Below it every link is a veth pair with a subnet of its own: 198.18.0.0/15 (RFC 2544)
// cut into /31s, or 2001:db8:LINK::/64 (RFC 3849); neither is ever accepted as a mesh route by default.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "topologies/lab/topology.h"

namespace starling::lab {

// One end of a link, in one node's namespace.
struct LinkEnd {
  std::size_t node = 0;
  std::string device;  // "to-b", at most 15 bytes
  InterfaceAddress address;
  std::string mac;  // locally administered
};

struct LinkPlan {
  LinkEnd a, b;
};

struct NodePlan {
  std::string name;
  std::string network_namespace;  // "st-TOPOLOGY.NODE"; a topology's name has no dot, so no two labs share one
  PublicKey public_key;
  IpAddress link_local;  // inside the tunnels, by docs/protocol.md's rule
  std::uint16_t listen_port = 0;
  std::vector<IpAddress> addresses;  // own, in the mesh
  nlohmann::json config;             // whole, for starlingd
};

struct Plan {
  std::vector<NodePlan> nodes;  // as Topology::nodes
  std::vector<LinkPlan> links;  // as Topology::links
};

Plan make_plan(const Topology& topology);

// The address of `to` that packets from `from` go to: IPv4 if both have it, else IPv6. Nothing if they share no family.
std::optional<IpAddress> shared_family_address(const NodePlan& from, const NodePlan& to);

}  // namespace starling::lab
