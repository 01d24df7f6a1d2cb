#include "routing/metric.h"

namespace starling::routing {

Metric measured_metric(Duration round_trip, std::uint16_t loss_permille) {
  constexpr std::uint64_t kMost = kLastResortMetric - 1;
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(round_trip).count();
  const std::uint64_t delay = kMetricPerHop + static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0));
  const std::uint64_t loss = loss_permille > kLossForgiven ? loss_permille - kLossForgiven : 0u;
  return static_cast<Metric>(std::min(std::min(delay, kMost) * (kLossDoubling + loss) / kLossDoubling, kMost));
}

RttMetric::Direction RttMetric::direction_to(Metric measured) const {
  const Metric step = std::max(announced_ / kMetricStepPart, kMetricStepMin);
  if (measured > announced_ && measured - announced_ > step) return Direction::up;
  if (measured < announced_ && announced_ - measured > step) return Direction::down;
  return Direction::none;
}

bool RttMetric::begin(Time now, const Measurement& measurement) {
  known_ = true;
  announced_ = measured_metric(measurement.newest, measurement.loss_permille);
  shortest_ = measurement.newest;
  began_at_ = changed_at_ = now;
  return true;
}

// The first round trips of a link are those of two nodes that are busy starting: the shortest of them is believed.
bool RttMetric::settle(Time now, const Measurement& measurement) {
  shortest_ = std::min(shortest_, measurement.newest);
  if (now - began_at_ < kMetricSettle) return false;
  settled_ = true;
  const Metric measured = measured_metric(shortest_, measurement.loss_permille);
  if (direction_to(measured) == Direction::none) return false;
  announced_ = measured;
  changed_at_ = now;
  return true;
}

bool RttMetric::update(Time now, const Measurement& measurement) {
  if (!known_) return begin(now, measurement);
  if (!settled_) return settle(now, measurement);
  const Metric measured = measured_metric(measurement.smoothed, measurement.loss_permille);
  const Direction direction = direction_to(measured);
  if (direction != away_) {
    away_ = direction;
    away_since_ = now;
    sum_ = count_ = 0;
    if (now - changed_at_ > hold_ * kMetricCalmHolds) hold_ = kMetricHold;
  }
  if (direction == Direction::none) return false;
  sum_ += measured;
  count_++;
  if (now - away_since_ < hold_) return false;
  announce(now, direction);
  return true;
}

void RttMetric::announce(Time now, Direction direction) {
  announced_ = static_cast<Metric>(sum_ / count_);
  if (last_ != Direction::none && last_ != direction) hold_ = std::min(hold_ * 2, kMetricHoldMax);
  last_ = direction;
  changed_at_ = now;
  away_ = Direction::none;
}

}  // namespace starling::routing
