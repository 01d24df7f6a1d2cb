#include "topologies/lab/sim/plan.h"

#include <fmt/format.h>

#include <charconv>

namespace starling::sim {

namespace {

Error error(std::string_view part) {
  std::string kinds;
  for (const FaultKind kind : kFaultKinds) kinds += fmt::format("{}, ", to_string(kind));
  return Error{fmt::format(
      "--faults {}: must be none, chaos:SECONDS (at most {}), or KIND:COUNT (at most {}) with a kind of {}random", part,
      kChaosMax_s, kFaultsMax, kinds)};
}

}  // namespace

Result<FaultPlan> parse_fault_plan(std::string_view text) {
  FaultPlan plan;
  if (text == "none") return plan;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const std::size_t colon = part.find(':');
    if (colon == std::string_view::npos) return error(part);
    const std::string_view kind = part.substr(0, colon);
    const std::string_view digits = part.substr(colon + 1);
    std::uint64_t count = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (code != std::errc() || end != digits.data() + digits.size()) return error(part);
    if (count > (kind == "chaos" ? kChaosMax_s : kFaultsMax)) return error(part);
    if (kind == "chaos") {
      plan.chaos += std::chrono::seconds(count);
      continue;
    }
    const auto known = parse_fault_kind(kind);
    if (!known && kind != "random") return error(part);
    plan.parts.push_back({known, count});
  }
  return plan;
}

std::vector<FaultKind> draw_kinds(const FaultPlan& plan, RandomSource& random) {
  std::vector<FaultKind> kinds;
  for (const FaultPlan::Part& part : plan.parts) {
    for (std::size_t i = 0; i < part.count; i++) {
      const std::uint64_t drawn = random.below(10);
      kinds.push_back(part.kind   ? *part.kind
                      : drawn < 6 ? FaultKind::cut
                      : drawn < 8 ? FaultKind::down
                                  : FaultKind::stop);
    }
  }
  return kinds;
}

}  // namespace starling::sim
