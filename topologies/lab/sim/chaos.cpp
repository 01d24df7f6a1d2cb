#include "topologies/lab/sim/chaos.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace starling::sim {

using namespace std::chrono_literals;

namespace {

constexpr Duration kPauseMax = 1s;    // between two faults
constexpr Duration kFaultMin = 50ms;  // that a fault lasts
constexpr Duration kFaultMax = 4s;
constexpr std::uint32_t kLossMax_permille = 30;
constexpr std::uint32_t kDuplicateMax_permille = 20;
constexpr std::uint32_t kReorderMax_permille = 20;
constexpr Duration kJitterMax = 3ms;

}  // namespace

Duration Chaos::up_to(Duration least, Duration most) {
  return least + Duration(static_cast<Duration::rep>(
                     stage_.random().below(static_cast<std::uint64_t>((most - least).count()) + 1)));
}

bool Chaos::run(Duration duration, Outcome& outcome) {
  Network& network = stage_.network();
  const Time end = stage_.now() + duration;
  spoil_links();
  Time next_fault = stage_.now();
  while (stage_.now() < end) {
    Time next = std::min(end, next_fault);
    for (const Active& active : active_) next = std::min(next, active.until);
    network.run_to(next);
    undo_what_is_over(stage_.now());
    if (stage_.now() < next_fault || stage_.now() >= end) continue;
    break_something(outcome);
    next_fault = stage_.now() + up_to(0ms, kPauseMax);
  }
  outcome.chaos += duration;
  stage_.meter().begin("heal", true, {}, {});
  heal();
  const bool healed = stage_.await_convergence(kHealLimit);
  const Measurement measured = stage_.meter().end();
  if (healed) {
    outcome.heal_ms = measured.converged_ms.max();
  } else {
    outcome.fault = fmt::format("not healed {} s after the last fault: {}",
                                std::chrono::duration_cast<std::chrono::seconds>(kHealLimit).count(), stage_.fault());
  }
  return healed;
}

void Chaos::spoil_links() {
  SeededRandom& random = stage_.random();
  for (const auto& [ends, link] : stage_.network().links()) {
    before_[ends] = {link.there.quality, link.back.quality};
    for (const auto& [from, to] : {ends, LinkEnds{ends.second, ends.first}}) {
      Quality quality = stage_.network().channel(from, to).quality;
      quality.loss_permille += static_cast<std::uint32_t>(random.below(kLossMax_permille));
      quality.duplicate_permille += static_cast<std::uint32_t>(random.below(kDuplicateMax_permille));
      quality.reorder_permille += static_cast<std::uint32_t>(random.below(kReorderMax_permille));
      quality.jitter += up_to(0ms, kJitterMax);
      stage_.network().set_quality(from, to, quality);
    }
  }
}

void Chaos::break_something(Outcome& outcome) {
  const FaultKind kind = kFaultKinds[stage_.random().below(std::size(kFaultKinds))];
  auto fault = choose_fault(kind, stage_.network(), busy_, stage_.random());
  if (!fault) return;
  apply(stage_.network(), *fault);
  outcome.chaos_faults[to_string(kind)]++;
  occupy(*fault, busy_);
  active_.push_back({stage_.now() + up_to(kFaultMin, kFaultMax), std::move(*fault)});
}

void Chaos::undo_what_is_over(Time now) {
  for (auto active = active_.begin(); active != active_.end();) {
    if (active->until > now) {
      ++active;
      continue;
    }
    undo(stage_.network(), active->fault);
    release(active->fault, busy_);
    active = active_.erase(active);
  }
}

void Chaos::heal() {
  undo_what_is_over(kNever);
  for (const auto& [ends, qualities] : before_) {
    stage_.network().set_quality(ends.first, ends.second, qualities.first);
    stage_.network().set_quality(ends.second, ends.first, qualities.second);
  }
}

}  // namespace starling::sim
