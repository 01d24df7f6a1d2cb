// What a link costs: what one end announces, and what counts for both directions (design §5, docs/protocol.md,
// "Metric").
//
// Invariant: a measured metric leaves its announced value only after the measurement has stayed away from it, on one
// side, for a hold time, which doubles each time the metric turns back. So a link whose delay depends on the traffic
// that its metric attracts changes ever more rarely (the lesson of ARPANET's delay metric: Khanna and Zinky, "The
// revised ARPANET routing metric", 1989).
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.h"
#include "routing/limits.h"
#include "routing/types.h"

namespace starling::routing {

// Where the metric of a link comes from that nobody has set by hand.
enum class MetricMode : std::uint8_t {
  fixed,  // kDefaultCost
  rtt,    // the round trip in microseconds, smoothed, with a constant per hop and a penalty for loss
};

// What one end says of a link.
struct LinkCost {
  Metric metric = kDefaultCost;
  bool manual = false;  // set by hand: counts instead of what the other end measures
  friend bool operator==(const LinkCost&, const LinkCost&) = default;
};

// Such a link is taken where there is no other way (as OSPF's MaxLinkMetric, RFC 6987 3).
inline constexpr Metric kLastResortMetric = kMaxLinkMetric;

// What counts for both directions of a link: the larger; but if one end has set its value by hand, that one. A last
// resort is one whoever says so.
constexpr Metric metric_of_link(LinkCost a, LinkCost b) {
  const Metric larger = std::max(a.metric, b.metric);
  if (larger >= kLastResortMetric || a.manual == b.manual) return larger;
  return a.manual ? a.metric : b.metric;
}

// The metric of a link by its smoothed round trip, and the share of what comes by it that is lost.
Metric measured_metric(Duration round_trip, std::uint16_t loss_permille);

class RttMetric {
 public:
  struct Measurement {
    Duration newest{};  // round trips
    Duration smoothed{};
    std::uint16_t loss_permille = 0;
  };

  // True if metric() is another now.
  bool update(Time now, const Measurement& measurement);
  // kUnmeasuredMetric before the first measurement.
  Metric metric() const { return known_ ? announced_ : kUnmeasuredMetric; }

 private:
  enum class Direction : std::uint8_t { none, down, up };

  Direction direction_to(Metric measured) const;
  bool begin(Time now, const Measurement& measurement);
  bool settle(Time now, const Measurement& measurement);
  void announce(Time now, Direction direction);

  bool known_ = false;
  bool settled_ = false;
  Duration shortest_{};  // of the newest, until it has settled
  Time began_at_{};
  Metric announced_ = 0;
  Direction away_ = Direction::none;  // where the measurement stays, seen from what is announced
  Time away_since_{};
  std::uint64_t sum_ = 0;  // of the measurements since
  std::uint64_t count_ = 0;
  Direction last_ = Direction::none;  // of the last change
  Time changed_at_{};
  Duration hold_ = kMetricHold;
};

}  // namespace starling::routing
