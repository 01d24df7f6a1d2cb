#include "topologies/lab/sim/arguments.h"

#include <fmt/format.h>

#include <algorithm>

namespace starling::sim {

namespace {

constexpr std::pair<const char*, Traffic> kTraffic[] = {
    {"none", Traffic::none}, {"one-way", Traffic::one_way}, {"two-way", Traffic::two_way}, {"mixed", Traffic::mixed}};

// As a shell takes it back.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:,=%+@";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

}  // namespace

std::string to_command(const Arguments& arguments) {
  const Arguments usual;
  std::string command = "starling sim run ";
  command += arguments.topology.empty() ? "--generate " + shell_word(arguments.shape) : shell_word(arguments.topology);
  command += fmt::format(" --seed {}", arguments.seed);
  if (arguments.mixed) command += " --mixed";
  if (arguments.trust) command += " --trust";
  if (arguments.faults) command += " --faults " + shell_word(*arguments.faults);
  if (!arguments.link.empty()) command += " --link " + shell_word(arguments.link);
  if (!arguments.hello.empty()) command += " --hello " + shell_word(arguments.hello);
  if (arguments.traffic != usual.traffic) command += " --traffic " + arguments.traffic;
  if (arguments.flows != usual.flows) command += fmt::format(" --flows {}", arguments.flows);
  if (arguments.start_spread != usual.start_spread) command += " --start-spread " + shell_word(arguments.start_spread);
  return command;
}

std::string faults_of(const Arguments& arguments) {
  return arguments.faults.value_or(arguments.topology.empty() ? "random:20" : "none");
}

Result<SimulationOptions> options_of(const Arguments& arguments) {
  SimulationOptions options;
  options.build.seed = arguments.seed;
  options.build.trust = arguments.trust;
  auto link = parse_quality(arguments.link, {});
  if (!link) return link.error();
  options.build.link = *link;
  if (!arguments.hello.empty()) {
    const auto hello = parse_hello(arguments.hello);
    if (!hello) return hello.error();
    options.build.hello = *hello;
  }
  auto faults = parse_fault_plan(faults_of(arguments));
  if (!faults) return faults.error();
  options.faults = std::move(*faults);
  const auto traffic = std::find_if(std::begin(kTraffic), std::end(kTraffic),
                                    [&](const auto& known) { return arguments.traffic == known.first; });
  if (traffic == std::end(kTraffic))
    return Error{fmt::format("--traffic {}: must be none, one-way, two-way or mixed", arguments.traffic)};
  options.traffic.traffic = traffic->second;
  options.traffic.flows = arguments.flows;
  const auto spread = parse_time(arguments.start_spread);
  if (!spread)
    return Error{fmt::format("--start-spread {}: must be a time of up to 60s, such as 100ms", arguments.start_spread)};
  options.start_spread = *spread;
  return options;
}

Arguments case_of_seed(std::uint64_t seed) {
  SeededRandom random(seed ^ 0x7377656570u);
  Arguments arguments;
  arguments.seed = seed;
  const std::uint64_t size = random.below(10);
  switch (random.below(6)) {
    case 0: arguments.shape = fmt::format("grid:{}x{}", 2 + size % 3, 2 + size / 3); break;
    case 1: arguments.shape = fmt::format("ring:{}", 3 + size); break;
    case 2: arguments.shape = fmt::format("line:{}", 2 + size / 2); break;
    case 3: arguments.shape = size < 5 ? "fat-tree:2" : "fat-tree:4"; break;
    default: arguments.shape = fmt::format("random:{},{}", 5 + size, 2 + size % 3); break;
  }
  arguments.mixed = random.below(2) == 0;
  arguments.trust = random.below(3) == 0;
  arguments.faults = "random:1,chaos:6";
  // Slower than the flows' 8 Mbit/s: queues fill up where one passes, and a flood takes a while.
  if (random.below(4) == 0) arguments.link = "rate=2Mbit";
  return arguments;
}

}  // namespace starling::sim
