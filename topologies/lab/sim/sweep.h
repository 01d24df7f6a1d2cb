// Many small networks, one a seed: shape, faults and everything else follow from it. What fails is told with the
// command that repeats it alone.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "topologies/lab/sim/distribution.h"
#include "topologies/lab/sim/watchman.h"

namespace starling::sim {

struct SeedRange {
  std::uint64_t first = 1;
  std::uint64_t last = 1;  // inclusive
};
Result<SeedRange> parse_seeds(std::string_view text);  // "1-200", "7"

struct SweepResult {
  struct Failed {
    std::uint64_t seed = 0;
    std::string fault;
    std::string replay;
  };
  std::uint64_t seeds = 0;
  std::uint64_t routers = 0;
  std::uint64_t faults = 0;
  std::uint64_t checks = 0;
  std::uint64_t arrivals = 0;
  std::uint64_t trace = 0;  // of all
  Distribution start_ms;
  Distribution healed_ms;
  std::vector<Failed> failed;
};

// What runs each seed alone, as sweep() does.
std::vector<std::string> commands_of(const SeedRange& seeds);

SweepResult sweep(const SeedRange& seeds, Watchman& watchman);

nlohmann::ordered_json to_json(const SweepResult& result, double wall_s, double rss_mib);
std::string to_text(const SweepResult& result, double wall_s, bool colour);

}  // namespace starling::sim
