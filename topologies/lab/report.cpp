#include "topologies/lab/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/control/table.h"
#include "topologies/lab/clock.h"

namespace starling::lab {

using daemon::Cell;
using daemon::Column;
using daemon::Style;
using daemon::Table;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

json optional_ms(std::optional<std::int64_t> from_ns, std::int64_t zero_ns) {
  return from_ns ? json(rounded_ms(*from_ns - zero_ns)) : json();
}

std::string text_ms(std::optional<std::int64_t> at_ns, std::int64_t zero_ns) {
  return at_ns ? fmt::format("{:.1f} ms", to_ms(*at_ns - zero_ns)) : "never";
}

// The slowest of the start and all events; nothing if one never converged.
std::optional<std::int64_t> slowest_convergence_ns(const Report& report) {
  if (!report.converged_ns) return std::nullopt;
  std::int64_t slowest = *report.converged_ns - report.last_start_ns;
  for (const EventOutcome& event : report.events) {
    if (!event.converged_ns) return std::nullopt;
    slowest = std::max(slowest, *event.converged_ns - event.at_ns);
  }
  return slowest;
}

std::string describe(const Topology& topology, const Expectation& expectation) {
  switch (expectation.kind) {
    case Expectation::Kind::converged_within:
      return fmt::format("converged within {} ms, at the start and after every event", expectation.limit_ms);
    case Expectation::Kind::max_outage:
      return fmt::format("{} out for at most {} ms", topology.describe(topology.probes[expectation.probe]),
                         expectation.limit_ms);
    case Expectation::Kind::path: {
      std::string path;
      for (const std::size_t node : expectation.path) path += (path.empty() ? "" : " ") + topology.nodes[node].name;
      return fmt::format("path {} at {} ms", path, expectation.at_ms);
    }
    case Expectation::Kind::all_reachable: return fmt::format("all reach all at {} ms", expectation.at_ms);
  }
  return "";
}

std::string describe_measured(const Expectation& expectation, const json& measured) {
  if (measured.is_null()) return "not reached";
  switch (expectation.kind) {
    case Expectation::Kind::converged_within:
    case Expectation::Kind::max_outage: return fmt::format("{:.1f} ms", measured.get<double>());
    case Expectation::Kind::path: {
      std::string path;
      for (const json& node : measured) path += (path.empty() ? "" : " ") + node.get<std::string>();
      return path;
    }
    case Expectation::Kind::all_reachable:
      return fmt::format("{} of {}", measured.at("reached").get<std::size_t>(),
                         measured.at("pairs").get<std::size_t>());
  }
  return "";
}

std::string convergence_table(const Topology& topology, const Report& report, bool colour) {
  Table table({{"CONVERGED AFTER"}, {"AT", Column::Align::right}, {"TOOK", Column::Align::right}});
  table.add_row({"start", "", text_ms(report.converged_ns, report.last_start_ns)});
  for (const EventOutcome& outcome : report.events) {
    const Event& event = topology.events[outcome.event];
    table.add_row(
        {topology.describe(event), fmt::format("{} ms", event.at_ms), text_ms(outcome.converged_ns, outcome.at_ns)});
  }
  return table.render(colour);
}

std::string probe_table(const Topology& topology, const Report& report, bool colour) {
  Table table({{"PROBE"},
               {"SENT", Column::Align::right},
               {"RECEIVED", Column::Align::right},
               {"OUTAGES", Column::Align::right},
               {"LONGEST OUTAGE", Column::Align::right}});
  for (std::size_t i = 0; i < report.probes.size(); i++) {
    const ProbeRecord& record = report.probes[i];
    table.add_row({topology.describe(topology.probes[i]), std::to_string(record.packets.size()),
                   std::to_string(record.received()), std::to_string(record.outages().size()),
                   fmt::format("{:.1f} ms", to_ms(record.longest_outage_ns()))});
  }
  return table.empty() ? "" : table.render(colour) + "\n";
}

std::string expectation_table(const Topology& topology, const Report& report, bool colour) {
  Table table({{"EXPECTED"}, {"MEASURED", Column::Align::right}, {"HELD"}});
  for (std::size_t i = 0; i < report.expectations.size(); i++) {
    const auto& [held, measured] = report.expectations[i];
    table.add_row({describe(topology, topology.expectations[i]), describe_measured(topology.expectations[i], measured),
                   held ? Cell("yes", Style::green) : Cell("NO", Style::red)});
  }
  return table.empty() ? "" : table.render(colour) + "\n";
}

}  // namespace

bool Report::ok() const {
  return fault.empty() && converged_ns &&
         std::all_of(expectations.begin(), expectations.end(),
                     [](const ExpectationOutcome& outcome) { return outcome.held; });
}

void judge(const Topology& topology, Report& report) {
  report.expectations.resize(topology.expectations.size());
  for (std::size_t i = 0; i < topology.expectations.size(); i++) {
    const Expectation& expectation = topology.expectations[i];
    ExpectationOutcome& outcome = report.expectations[i];
    std::optional<std::int64_t> measured_ns;
    if (expectation.kind == Expectation::Kind::converged_within) measured_ns = slowest_convergence_ns(report);
    if (expectation.kind == Expectation::Kind::max_outage && expectation.probe < report.probes.size() &&
        !report.probes[expectation.probe].packets.empty())
      measured_ns = report.probes[expectation.probe].longest_outage_ns();
    if (!measured_ns) continue;
    outcome.measured = rounded_ms(*measured_ns);
    outcome.held = *measured_ns <= static_cast<std::int64_t>(expectation.limit_ms) * kNsPerMs;
  }
}

ordered_json to_json(const Topology& topology, const Report& report) {
  ordered_json result;
  result["topology"] = topology.name;
  result["nodes"] = topology.nodes.size();
  result["links"] = topology.links.size();
  result["converged_ms"] = optional_ms(report.converged_ns, report.last_start_ns);
  result["probes"] = ordered_json::array();
  for (std::size_t i = 0; i < report.probes.size(); i++) {
    ordered_json probe;
    probe["from"] = topology.nodes[topology.probes[i].from].name;
    probe["to"] = topology.nodes[topology.probes[i].to].name;
    probe["sent"] = report.probes[i].packets.size();
    probe["received"] = report.probes[i].received();
    probe["longest_outage_ms"] = rounded_ms(report.probes[i].longest_outage_ns());
    result["probes"].push_back(std::move(probe));
  }
  result["expectations"] = ordered_json::array();
  for (std::size_t i = 0; i < report.expectations.size(); i++) {
    ordered_json expectation;
    expectation["expect"] = topology.expectations[i].source;
    expectation["held"] = report.expectations[i].held;
    expectation["measured"] = report.expectations[i].measured;
    result["expectations"].push_back(std::move(expectation));
  }
  result["ok"] = report.ok();
  return result;
}

std::string to_table(const Topology& topology, const Report& report, bool colour) {
  std::string text =
      fmt::format("{}: {} nodes, {} links\n\n", topology.name, topology.nodes.size(), topology.links.size());
  text += convergence_table(topology, report, colour) + "\n";
  text += probe_table(topology, report, colour);
  text += expectation_table(topology, report, colour);
  if (!report.fault.empty()) text += paint("fault: ", Style::red, colour) + report.fault + "\n";
  text += report.ok() ? paint("all expectations held", Style::green, colour)
                      : paint("NOT all expectations held", Style::red, colour);
  return text + "\n";
}

}  // namespace starling::lab
