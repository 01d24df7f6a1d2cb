#include "topologies/lab/sim/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "routing/limits.h"
#include "topologies/lab/run.h"
#include "topologies/lab/sim/fault.h"
#include "topologies/lab/sim/flow_probe.h"

namespace starling::sim {

using lab::Event;
using lab::Expectation;

namespace {

NodeIndex node_of(std::size_t index) {
  return static_cast<NodeIndex>(index);
}

std::int64_t ns(Time time) {
  return time.time_since_epoch().count();
}

}  // namespace

std::vector<Script::Appointment> Script::agenda() const {
  std::vector<Appointment> agenda;
  for (std::size_t i = 0; i < topology_.events.size(); i++) agenda.push_back({topology_.events[i].at_ms, true, i});
  for (std::size_t i = 0; i < topology_.expectations.size(); i++)
    if (topology_.expectations[i].has_moment()) agenda.push_back({topology_.expectations[i].at_ms, false, i});
  std::sort(agenda.begin(), agenda.end());
  return agenda;
}

void Script::run(Time last_start, Time converged, Outcome& outcome, const std::function<void()>& at_rest) {
  report_.last_start_ns = ns(last_start);
  report_.converged_ns = ns(converged);
  report_.expectations.resize(topology_.expectations.size());
  const Time zero = stage_.now();
  start_probes();
  // Alternates come a while after the routes (kAlternatesDelay). An earlier event is a network that has no rest.
  const auto appointments = agenda();
  const Time first = appointments.empty() ? kNever : zero + std::chrono::milliseconds(appointments.front().at_ms);
  await(std::min(first, zero + 2 * routing::kAlternatesDelay));
  at_rest();
  for (const Appointment& appointment : appointments) {
    await(zero + std::chrono::milliseconds(appointment.at_ms));
    if (appointment.is_event) {
      apply(appointment.index, outcome);
    } else {
      ask(appointment.index);
    }
  }
  if (!settled_) settle(std::chrono::milliseconds(lab::kConvergenceLimit_ms));
  end_measurement(outcome);
  stage_.network().run_for(std::chrono::milliseconds(lab::kTail_ms));
  stop_probes();
  if (!settled_) report_.fault = stage_.fault();
  lab::judge(topology_, report_);
  outcome.script = std::move(report_);
}

void Script::start_probes() {
  for (const lab::Probe& probe : topology_.probes) {
    FlowOptions flow;
    flow.from = node_of(probe.from);
    flow.to = node_of(probe.to);
    flow.destination = lab::shared_family_address(plan_.nodes[probe.from], plan_.nodes[probe.to]).value();
    flow.source = lab::shared_family_address(plan_.nodes[probe.to], plan_.nodes[probe.from]).value();
    flow.interval = std::chrono::milliseconds(probe.interval_ms);
    flow.size = 100;
    probes_.push_back(stage_.network().start_flow(flow));
  }
}

void Script::stop_probes() {
  for (const FlowId probe : probes_) {
    stage_.network().stop_flow(probe);
    report_.probes.push_back(probe_record_of(stage_.network().flow(probe), stage_.now()));
  }
}

// Until the moment; meanwhile the network may come to rest on what happened before.
void Script::await(Time until) {
  if (!settled_ && until > stage_.now()) settle(until - stage_.now());
  stage_.network().run_to(std::max(until, stage_.now()));
}

void Script::settle(Duration limit) {
  settled_ = stage_.await_convergence(limit);
  if (!settled_) return;
  for (lab::EventOutcome& event : report_.events)
    if (!event.converged_ns) event.converged_ns = std::max(event.at_ns, ns(stage_.meter().newest_change()));
}

void Script::end_measurement(Outcome& outcome) {
  if (!std::exchange(measuring_, false)) return;
  Measurement measured = stage_.meter().end();
  (measured.repair ? outcome.repairs : outcome.failures).push_back(std::move(measured));
}

std::vector<std::pair<NodeIndex, NodeIndex>> Script::lost_by(const Event& event) const {
  Fault fault;
  if (event.kind == Event::Kind::cut || event.kind == Event::Kind::down) {
    const lab::Link& link = topology_.links[event.target];
    fault.kind = event.kind == Event::Kind::cut ? FaultKind::cut : FaultKind::down;
    fault.links = {{node_of(link.a), node_of(link.b)}};
  } else if (event.kind == Event::Kind::stop) {
    fault.kind = FaultKind::stop;
    fault.node = node_of(event.target);
  } else {
    return {};
  }
  return ended_adjacencies(stage_.network(), fault);
}

void Script::apply(std::size_t index, Outcome& outcome) {
  const Event& event = topology_.events[index];
  Network& network = stage_.network();
  end_measurement(outcome);
  std::vector<Route> pairs;
  for (const lab::Probe& probe : topology_.probes)
    pairs.push_back(route_between(probe.from, probe.to,
                                  *lab::shared_family_address(plan_.nodes[probe.from], plan_.nodes[probe.to])));
  const bool repair = event.kind == Event::Kind::restore || event.kind == Event::Kind::start;
  stage_.meter().begin(topology_.describe(event), repair, lost_by(event), std::move(pairs));
  measuring_ = true;
  settled_ = false;
  const std::size_t target = event.target;
  const auto [a, b] = event.is_about_link()
                          ? std::pair(node_of(topology_.links[target].a), node_of(topology_.links[target].b))
                          : std::pair(node_of(target), node_of(target));
  switch (event.kind) {
    case Event::Kind::cut: network.cut(a, b); break;
    case Event::Kind::down: network.lose_carrier(a, b); break;
    case Event::Kind::restore: network.restore(a, b); break;
    case Event::Kind::stop: network.stop(a); break;
    case Event::Kind::start: network.start(a); break;
  }
  report_.events.push_back({index, ns(stage_.now()), std::nullopt});
  stage_.meter().look_again();
  const RouteOracle oracle(network);
  stage_.meter().leave_out([&](const Route& route) { return !oracle.reaches(route.from, route.to); });
}

Route Script::route_between(std::size_t from, std::size_t to, const IpAddress& destination) const {
  FlowOptions flow;
  flow.from = node_of(from);
  flow.to = node_of(to);
  flow.destination = destination;
  flow.source = destination;
  for (const IpAddress& address : plan_.nodes[from].addresses) {
    if (address.family() != destination.family()) continue;
    flow.source = address;
    break;
  }
  return stage_.network().route_between(flow);
}

void Script::ask(std::size_t index) {
  if (topology_.expectations[index].kind == Expectation::Kind::path) return ask_path(index);
  ask_reachability(index);
}

void Script::ask_path(std::size_t index) {
  const Expectation& expectation = topology_.expectations[index];
  const std::size_t to = expectation.path.back();
  const Walk walk =
      stage_.network().walk(route_between(expectation.path.front(), to, plan_.nodes[to].addresses.front()));
  lab::ExpectationOutcome& outcome = report_.expectations[index];
  outcome.held =
      walk.unique && std::equal(walk.nodes.begin(), walk.nodes.end(), expectation.path.begin(), expectation.path.end());
  outcome.measured = nlohmann::json::array();
  for (const NodeIndex node : walk.nodes) outcome.measured.push_back(topology_.nodes[node].name);
}

// In each family that both have, as the lab does.
void Script::ask_reachability(std::size_t index) {
  std::size_t pairs = 0;
  std::size_t reached = 0;
  for (std::size_t from = 0; from < plan_.nodes.size(); from++) {
    for (std::size_t to = 0; to < plan_.nodes.size(); to++) {
      if (from == to || !stage_.network().running(node_of(from)) || !stage_.network().running(node_of(to))) continue;
      for (const Family family : {Family::ipv4, Family::ipv6}) {
        const auto has = [&](const IpAddress& address) { return address.family() == family; };
        const auto& own = plan_.nodes[from].addresses;
        const auto& theirs = plan_.nodes[to].addresses;
        const auto there = std::find_if(theirs.begin(), theirs.end(), has);
        if (there == theirs.end() || std::none_of(own.begin(), own.end(), has)) continue;
        pairs++;
        reached += stage_.network().walk(route_between(from, to, *there)).fate == Fate::delivered;
      }
    }
  }
  report_.expectations[index].held = reached == pairs;
  report_.expectations[index].measured = {{"reached", reached}, {"pairs", pairs}};
}

}  // namespace starling::sim
