#include "topologies/lab/sim/channel.h"

#include <algorithm>

namespace starling::sim {

namespace {

constexpr std::int64_t kReorderDelaysMax = 10;

bool happens(std::uint32_t permille, RandomSource& random) {
  return permille != 0 && random.below(1000) < permille;
}

Duration up_to(Duration limit, RandomSource& random) {
  if (limit.count() == 0) return {};
  return Duration(static_cast<Duration::rep>(random.below(static_cast<std::uint64_t>(limit.count()) + 1)));
}

Duration time_on_wire(std::size_t size, std::uint64_t rate_bits_per_s) {
  const auto bits = static_cast<std::uint64_t>(size + kOuterOverhead) * 8;
  return Duration(static_cast<Duration::rep>(bits * 1'000'000'000 / rate_bits_per_s));
}

}  // namespace

Channel::Arrivals Channel::send(Time now, std::size_t size, Precedence precedence, RandomSource& random) {
  Arrivals arrivals;
  if (!open || size > quality.mtu || happens(quality.loss_permille, random)) return arrivals;
  const Time left = leave(now, size, precedence);
  if (left == kNever) return arrivals;
  arrivals.count = happens(quality.duplicate_permille, random) ? 2 : 1;
  for (int i = 0; i < arrivals.count; i++) {
    Time at = left + quality.delay + up_to(quality.jitter, random);
    if (happens(quality.reorder_permille, random)) at += up_to(quality.delay * kReorderDelaysMax, random);
    arrivals.at[static_cast<std::size_t>(i)] = std::max(at, clogged_until);
  }
  return arrivals;
}

// Control packets wait for each other only; the others also for them.
Time Channel::leave(Time now, std::size_t size, Precedence precedence) {
  if (quality.rate_bits_per_s == 0) return now;
  const Duration takes = time_on_wire(size, quality.rate_bits_per_s);
  const Duration queue_takes = time_on_wire(quality.queue_size, quality.rate_bits_per_s);
  const bool control = precedence == Precedence::control;
  const Time begins = std::max(now, control ? control_free_at_ : std::max(free_at_, control_free_at_));
  if (begins - now > queue_takes) return kNever;
  if (control) {
    control_free_at_ = begins + takes;
    free_at_ = std::max(free_at_, now) + takes;
    return control_free_at_;
  }
  free_at_ = begins + takes;
  return free_at_;
}

}  // namespace starling::sim
