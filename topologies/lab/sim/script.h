// Plays what a topology file says: its events at their moments, its probes as traffic, its expectations judged as the
// lab judges them (topologies/README.md), all in virtual time.
#pragma once

#include <functional>
#include <vector>

#include "topologies/lab/plan.h"
#include "topologies/lab/report.h"
#include "topologies/lab/sim/outcome.h"
#include "topologies/lab/sim/stage.h"

namespace starling::sim {

class Script {
 public:
  // All must outlive it.
  Script(const lab::Topology& topology, const lab::Plan& plan, Stage& stage)
      : topology_(topology), plan_(plan), stage_(stage) {}

  // Until `converged` from `last_start`, as it was measured. Fills in the outcome's script, failures and repairs.
  // `at_rest` is called once alternates are there, before the first event, if it leaves the time.
  void run(Time last_start, Time converged, Outcome& outcome, const std::function<void()>& at_rest);

 private:
  struct Appointment {
    std::uint64_t at_ms = 0;
    bool is_event = false;
    std::size_t index = 0;
    friend auto operator<=>(const Appointment&, const Appointment&) = default;
  };
  std::vector<Appointment> agenda() const;
  void start_probes();
  void stop_probes();
  void apply(std::size_t event, Outcome& outcome);
  std::vector<std::pair<NodeIndex, NodeIndex>> lost_by(const lab::Event& event) const;
  void await(Time until);
  void settle(Duration limit);
  void end_measurement(Outcome& outcome);
  void ask(std::size_t expectation);
  void ask_path(std::size_t expectation);
  void ask_reachability(std::size_t expectation);
  Route route_between(std::size_t from, std::size_t to, const IpAddress& destination) const;

  const lab::Topology& topology_;
  const lab::Plan& plan_;
  Stage& stage_;
  lab::Report report_;
  std::vector<FlowId> probes_;
  bool measuring_ = false;
  bool settled_ = true;
};

}  // namespace starling::sim
