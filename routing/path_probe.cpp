#include "routing/path_probe.h"

namespace starling::routing {

namespace {

bool tells_of(const PathAnswer& answer, std::uint32_t number) {
  const std::uint32_t age = answer.newest - number;
  return age < 32 && (answer.history >> age & 1) != 0;
}

}  // namespace

void PathProber::start(Time now) {
  sent_ = 0;
  trial_.reset();
  carried_ = refused_ = 0;
  next_at_ = now;
}

void PathProber::stop() {
  next_at_ = kNever;
}

std::vector<ProbeToSend> PathProber::take_due(Time now, const Pace& pace, RandomSource& random) {
  std::vector<ProbeToSend> due;
  if (now < next_at_) return due;
  const std::size_t lost = lost_in_a_row(now);
  if (lost >= kSearchAfterLost) search(due);
  if (lost == 0) {
    trial_.reset();
    carried_ = refused_ = 0;
  }
  probes_[sent_ % probes_.size()] = {++number_, false};
  sent_++;
  due.push_back({number_, full_size_});
  const auto jitter_permille = static_cast<std::int64_t>(random.below(kPathProbeJitterPercent * 10 + 1));
  after_answer_ = now + pace.interval - pace.interval * jitter_permille / 1000;
  next_at_ = std::min(now + pace.unanswered, after_answer_);
  return due;
}

void PathProber::on_answer(const PathAnswer& answer) {
  const bool was_waiting = sent_ > 0 && !newest(0).arrived;
  for (std::size_t age = 0; age < kept(); age++) {
    Probe& probe = probes_[(sent_ - 1 - age) % probes_.size()];
    probe.arrived = probe.arrived || tells_of(answer, probe.number);
  }
  if (trial_ && tells_of(answer, trial_->number)) trial_->arrived = true;
  if (was_waiting && newest(0).arrived && next_at_ != kNever) next_at_ = after_answer_;
}

std::size_t PathProber::lost_in_a_row(Time now) const {
  const std::size_t first = pending(now);
  std::size_t age = first;
  while (age < kept() && !newest(age).arrived) age++;
  return age - first;
}

std::size_t PathProber::lost_of(std::size_t count, Time now) const {
  const std::size_t first = pending(now);
  std::size_t lost = 0;
  for (std::size_t age = first; age < std::min(kept(), first + count); age++) lost += newest(age).arrived ? 0u : 1u;
  return lost;
}

std::optional<std::uint16_t> PathProber::carried_size() const {
  return search_is_over() ? std::optional(carried_) : std::nullopt;
}

// Of the sizes that differ on the wire: WireGuard pads to 16 bytes.
std::uint16_t PathProber::next_trial_size() const {
  const int middle = (carried_ + refused_) / 2;
  const int rounded = middle - middle % kProbeSizeStep;
  return static_cast<std::uint16_t>(rounded > carried_ ? rounded : rounded + kProbeSizeStep);
}

// The smallest first: whether anything passes at all.
void PathProber::search(std::vector<ProbeToSend>& due) {
  if (!trial_) {
    carried_ = 0;
    refused_ = full_size_;
    trial_ = Trial{kMinProbeSize};
  } else if (trial_->arrived) {
    carried_ = std::max(carried_, trial_->size);
    if (!search_is_over()) trial_ = Trial{next_trial_size()};
  } else if (trial_->tries >= kTriesPerProbeSize && carried_ > 0) {
    refused_ = std::min(refused_, trial_->size);
    if (!search_is_over()) trial_ = Trial{next_trial_size()};
  }
  if (search_is_over()) return;
  trial_->number = ++number_;
  if (trial_->tries < kTriesPerProbeSize) trial_->tries++;
  due.push_back({trial_->number, trial_->size});
}

PathAnswer ArrivedProbes::on_probe(std::uint32_t number) {
  if (!answer_) answer_ = PathAnswer{number, 0};
  const auto ahead = static_cast<std::int32_t>(number - answer_->newest);
  if (ahead > 0) {
    answer_->history = ahead < 32 ? answer_->history << ahead : 0;
    answer_->newest = number;
  }
  const std::uint32_t age = answer_->newest - number;
  if (age < 32) answer_->history |= std::uint32_t{1} << age;
  return *answer_;
}

}  // namespace starling::routing
