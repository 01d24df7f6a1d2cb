#include "topologies/lab/sim/sweep.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "daemon/control/style.h"
#include "topologies/lab/sim/arguments.h"
#include "topologies/lab/sim/generator.h"
#include "topologies/lab/sim/report.h"
#include "topologies/lab/sim/trace.h"

namespace starling::sim {

using nlohmann::ordered_json;

namespace {

constexpr std::uint64_t kSeedsMax = 1'000'000;

bool read_number(std::string_view text, std::uint64_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

// One seed's network. Its arguments are right by construction.
Outcome run_case(const Arguments& arguments, Watchman& watchman, std::uint64_t& routers) {
  auto options = options_of(arguments);
  const auto topology = generate(arguments.shape, {arguments.seed, arguments.mixed});
  if (!options || !topology) throw std::logic_error(options ? topology.error().message : options.error().message);
  routers += topology->nodes.size();
  options->pulse = [&] { watchman.look(); };
  return simulate(*topology, *options);
}

}  // namespace

Result<SeedRange> parse_seeds(std::string_view text) {
  SeedRange range;
  const std::size_t dash = text.find('-');
  const bool good = read_number(text.substr(0, dash), range.first) &&
                    (dash == std::string_view::npos || read_number(text.substr(dash + 1), range.last));
  if (dash == std::string_view::npos) range.last = range.first;
  if (good && range.first <= range.last && range.last - range.first < kSeedsMax) return range;
  return Error{fmt::format("--seeds {}: must be FIRST-LAST, such as 1-200, or one seed; at most {}", text, kSeedsMax)};
}

std::vector<std::string> commands_of(const SeedRange& seeds) {
  std::vector<std::string> commands;
  for (std::uint64_t seed = seeds.first; seed <= seeds.last; seed++) commands.push_back(to_command(case_of_seed(seed)));
  return commands;
}

SweepResult sweep(const SeedRange& seeds, Watchman& watchman) {
  SweepResult result;
  Trace trace;
  for (std::uint64_t seed = seeds.first; seed <= seeds.last; seed++) {
    watchman.set_subject(fmt::format("seed {} of {}-{}, ", seed, seeds.first, seeds.last));
    const Arguments arguments = case_of_seed(seed);
    const Outcome outcome = run_case(arguments, watchman, result.routers);
    result.seeds++;
    result.checks += outcome.checks;
    result.arrivals += outcome.arrivals;
    trace.add(outcome.trace);
    for (const auto& [kind, count] : outcome.chaos_faults) result.faults += count;
    if (outcome.start_ms) result.start_ms.add(*outcome.start_ms);
    if (outcome.heal_ms) result.healed_ms.add(*outcome.heal_ms);
    if (outcome.ok()) continue;
    result.failed.push_back({seed, outcome.fault, to_command(arguments)});
    watchman.tell(fmt::format("seed {}: {}\n  {}", seed, outcome.fault, to_command(arguments)));
  }
  result.trace = trace.hash();
  return result;
}

ordered_json to_json(const SweepResult& result, double wall_s, double rss_mib) {
  ordered_json json;
  json["seeds"] = result.seeds;
  json["routers"] = result.routers;
  json["faults"] = result.faults;
  json["checks"] = result.checks;
  json["arrivals"] = result.arrivals;
  json["start_converged_ms"] = to_json(result.start_ms);
  json["healed_ms"] = to_json(result.healed_ms);
  json["failed"] = ordered_json::array();
  for (const SweepResult::Failed& failed : result.failed)
    json["failed"].push_back({{"seed", failed.seed}, {"fault", failed.fault}, {"replay", failed.replay}});
  json["trace"] = fmt::format("{:016x}", result.trace);
  json["wall_s"] = std::round(wall_s * 1000) / 1000;
  json["rss_mib"] = std::round(rss_mib * 1000) / 1000;
  json["ok"] = result.failed.empty();
  return json;
}

std::string to_text(const SweepResult& result, double wall_s, bool colour) {
  std::string text = fmt::format(
      "\n{} networks, {} routers, {} faults, {} checks of what must always hold, in {:.1f} s\n"
      "converged after the start, ms: median {:.1f}, max {:.1f}; healed after the last fault, ms: median {:.1f}, max "
      "{:.1f}\n",
      result.seeds, result.routers, result.faults, result.checks, wall_s, result.start_ms.median(),
      result.start_ms.max(), result.healed_ms.median(), result.healed_ms.max());
  for (const SweepResult::Failed& failed : result.failed)
    text += paint(fmt::format("seed {}: ", failed.seed), daemon::Style::red, colour) + failed.fault +
            "\n  again: " + failed.replay + "\n";
  if (result.failed.empty()) return text + paint("all was as it must be", daemon::Style::green, colour) + "\n";
  return text +
         paint(fmt::format("{} of {} seeds failed", result.failed.size(), result.seeds), daemon::Style::red, colour) +
         "\n";
}

}  // namespace starling::sim
