#include "routing/link_quality.h"

namespace starling::routing {

namespace {

constexpr std::uint32_t kLossWindow = 2 * kGreyHellos;

}  // namespace

const char* to_string(GreyReason reason) {
  switch (reason) {
    case GreyReason::none: return "none";
    case GreyReason::full_size_lost: return "full_size_lost";
    case GreyReason::data_lost: return "data_lost";
    case GreyReason::loss_sent: return "loss_sent";
    case GreyReason::loss_received: return "loss_received";
  }
  return "unknown";
}

void HelloLoss::on_sequence(std::uint32_t sequence) {
  const std::uint32_t gap = sequence - newest_;
  expected_ += any_ && gap <= kOutageHellos ? gap : 1;
  received_++;
  any_ = true;
  newest_ = sequence;
  if (expected_ >= kLossWindow) {
    expected_ /= 2;
    received_ /= 2;
  }
}

std::uint16_t HelloLoss::permille() const {
  if (expected_ == 0) return 0;
  return static_cast<std::uint16_t>((expected_ - std::min(received_, expected_)) * 1000 / expected_);
}

void LinkQuality::start(Time now) {
  prober_.start(now);
  arrived_.reset();
  well_since_ = now;
}

void LinkQuality::stop() {
  prober_.stop();
  loss_.interrupt();
}

// What was found with packets of another size says little.
void LinkQuality::set_mtu(Time now, std::uint16_t mtu) {
  const bool running = prober_.next_deadline() != kNever;
  prober_.set_full_size(mtu);
  if (running) prober_.start(now);
}

std::vector<ProbeToSend> LinkQuality::take_probes(Time now, Duration interval,
                                                  std::optional<Duration> smoothed_round_trip, RandomSource& random) {
  if (now < prober_.next_deadline()) return {};
  if (interval == Duration::zero()) {
    prober_.stop();
    return {};
  }
  const bool doubtful = grey_ != GreyReason::none || prober_.lost_of(kProbesRemembered, now) >= kDoubtLost;
  PathProber::Pace pace;
  pace.interval = doubtful ? std::min(interval, kDoubtInterval) : interval;
  pace.unanswered =
      smoothed_round_trip ? std::max(*smoothed_round_trip * 4, kProbeAnswerTime) : kProbeAnswerTimeUnknown;
  if (grey_ != GreyReason::none) pace.unanswered = std::max(pace.unanswered, kDoubtInterval);
  return prober_.take_due(now, pace, random);
}

std::uint16_t LinkQuality::probes_lost_permille(Time now) const {
  return static_cast<std::uint16_t>(prober_.lost_of(kProbesRemembered, now) * 1000 / kProbesRemembered);
}

// The first that holds: the most precise.
GreyReason LinkQuality::evidence(Time now) const {
  if (prober_.lost_in_a_row(now) >= kGreyLostInARow)
    return prober_.passes_smaller() ? GreyReason::full_size_lost : GreyReason::data_lost;
  if (prober_.lost_of(kProbesRemembered, now) >= kGreyLost) return GreyReason::loss_sent;
  return is_losing_much() ? GreyReason::loss_received : GreyReason::none;
}

bool LinkQuality::is_unwell(Time now) const {
  return prober_.lost_of(kHealProbes, now) > kHealLost || loss_.permille() > kHealLossPermille;
}

void LinkQuality::turn_grey(Time now, GreyReason reason) {
  const bool relapsed = healed_at_ && now - *healed_at_ < heal_time_ * kRelapseTimes;
  heal_time_ = relapsed ? std::min(heal_time_ * 2, kGreyHealMax) : kGreyHeal;
  grey_ = reason;
}

// Of a grey link, only what is more precise than what is known: on its way back it looks like one that loses much.
void LinkQuality::learn_more(GreyReason found) {
  const bool knows_size = grey_ == GreyReason::full_size_lost;
  if (found == GreyReason::full_size_lost || (found == GreyReason::data_lost && !knows_size)) grey_ = found;
}

bool LinkQuality::review(Time now) {
  const GreyReason grey_before = grey_;
  const std::optional<std::uint16_t> carried_before = carried_;
  const GreyReason found = evidence(now);
  if (grey_ != GreyReason::none) {
    learn_more(found);
  } else if (found != GreyReason::none) {
    turn_grey(now, found);
  }
  if (grey_ == GreyReason::none || is_unwell(now)) well_since_ = now;
  if (now - well_since_ >= heal_time_) {
    grey_ = GreyReason::none;
    healed_at_ = now;
  }
  if (grey_ != GreyReason::full_size_lost) carried_.reset();
  if (grey_ == GreyReason::full_size_lost && prober_.carried_size()) carried_ = prober_.carried_size();
  return grey_ != grey_before || carried_ != carried_before;
}

}  // namespace starling::routing
