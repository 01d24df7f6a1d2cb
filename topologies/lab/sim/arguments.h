// What a person says to `starling sim run`, as text that was typed, and as what it means. The text can be written out
// again, so that a failing run prints the one command that repeats it exactly.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "topologies/lab/sim/simulation.h"

namespace starling::sim {

struct Arguments {
  std::string topology;  // a file or a shipped name; empty: `shape`
  std::string shape;
  std::uint64_t seed = 1;
  bool mixed = false;
  bool trust = false;
  std::optional<std::string> faults;
  std::string link;
  std::string hello;
  std::string traffic = "mixed";
  std::size_t flows = 4;
  std::string start_spread = "100ms";
};

// "starling sim run --generate grid:4x4 --seed 7 --faults chaos:20"
std::string to_command(const Arguments& arguments);
// What `faults` means where nothing is said: 20 at random in a network made by rule, none in one from a file.
std::string faults_of(const Arguments& arguments);
Result<SimulationOptions> options_of(const Arguments& arguments);

// The case that a sweep makes of a seed: some small shape, some faults, chaos.
Arguments case_of_seed(std::uint64_t seed);

}  // namespace starling::sim
