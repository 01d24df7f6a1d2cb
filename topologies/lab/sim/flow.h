// Someone's traffic: packets of one size from one node to another at a steady pace, and what became of each.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "topologies/lab/sim/tables.h"

namespace starling::sim {

using FlowId = std::uint32_t;

enum class Fate : std::uint8_t {
  under_way,
  delivered,
  no_route,  // a node on its way knew none
  lost,      // on a link, or at a node that does not run
  filtered,  // a node's ingress filter refused its source from that neighbour
  looped,    // went round until its hop limit was used up; of a walk: came to a node a second time
};
const char* to_string(Fate fate);  // "delivered", "no route", …

struct FlowOptions {
  NodeIndex from = 0;
  NodeIndex to = 0;
  IpAddress source;
  IpAddress destination;
  Duration interval = std::chrono::milliseconds(1);
  std::uint32_t size = 1000;  // bytes of each inner packet
};

struct FlowPacket {
  Time sent_at{};
  Time ended_at{};  // when it arrived, or was last seen
  Fate fate = Fate::under_way;
};

struct FlowRecord {
  std::vector<FlowPacket> packets;  // by sequence
  Time ended_at = kNever;           // when the last one's interval was over
};

// What the tables are asked for: the prefixes that contain the two addresses, the longest first.
struct Route {
  NodeIndex from = 0;
  NodeIndex to = 0;
  IpAddress source_address;
  IpAddress destination_address;
  std::vector<PrefixNumber> source;
  std::vector<PrefixNumber> destination;
  std::uint32_t flow_hash = 0;
  std::size_t prefixes_known = 0;  // when it was asked; new prefixes may be longer matches
};

struct Walk {
  Fate fate = Fate::no_route;
  std::vector<NodeIndex> nodes;  // from the first; the last is where it ended, or the one that it met again
  bool unique = true;            // false: somewhere several next hops share the traffic
};

}  // namespace starling::sim
