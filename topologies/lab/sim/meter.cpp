#include "topologies/lab/sim/meter.h"

#include <stdexcept>

namespace starling::sim {

namespace {

constexpr Duration kRecently = std::chrono::milliseconds(50);
constexpr Duration kFloodPause = std::chrono::milliseconds(10);  // without news: the former has ended

double to_ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

}  // namespace

void Measurement::add(const Measurement& other) {
  suspected_ms.add(other.suspected_ms);
  detected_ms.add(other.detected_ms);
  detected_idle_ms.add(other.detected_idle_ms);
  flooded_ms.add(other.flooded_ms);
  converged_ms.add(other.converged_ms);
  spf_runs.add(other.spf_runs);
  messages.add(other.messages);
  bytes.add(other.bytes);
  black_hole_ms.add(other.black_hole_ms);
  micro_loop_ms.add(other.micro_loop_ms);
  outage_ms.add(other.outage_ms);
  pairs += other.pairs;
  micro_loops += other.micro_loops;
  looped_pairs += other.looped_pairs;
}

Meter::Meter(const Network& network)
    : network_(network),
      has_watched_(network.size()),
      pairs_through_(network.size()),
      accepted_(network.size()),
      originated_(network.size()),
      computed_(network.size()) {}

void Meter::begin(std::string what, bool repair, std::vector<std::pair<NodeIndex, NodeIndex>> lost,
                  std::vector<Route> pairs) {
  if (pairs.size() > kPairsMax) throw std::invalid_argument("too many pairs");
  measurement_ = {};
  measurement_.what = std::move(what);
  measurement_.repair = repair;
  measurement_.at = newest_change_ = network_.now().monotonic;
  measuring_ = true;
  announced_.reset();
  last_accepted_.reset();
  watched_.clear();
  has_watched_.assign(network_.size(), false);
  for (const auto& [node, neighbor] : lost) {
    const bool idle = measurement_.at - network_.data_sent_at(node, neighbor) > kRecently;
    watched_.push_back({node, neighbor, idle, {}, {}});
    has_watched_[node] = true;
  }
  computed_before_ = computed_;
  sent_before_.clear();
  for (NodeIndex node = 0; node < network_.size(); node++) sent_before_.push_back(network_.sent(node));
  pairs_.clear();
  pairs_through_.assign(network_.size(), 0);
  for (Route& route : pairs) {
    Pair& pair = pairs_.emplace_back();
    pair.route = std::move(route);
    pair.since = measurement_.at;
  }
  look_again();
}

void Meter::look_again() {
  for (std::size_t i = 0; i < pairs_.size(); i++) walk(i);
}

void Meter::leave_out(const std::function<bool(const Route&)>& is_unreachable) {
  for (Pair& pair : pairs_) pair.counts = !is_unreachable(pair.route);
}

// Time until now is put down to what the pair's packets have met with so far.
void Meter::account(Pair& pair, Time until) {
  const Duration passed = until - pair.since;
  if (pair.fate == Fate::looped) {
    pair.micro_loop += passed;
  } else if (pair.fate != Fate::delivered) {
    pair.black_hole += passed;
  }
  pair.since = until;
}

void Meter::walk(std::size_t index) {
  Pair& pair = pairs_[index];
  const std::uint64_t bit = std::uint64_t{1} << index;
  account(pair, network_.now().monotonic);
  for (const NodeIndex node : pair.nodes) pairs_through_[node] &= ~bit;
  Walk walked = network_.walk(pair.route);
  if (walked.fate == Fate::looped && pair.fate != Fate::looped) pair.micro_loops++;
  pair.fate = walked.fate;
  pair.nodes = std::move(walked.nodes);
  for (const NodeIndex node : pair.nodes) pairs_through_[node] |= bit;
}

// A new life begins to count at zero.
void Meter::on_call(NodeIndex node, const routing::RouterOutbox& outbox) {
  const routing::RouterStatistics& statistics = network_.router(node).statistics();
  const Time now = network_.now().monotonic;
  if (statistics.spf_runs < computed_[node]) computed_before_[node] = 0;
  const bool accepted = statistics.lsas_accepted != accepted_[node];
  const bool announced = statistics.lsas_originated != originated_[node];
  accepted_[node] = statistics.lsas_accepted;
  originated_[node] = statistics.lsas_originated;
  computed_[node] = statistics.spf_runs;
  if (accepted || announced || !outbox.routes.empty()) newest_change_ = now;
  if (!measuring_) return;
  note_flood(now, announced, accepted);
  if (has_watched_[node]) look_at_neighbors(node);
  if (outbox.routes.empty() || pairs_through_[node] == 0) return;
  for (std::size_t i = 0; i < pairs_.size(); i++) {
    if ((pairs_through_[node] >> i & 1) != 0) walk(i);
  }
}

void Meter::note_flood(Time now, bool announced, bool accepted) {
  if (announced && last_accepted_ && now - *last_accepted_ > kFloodPause) end_flood();
  if (announced) announced_ = now;
  if (accepted) last_accepted_ = now;
}

void Meter::end_flood() {
  if (announced_ && last_accepted_ && *last_accepted_ >= *announced_)
    measurement_.flooded_ms.add(to_ms(*last_accepted_ - *announced_));
  announced_.reset();
  last_accepted_.reset();
}

void Meter::look_at_neighbors(NodeIndex node) {
  const Time now = network_.now().monotonic;
  for (Watched& watched : watched_) {
    if (watched.node != node || watched.detected_at) continue;
    const routing::NeighborView view = network_.view(node, watched.neighbor);
    const bool down = view.state != routing::NeighborState::full;
    if ((view.suspect || down) && !watched.suspected_at) watched.suspected_at = now;
    if (!down) continue;
    watched.detected_at = now;
    newest_change_ = now;
  }
}

bool Meter::all_noticed() const {
  for (const Watched& watched : watched_) {
    if (!watched.detected_at && network_.running(watched.node)) return false;
  }
  return true;
}

Measurement Meter::end() {
  const Time now = network_.now().monotonic;
  measuring_ = false;
  for (const Watched& watched : watched_) {
    if (watched.suspected_at && !watched.idle)
      measurement_.suspected_ms.add(to_ms(*watched.suspected_at - measurement_.at));
    if (watched.detected_at)
      (watched.idle ? measurement_.detected_idle_ms : measurement_.detected_ms)
          .add(to_ms(*watched.detected_at - measurement_.at));
  }
  end_flood();
  measurement_.converged_ms.add(to_ms(newest_change_ - measurement_.at));
  for (NodeIndex node = 0; node < network_.size(); node++) {
    if (!network_.running(node)) continue;
    measurement_.spf_runs.add(static_cast<double>(computed_[node] - computed_before_[node]));
    const Sent& sent = network_.sent(node);
    measurement_.messages.add(static_cast<double>(sent.others - sent_before_[node].others));
    measurement_.bytes.add(static_cast<double>(sent.other_bytes - sent_before_[node].other_bytes));
  }
  for (Pair& pair : pairs_) {
    account(pair, now);
    if (!pair.counts) continue;
    measurement_.pairs++;
    measurement_.black_hole_ms.add(to_ms(pair.black_hole));
    measurement_.micro_loop_ms.add(to_ms(pair.micro_loop));
    measurement_.micro_loops += pair.micro_loops;
    measurement_.looped_pairs += pair.micro_loops != 0 ? 1 : 0;
  }
  return std::move(measurement_);
}

}  // namespace starling::sim
