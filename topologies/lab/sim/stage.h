// A simulated network with everything that watches it: what must always hold (safety.h), what is measured (meter.h),
// and whether it has come to rest where it should (oracle.h). What is played on it is in failures.h, chaos.h and
// script.h.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "topologies/lab/sim/meter.h"
#include "topologies/lab/sim/network.h"
#include "topologies/lab/sim/oracle.h"
#include "topologies/lab/sim/safety.h"

namespace starling::sim {

// Larger networks make no events, so that of the safety rules only those about routes are checked.
inline constexpr std::size_t kNodesWithEvents = 300;
inline constexpr Duration kConvergenceLimit = std::chrono::seconds(60);  // of virtual time, in a network without faults

class Stage {
 public:
  // `pulse` is called now and then while time passes, and may throw.
  Stage(Network network, std::uint64_t seed, std::function<void()> pulse);
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Network& network() { return network_; }
  Meter& meter() { return meter_; }
  const Safety& safety() const { return safety_; }
  SeededRandom& random() { return random_; }
  Time now() const { return network_.now().monotonic; }

  // At random within this span.
  void start_all(Duration spread);
  // Until all losses that the meter watches are noticed and everything is as the oracle says. True if it came to that
  // within `limit`; the meter knows when; else fault() says what was wrong.
  bool await_convergence(Duration limit);
  const std::string& fault() const { return fault_; }
  // The same question, about as many destinations as there is time for.
  std::string find_fault_thoroughly() const;

  // Up to `count` pairs of nodes whose packets go over this node or link now, found by chance around it.
  std::vector<Route> pairs_over(NodeIndex a, std::optional<NodeIndex> b, std::size_t count);

 private:
  NodeIndex wander(NodeIndex from);

  Network network_;
  SeededRandom random_;
  Meter meter_;
  Safety safety_;
  std::string fault_;
};

}  // namespace starling::sim
