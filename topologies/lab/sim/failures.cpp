#include "topologies/lab/sim/failures.h"

#include <fmt/format.h>

#include "topologies/lab/sim/flow_probe.h"

namespace starling::sim {

namespace {

// A change soon after another is computed later on purpose (RFC 8405); what is measured is one that comes out of a
// calm.
constexpr Duration kCalm = routing::kSpfHoldDown + std::chrono::milliseconds(100);
constexpr Duration kWarmUp = std::chrono::milliseconds(60);  // traffic before the fault
constexpr Duration kTail = std::chrono::milliseconds(150);   // and after all is well

std::vector<Route> pairs_for(Stage& stage, const Fault& fault, std::size_t count) {
  if (fault.node != kNoNode) return stage.pairs_over(fault.node, std::nullopt, count);
  const auto [a, b] = fault.links.front();
  return stage.pairs_over(a, b, count);
}

}  // namespace

bool Failures::run(const std::vector<FaultKind>& kinds, Outcome& outcome,
                   const std::function<void(const std::string&)>& progress) {
  for (std::size_t i = 0; i < kinds.size(); i++) {
    const auto fault = choose_fault(kinds[i], stage_.network(), {}, stage_.random());
    if (!fault) {  // a network of two nodes, say, has no third to stop
      outcome.failures_without_place++;
      progress(fmt::format("{} of {}: no place for a failure of kind {}", i + 1, kinds.size(), to_string(kinds[i])));
      continue;
    }
    const bool one_way = options_.traffic == Traffic::one_way || (options_.traffic == Traffic::mixed && i % 2 == 1);
    if (!break_and_mend(*fault, one_way, outcome)) return false;
    progress(fmt::format("{} of {}: {}; all well after {:.1f} ms, and {:.1f} ms after it was mended", i + 1,
                         kinds.size(), outcome.failures.back().what, outcome.failures.back().converged_ms.max(),
                         outcome.repairs.back().converged_ms.max()));
  }
  return true;
}

bool Failures::break_and_mend(Fault fault, bool one_way, Outcome& outcome) {
  Network& network = stage_.network();
  const std::string what = describe(network, fault);
  network.run_for(kCalm);
  std::vector<Route> pairs = pairs_for(stage_, fault, options_.pairs);
  const std::vector<FlowId> flows = start_flows(pairs, one_way);
  network.run_for(kWarmUp + Duration(static_cast<Duration::rep>(stage_.random().below(100'000'000))));

  std::vector<bool> counts;
  stage_.meter().begin(what, false, ended_adjacencies(network, fault), pairs);
  apply(network, fault);
  {
    const RouteOracle oracle(network);
    stage_.meter().leave_out([&](const Route& route) { return !oracle.reaches(route.from, route.to); });
    for (const Route& pair : pairs) counts.push_back(oracle.reaches(pair.from, pair.to));
  }
  stage_.meter().look_again();
  const bool settled = stage_.await_convergence(kConvergenceLimit);
  if (settled) network.run_for(kTail);
  outcome.failures.push_back(stage_.meter().end());
  outcome.failures.back().outage_ms = end_flows(flows, counts);
  if (!settled) {
    outcome.fault =
        fmt::format("{}: not settled after {} s: {}", what,
                    std::chrono::duration_cast<std::chrono::seconds>(kConvergenceLimit).count(), stage_.fault());
    return false;
  }

  network.run_for(kCalm);
  stage_.meter().begin(what + " mended", true, {}, std::move(pairs));
  undo(network, fault);
  stage_.meter().look_again();
  const bool mended = stage_.await_convergence(kConvergenceLimit);
  outcome.repairs.push_back(stage_.meter().end());
  if (!mended) outcome.fault = fmt::format("{}, mended: not settled: {}", what, stage_.fault());
  return mended;
}

std::vector<FlowId> Failures::start_flows(const std::vector<Route>& pairs, bool one_way) {
  std::vector<FlowId> flows;
  if (options_.traffic == Traffic::none) return flows;
  for (std::size_t i = 0; i < pairs.size() && i < options_.flows; i++) {
    FlowOptions flow;
    flow.from = pairs[i].from;
    flow.to = pairs[i].to;
    flow.source = pairs[i].source_address;
    flow.destination = pairs[i].destination_address;
    flow.interval = options_.interval;
    flows.push_back(stage_.network().start_flow(flow));
    if (one_way) continue;
    std::swap(flow.from, flow.to);
    std::swap(flow.source, flow.destination);
    stage_.network().start_flow(flow);
  }
  return flows;
}

// Flows of pairs that cannot reach each other any more have no outage that an end could be put to.
Distribution Failures::end_flows(const std::vector<FlowId>& flows, const std::vector<bool>& counts) {
  Distribution outages;
  for (std::size_t i = 0; i < flows.size(); i++) {
    stage_.network().stop_flow(flows[i]);
    if (!counts[i]) continue;
    const lab::ProbeRecord record = probe_record_of(stage_.network().flow(flows[i]), stage_.now());
    outages.add(static_cast<double>(record.longest_outage_ns()) / 1e6);
  }
  stage_.network().clear_flows();
  return outages;
}

}  // namespace starling::sim
