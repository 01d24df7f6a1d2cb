#include "topologies/lab/sim/simulation.h"

#include <fmt/format.h>

#include "topologies/lab/sim/chaos.h"
#include "topologies/lab/sim/script.h"

namespace starling::sim {

namespace {

constexpr Duration kSettle = std::chrono::seconds(2);  // after convergence, until nothing but Hellos is said
constexpr Duration kIdle = std::chrono::seconds(10);   // that is counted

double to_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

class Simulation {
 public:
  Simulation(const lab::Topology& topology, const SimulationOptions& options)
      : topology_(topology),
        options_(options),
        plan_(lab::make_plan(topology)),
        stage_(build(), options.build.seed, options.pulse) {}

  Outcome run() {
    const Time begin = stage_.now();
    try {
      if (start() && play()) finish();
    } catch (const std::exception& failure) {  // a Violation, or what the network itself holds to be impossible
      outcome_.fault = std::string("violated: ") + failure.what();
    }
    outcome_.virtual_time = stage_.now() - begin;
    outcome_.checks = stage_.safety().checks();
    outcome_.arrivals = stage_.network().arrivals_count();
    outcome_.trace = stage_.network().trace_hash();
    return std::move(outcome_);
  }

 private:
  Network build() const {
    Network network = build_network(topology_, plan_, options_.build);
    network.events = network.size() <= kNodesWithEvents;
    return network;
  }

  void tell(const std::string& text) const {
    if (options_.on_progress) options_.on_progress(text);
  }

  bool start() {
    tell(fmt::format("starting {} routers", stage_.network().size()));
    stage_.meter().begin("start", true, {}, {});
    stage_.start_all(options_.start_spread);
    last_start_ = stage_.now();
    const bool converged = stage_.await_convergence(kConvergenceLimit);
    converged_ = std::max(last_start_, stage_.meter().newest_change());
    outcome_.start = stage_.meter().end();
    if (!converged) {
      outcome_.fault = "not converged after the start: " + stage_.fault();
      return false;
    }
    outcome_.start_ms = to_ms(converged_ - last_start_);
    tell(fmt::format("all is well {:.1f} ms after the last start", *outcome_.start_ms));
    return true;
  }

  void count_coverage() {
    Coverage& coverage = outcome_.coverage;
    for (NodeIndex node = 0; node < stage_.network().size(); node++) {
      stage_.network().tables().each_route(node, [&](PrefixNumber, const Hops& hops) {
        coverage.routes++;
        if (hops.members.size() > 1) {
          coverage.equal_cost++;
        } else if (hops.backup != kNoPort) {
          (hops.backup_kind == routing::BackupKind::node ? coverage.node_protecting : coverage.link_protecting)++;
        }
      });
    }
  }

  bool play() {
    const bool has_script = !topology_.events.empty() || !topology_.probes.empty() || !topology_.expectations.empty();
    if (has_script) {
      Script(topology_, plan_, stage_).run(last_start_, converged_, outcome_, [this] { count_coverage(); });
      if (!outcome_.script->fault.empty()) return false;
      stage_.network().clear_flows();
    } else {
      rest();
      count_coverage();
    }
    const std::vector<FaultKind> kinds = draw_kinds(options_.faults, stage_.random());
    if (!Failures(stage_, options_.traffic).run(kinds, outcome_, [this](const std::string& text) { tell(text); }))
      return false;
    if (options_.faults.chaos.count() == 0) return true;
    tell(fmt::format("chaos for {} s", options_.faults.chaos / std::chrono::seconds(1)));
    return Chaos(stage_).run(options_.faults.chaos, outcome_);
  }

  // What is said while nothing happens.
  void rest() {
    Network& network = stage_.network();
    network.run_for(kSettle);
    std::vector<Sent> before;
    for (NodeIndex node = 0; node < network.size(); node++) before.push_back(network.sent(node));
    network.run_for(kIdle);
    const double per_minute = 60e9 / static_cast<double>(kIdle.count());
    for (NodeIndex node = 0; node < network.size(); node++) {
      const Sent& sent = network.sent(node);
      const Sent& was = before[node];
      const auto messages = sent.hellos - was.hellos + sent.others - was.others;
      const auto bytes = sent.hello_bytes - was.hello_bytes + sent.other_bytes - was.other_bytes;
      outcome_.idle_messages.add(static_cast<double>(messages) * per_minute);
      outcome_.idle_bytes.add(static_cast<double>(bytes) * per_minute);
    }
    outcome_.idle = kIdle;
  }

  // Once rights to send that were held back have gone too. A path of which a fault's last moments are only judged by
  // now may have been found grey meanwhile; it has to be trusted again.
  void finish() {
    stage_.network().run_for(routing::kIngressHold + std::chrono::seconds(1));
    outcome_.fault = stage_.await_convergence(kHealLimit) ? stage_.find_fault_thoroughly()
                                                          : "not at rest in the end: " + stage_.fault();
  }

  const lab::Topology& topology_;
  const SimulationOptions& options_;
  const lab::Plan plan_;
  Stage stage_;
  Outcome outcome_;
  Time last_start_{};
  Time converged_{};
};

}  // namespace

Outcome simulate(const lab::Topology& topology, const SimulationOptions& options) {
  return Simulation(topology, options).run();
}

}  // namespace starling::sim
