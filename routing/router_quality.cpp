// What a link is worth: its cost, by hand or measured; the probes that try the way of the data; whether it is grey.
#include "routing/router_impl.h"

namespace starling::routing {

LinkCost Router::Impl::cost_of(const Neighbor& neighbor) const {
  if (drained || neighbor.quality.grey() != GreyReason::none) return {kLastResortMetric, false};
  if (neighbor.config.cost) return {*neighbor.config.cost, true};
  return {config.metric == MetricMode::rtt ? neighbor.quality.measured() : kDefaultCost, false};
}

void Router::Impl::announce_cost(const Neighbor& neighbor) {
  if (neighbor.state != NeighborState::full) return;
  origination.want(cause_of(neighbor));
  computation.want(cause_of(neighbor));
}

void Router::Impl::note_hello(Now now, Neighbor& neighbor, const Hello& hello) {
  LinkQuality& quality = neighbor.quality;
  const LinkCost before = cost_of(neighbor);
  quality.on_hello(hello.sequence);
  if (config.metric == MetricMode::rtt && hello.has_echo && neighbor.round_trip) {
    quality.measure(now.monotonic, *neighbor.round_trip, *neighbor.smoothed_round_trip);
  }
  if (cost_of(neighbor) != before) announce_cost(neighbor);
  if (quality.is_worth_a_review()) review_quality(now, neighbor);
}

void Router::Impl::try_paths(Now now) {
  for (auto& [id, neighbor] : neighbors) {
    if (neighbor.quality.next_deadline() > now.monotonic) continue;
    review_quality(now, neighbor);
    for (const ProbeToSend& probe : neighbor.quality.take_probes(now.monotonic, config.path_probe_interval,
                                                                 neighbor.smoothed_round_trip, random)) {
      const auto size = static_cast<std::uint16_t>(probe.size - kInnerHeadersSize);
      transmit(id, encode(envelope_to(neighbor), PathProbe{probe.number, size}), true);
    }
  }
}

void Router::Impl::review_quality(Now now, Neighbor& neighbor) {
  LinkQuality& quality = neighbor.quality;
  const GreyReason before = quality.grey();
  if (!quality.review(now.monotonic)) return;
  const bool grey = quality.grey() != GreyReason::none;
  if (grey != (before != GreyReason::none)) announce_cost(neighbor);
  Event told =
      make_event(grey ? EventKind::link_grey : EventKind::link_healed, now.monotonic, cause_of(neighbor), neighbor.id);
  told.reason = to_string(grey ? quality.grey() : before);
  if (quality.grey() == GreyReason::full_size_lost) told.count = quality.carried_size().value_or(0);
  if (quality.grey() == GreyReason::loss_sent) told.count = quality.probes_lost_permille(now.monotonic);
  if (quality.grey() == GreyReason::loss_received) told.count = quality.loss();
  emit(std::move(told));
}

void Router::Impl::handle(Now now, Neighbor& neighbor, const PathProbe& probe) {
  if (!neighbor.answer_bucket.take(now.monotonic)) return reject(now, neighbor.id, RejectReason::too_many_answers);
  transmit(neighbor.id, encode(envelope_to(neighbor), neighbor.quality.on_probe(probe.number)));
}

void Router::Impl::handle(Now, Neighbor& neighbor, const PathAnswer& answer) {
  neighbor.quality.on_answer(answer);
}

}  // namespace starling::routing
