// What a simulation found.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "topologies/lab/report.h"
#include "topologies/lab/sim/meter.h"

namespace starling::sim {

// Of all pairs of a node and another's prefixes that it has a route to, by what protects the route against the loss of
// its next hop.
struct Coverage {
  std::uint64_t routes = 0;
  std::uint64_t equal_cost = 0;       // another next hop of equal cost
  std::uint64_t node_protecting = 0;  // a loop-free alternate that holds also when the next hop dies (RFC 5286)
  std::uint64_t link_protecting = 0;
};

struct Outcome {
  std::string fault;               // what was not as it must be; empty: all was
  std::optional<double> start_ms;  // from the last node's start until all was as it should be
  Measurement start;
  Duration idle{};             // how long nothing was done, for the two below
  Distribution idle_messages;  // of each node, per minute, Hellos too
  Distribution idle_bytes;
  Coverage coverage;
  std::vector<Measurement> failures;
  std::uint64_t failures_without_place = 0;  // asked for, and not made
  std::vector<Measurement> repairs;
  std::map<std::string, std::uint64_t> chaos_faults;  // by kind
  Duration chaos{};
  std::optional<double> heal_ms;      // from the end of the chaos until all was as it should be
  std::optional<lab::Report> script;  // of a topology with events, probes or expectations of its own

  std::uint64_t checks = 0;
  std::uint64_t arrivals = 0;
  std::uint64_t trace = 0;
  Duration virtual_time{};

  bool ok() const { return fault.empty() && (!script || script->ok()); }
};

}  // namespace starling::sim
