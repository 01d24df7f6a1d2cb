// What goes wrong in a simulated network, and how it is undone. A fault is one value: applied once, undone once, and
// named so that a person sees what it was.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "topologies/lab/sim/network.h"

namespace starling::sim {

enum class FaultKind : std::uint8_t {
  cut,        // a link carries nothing any more, silently
  one_way,    // one direction of a link carries nothing
  down,       // a link is lost, and both ends know
  stop,       // a node is killed; it comes back without memory
  restart,    // a node is killed and started again at once
  freeze,     // a node does nothing for a while, and remembers everything
  partition,  // every link between two halves is cut, silently
  clog,       // a link holds everything back, then lets it go at once
  loss,       // a link loses a third of everything
  mtu,        // a link lets only small packets pass
  clock,      // a node's wall clock jumps
  cost,       // a link costs something else
  prefixes,   // a node announces one prefix more
};
inline constexpr FaultKind kFaultKinds[] = {
    FaultKind::cut,    FaultKind::one_way,   FaultKind::down,    FaultKind::stop, FaultKind::restart,
    FaultKind::freeze, FaultKind::partition, FaultKind::clog,    FaultKind::loss, FaultKind::mtu,
    FaultKind::clock,  FaultKind::cost,      FaultKind::prefixes};
const char* to_string(FaultKind kind);  // "one-way"
std::optional<FaultKind> parse_fault_kind(std::string_view text);

using LinkEnds = std::pair<NodeIndex, NodeIndex>;  // the smaller first, except where a direction is meant

struct Fault {
  FaultKind kind = FaultKind::cut;
  std::vector<LinkEnds> links;                      // that it is about
  NodeIndex node = kNoNode;                         // likewise
  Duration by{};                                    // clock
  routing::Metric cost = 0;                         // cost: the new one
  std::vector<std::pair<Quality, Quality>> before;  // of links, there and back; filled in when it is applied
  routing::Metric cost_before = 0;
};

// Which parts of a network have a fault already: each has one at a time, or undoing one would undo another.
struct Busy {
  std::set<LinkEnds> links;
  std::set<NodeIndex> nodes;
};

// A fault of this kind somewhere at random where nothing is busy; nothing if there is no such place. Nodes that do not
// run and links that do not carry are left alone.
std::optional<Fault> choose_fault(FaultKind kind, const Network& network, const Busy& busy, RandomSource& random);
void occupy(const Fault& fault, Busy& busy);
void release(const Fault& fault, Busy& busy);

void apply(Network& network, Fault& fault);
void undo(Network& network, const Fault& fault);

// "cut r1c1–r1c2", "stop r3c4", "partition of 7 links".
std::string describe(const Network& network, const Fault& fault);

// Neighbourships that end with it: who (the first) should notice that whom (the second) is gone.
std::vector<std::pair<NodeIndex, NodeIndex>> ended_adjacencies(const Network& network, const Fault& fault);

}  // namespace starling::sim
