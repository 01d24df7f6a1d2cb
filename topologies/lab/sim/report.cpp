#include "topologies/lab/sim/report.h"

#include <fmt/format.h>

#include <cmath>

#include "daemon/control/format.h"
#include "daemon/control/table.h"

namespace starling::sim {

using daemon::Column;
using daemon::Style;
using daemon::Table;
using nlohmann::ordered_json;

namespace {

double rounded(double value) {
  return std::round(value * 1000) / 1000;
}

Measurement sum_of(const std::vector<Measurement>& measurements) {
  Measurement sum;
  for (const Measurement& measurement : measurements) sum.add(measurement);
  return sum;
}

ordered_json changes_json(const std::vector<Measurement>& changes) {
  const Measurement sum = sum_of(changes);
  ordered_json result;
  result["count"] = changes.size();
  result["pairs"] = sum.pairs;
  result["suspected_ms"] = to_json(sum.suspected_ms);
  result["detected_ms"] = to_json(sum.detected_ms);
  result["detected_idle_ms"] = to_json(sum.detected_idle_ms);
  result["flooded_ms"] = to_json(sum.flooded_ms);
  result["converged_ms"] = to_json(sum.converged_ms);
  result["outage_ms"] = to_json(sum.outage_ms);
  result["black_hole_ms"] = to_json(sum.black_hole_ms);
  result["micro_loop_ms"] = to_json(sum.micro_loop_ms);
  result["micro_loops"] = sum.micro_loops;
  result["looped_pairs"] = sum.looped_pairs;
  result["spf_runs_per_node"] = to_json(sum.spf_runs);
  result["messages_per_node"] = to_json(sum.messages);
  result["bytes_per_node"] = to_json(sum.bytes);
  return result;
}

ordered_json list_json(const std::vector<Measurement>& changes) {
  ordered_json list = ordered_json::array();
  for (const Measurement& change : changes) {
    ordered_json entry;
    entry["what"] = change.what;
    entry["detected_ms"] = rounded(std::max(change.detected_ms.max(), change.detected_idle_ms.max()));
    entry["converged_ms"] = rounded(change.converged_ms.max());
    entry["outage_ms_max"] = rounded(change.outage_ms.max());
    entry["black_hole_ms_max"] = rounded(change.black_hole_ms.max());
    entry["micro_loop_ms_max"] = rounded(change.micro_loop_ms.max());
    entry["micro_loops"] = change.micro_loops;
    list.push_back(std::move(entry));
  }
  return list;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : rounded(static_cast<double>(part) / static_cast<double>(whole));
}

void add_row(Table& table, const std::string& what, const Distribution& distribution) {
  if (distribution.empty()) return;
  const auto number = [](double value) {
    return value >= 1000 ? fmt::format("{:.0f}", value) : fmt::format("{:.1f}", value);
  };
  table.add_row({what, std::to_string(distribution.count()), number(distribution.min()), number(distribution.median()),
                 number(distribution.quantile(0.95)), number(distribution.quantile(0.99)), number(distribution.max())});
}

Table spread_table(const std::string& title) {
  constexpr auto kRight = Column::Align::right;
  return Table({{title},
                {"COUNT", kRight},
                {"MIN", kRight},
                {"MEDIAN", kRight},
                {"P95", kRight},
                {"P99", kRight},
                {"MAX", kRight}});
}

void add_change_rows(Table& table, const Measurement& sum) {
  add_row(table, "suspected, where traffic went, ms", sum.suspected_ms);
  add_row(table, "detected, where traffic went, ms", sum.detected_ms);
  add_row(table, "detected, where none went, ms", sum.detected_idle_ms);
  add_row(table, "flooded to the last node, ms", sum.flooded_ms);
  add_row(table, "converged, ms", sum.converged_ms);
  add_row(table, "outage of a flow, ms", sum.outage_ms);
  add_row(table, "black hole of a pair, ms", sum.black_hole_ms);
  add_row(table, "micro-loop of a pair, ms", sum.micro_loop_ms);
  add_row(table, "computations of a node", sum.spf_runs);
  add_row(table, "messages of a node, without Hellos", sum.messages);
  add_row(table, "bytes of a node, without Hellos", sum.bytes);
}

std::string coverage_text(const Coverage& coverage) {
  if (coverage.routes == 0) return "";
  const auto percent = [&](std::uint64_t part) {
    return 100 * static_cast<double>(part) / static_cast<double>(coverage.routes);
  };
  return fmt::format(
      "backups: of {} routes {:.1f} % have equal next hops, {:.1f} % a node-protecting alternate, {:.1f} % a "
      "link-protecting one, {:.1f} % none\n",
      coverage.routes, percent(coverage.equal_cost), percent(coverage.node_protecting),
      percent(coverage.link_protecting),
      percent(coverage.routes - coverage.equal_cost - coverage.node_protecting - coverage.link_protecting));
}

}  // namespace

ordered_json to_json(const Distribution& distribution) {
  ordered_json result;
  result["count"] = distribution.count();
  if (distribution.empty()) return result;
  result["min"] = rounded(distribution.min());
  result["median"] = rounded(distribution.median());
  result["p95"] = rounded(distribution.quantile(0.95));
  result["p99"] = rounded(distribution.quantile(0.99));
  result["max"] = rounded(distribution.max());
  return result;
}

ordered_json to_json(const lab::Topology& topology, const Outcome& outcome, const RunFacts& facts) {
  ordered_json result;
  if (outcome.script) result = lab::to_json(topology, *outcome.script);
  result["topology"] = topology.name;
  result["nodes"] = topology.nodes.size();
  result["links"] = topology.links.size();
  result["seed"] = facts.seed;
  result["start"]["converged_ms"] = outcome.start_ms ? ordered_json(rounded(*outcome.start_ms)) : ordered_json();
  result["start"]["messages_per_node"] = to_json(outcome.start.messages);
  result["start"]["bytes_per_node"] = to_json(outcome.start.bytes);
  result["start"]["spf_runs_per_node"] = to_json(outcome.start.spf_runs);
  result["idle"]["seconds"] = static_cast<double>(outcome.idle.count()) / 1e9;
  result["idle"]["messages_per_node_per_minute"] = to_json(outcome.idle_messages);
  result["idle"]["bytes_per_node_per_minute"] = to_json(outcome.idle_bytes);
  const Coverage& coverage = outcome.coverage;
  result["coverage"] = {{"routes", coverage.routes},
                        {"equal_cost", share(coverage.equal_cost, coverage.routes)},
                        {"node_protecting", share(coverage.node_protecting, coverage.routes)},
                        {"link_protecting", share(coverage.link_protecting, coverage.routes)}};
  result["failures"] = changes_json(outcome.failures);
  result["failures"]["without_place"] = outcome.failures_without_place;
  result["failures"]["each"] = list_json(outcome.failures);
  result["repairs"] = changes_json(outcome.repairs);
  result["chaos"]["seconds"] = static_cast<double>(outcome.chaos.count()) / 1e9;
  result["chaos"]["faults"] = ordered_json::object();
  for (const auto& [kind, count] : outcome.chaos_faults) result["chaos"]["faults"][kind] = count;
  result["chaos"]["healed_ms"] = outcome.heal_ms ? ordered_json(rounded(*outcome.heal_ms)) : ordered_json();
  result["checks"] = outcome.checks;
  result["arrivals"] = outcome.arrivals;
  result["virtual_s"] = rounded(static_cast<double>(outcome.virtual_time.count()) / 1e9);
  result["trace"] = fmt::format("{:016x}", outcome.trace);
  result["fault"] = outcome.fault.empty() ? ordered_json() : ordered_json(outcome.fault);
  result["replay"] = facts.replay;
  result["wall_s"] = rounded(facts.wall_s);
  result["rss_mib"] = rounded(facts.rss_mib);
  result.erase("ok");
  result["ok"] = outcome.ok();
  return result;
}

std::string to_text(const lab::Topology& topology, const Outcome& outcome, const RunFacts& facts, bool colour) {
  std::string text;
  if (outcome.script) text += "\n" + lab::to_table(topology, *outcome.script, colour) + "\n";
  text += fmt::format("\n{}: {} routers, {} links, seed {}\n", topology.name, topology.nodes.size(),
                      topology.links.size(), facts.seed);
  if (outcome.start_ms)
    text += fmt::format("cold start: everything as it must be {:.1f} ms after the last router's start\n",
                        *outcome.start_ms);
  text += coverage_text(outcome.coverage);
  Table start = spread_table("START AND REST");
  add_row(start, "messages of a node at the start", outcome.start.messages);
  add_row(start, "bytes of a node at the start", outcome.start.bytes);
  add_row(start, "computations of a node at the start", outcome.start.spf_runs);
  add_row(start, "messages of a node at rest, a minute", outcome.idle_messages);
  add_row(start, "bytes of a node at rest, a minute", outcome.idle_bytes);
  text += "\n" + start.render(colour);
  for (const auto& [title, changes] :
       {std::pair("FAILURES", &outcome.failures), std::pair("MENDED AGAIN", &outcome.repairs)}) {
    if (changes->empty()) continue;
    Table table = spread_table(fmt::format("{} {}", changes->size(), title));
    add_change_rows(table, sum_of(*changes));
    text += "\n" + table.render(colour);
  }
  if (outcome.chaos.count() != 0) {
    std::uint64_t faults = 0;
    for (const auto& [kind, count] : outcome.chaos_faults) faults += count;
    text += fmt::format("\nchaos: {} faults in {} s", faults, outcome.chaos / std::chrono::seconds(1));
    if (outcome.heal_ms) text += fmt::format(", healed {:.1f} ms after the last", *outcome.heal_ms);
    text += "\n";
  }
  text += fmt::format(
      "\n{:.1f} s of virtual time in {:.1f} s, {} arrivals, {} checks of what must always hold, {:.0f} MiB, trace "
      "{:016x}\n",
      static_cast<double>(outcome.virtual_time.count()) / 1e9, facts.wall_s, outcome.arrivals, outcome.checks,
      facts.rss_mib, outcome.trace);
  if (outcome.ok()) return text + paint("all was as it must be", Style::green, colour) + "\n";
  if (!outcome.fault.empty()) text += paint("fault: ", Style::red, colour) + outcome.fault + "\n";
  return text + paint("NOT all was as it must be", Style::red, colour) + "; this does it again:\n  " + facts.replay +
         "\n";
}

}  // namespace starling::sim
