// What becomes of neighbours: the state table put into effect, the binding of a NodeId to a tunnel, silence and doubt.
#include <utility>

#include "routing/router_impl.h"

namespace starling::routing {

void Router::Impl::apply(Now now, Neighbor& neighbor, NeighborEvent event, const char* reason) {
  const NeighborState from = neighbor.state;
  const NeighborTransition transition = neighbor_transition(from, event);
  const Cause cause = cause_of(neighbor);
  neighbor.state = transition.to;
  if (transition.to != from || transition.action != NeighborAction::none) concerns_all = true;
  if (transition.to != from) {
    neighbor.since = now.monotonic;
    if (from == NeighborState::full) {
      neighbor.times_down++;
      origination.want(cause);
      computation.want(cause);
    }
    Event told = make_event(EventKind::neighbor_state, now.monotonic, cause, neighbor.id);
    told.from = from;
    told.to = transition.to;
    told.reason = reason;
    emit(std::move(told));
  }
  act(now, neighbor, transition.action, cause);
}

void Router::Impl::act(Now now, Neighbor& neighbor, NeighborAction action, const Cause& cause) {
  switch (action) {
    case NeighborAction::none: break;
    case NeighborAction::answer: send_hello(now, neighbor); break;
    case NeighborAction::exchange:
      neighbor.heard(now.monotonic);  // the silence of an adjacency has limits of its own
      if (!is_stranger(neighbor)) neighbor.exchange.start();
      neighbor.quality.start(now.monotonic);
      push_own(neighbor);
      send_hello(now, neighbor);
      break;
    case NeighborAction::announce:
      origination.want(cause);
      computation.want(cause);
      break;
    case NeighborAction::withdraw:
      neighbor.exchange.stop();
      if (!is_stranger(neighbor)) neighbor.exchange.start();
      break;
    case NeighborAction::drop:
      neighbor.drop_adjacency();
      if (neighbor.state == NeighborState::down) neighbor.forget();
      send_hello(now, neighbor);
      break;
  }
}

// What it needs first, before its own questions tell what else it lacks.
void Router::Impl::push_own(Neighbor& neighbor) {
  if (const Database::Entry* grant = database.find({config.id, kGrantFragment}); grant && !grant->tombstone) {
    neighbor.grant_queue.push(grant->lsa);
  }
  for (const LsaHandle& lsa : originator.current()) neighbor.queue.push(lsa);
}

// The neighbour's own announcement, signed by it, names the key of the tunnel through which we hear it.
bool Router::Impl::is_bound(const Neighbor& neighbor) const {
  if (!neighbor.node) return false;
  const Lsa* first = database.live({*neighbor.node, 0});
  return first && first->content().attributes &&
         first->content().attributes->wireguard_key == neighbor.config.wireguard_key;
}

const char* Router::Impl::why_not_bound(const Neighbor& neighbor) const {
  if (is_stranger(neighbor)) return "it has no grant of our network";
  const Lsa* first = neighbor.node ? database.live({*neighbor.node, 0}) : nullptr;
  if (!first) return "its announcement expired";
  if (first->is_withdrawal()) return "it withdrew its announcement";
  return "its announcement does not name this tunnel's key";
}

const char* Router::Impl::obstacle_of(const Neighbor& neighbor) const {
  if (!is_stranger(neighbor) && neighbor.exchange.running()) return "databases are being compared";
  if (is_bound(neighbor)) return "";
  const bool is_known = neighbor.node && database.live({*neighbor.node, 0});
  return is_known || is_stranger(neighbor) ? why_not_bound(neighbor) : "its announcement has not come yet";
}

void Router::Impl::review_adjacencies(Now now) {
  for (auto& [id, neighbor] : neighbors) {
    if (neighbor.state == NeighborState::exchange && neighbor.exchange.done() && is_bound(neighbor)) {
      apply(now, neighbor, NeighborEvent::exchange_done, "databases agree");
    }
    if (neighbor.suspect && !neighbor.doubt) set_suspect(now, neighbor, false);
    if (std::exchange(neighbor.binding_changed, false) && neighbor.state == NeighborState::full &&
        !is_bound(neighbor)) {
      apply(now, neighbor, NeighborEvent::binding_lost, why_not_bound(neighbor));
    }
    if (std::exchange(neighbor.may_have_given_up, false) && neighbor.state == NeighborState::full && !neighbor.doubt &&
        is_given_up_by(neighbor)) {
      begin_doubt(now, neighbor, DoubtCause::given_up);
    }
  }
}

// The time during which nobody called us is not silence of the neighbours': it is added to every timeout.
void Router::Impl::judge_neighbors(Now now) {
  const Duration late = now.monotonic - next_deadline();
  note_lateness(now.monotonic, late);
  for (auto& [id, neighbor] : neighbors) {
    if (!neighbor.doubt && neighbor.silent_at <= now.monotonic) neighbor.silent_at += late;
    if (neighbor.next_judgement() <= now.monotonic) judge_neighbor(now, neighbor, late);
  }
}

void Router::Impl::judge_neighbor(Now now, Neighbor& neighbor, Duration late) {
  if (!neighbor.doubt && !neighbor.adjacent()) return apply(now, neighbor, NeighborEvent::silence, "silent");
  if (!neighbor.doubt) neighbor.begin_doubt(now.monotonic, DoubtCause::silence, lateness(now.monotonic));
  neighbor.stretch_doubt(lateness(now.monotonic));
  Doubt& doubt = *neighbor.doubt;
  const bool prolonged = late > doubt.spacing && doubt.may_be_prolonged(now.monotonic);
  if (!prolonged && doubt.ends(now.monotonic)) return apply(now, neighbor, NeighborEvent::silence, "no answer");
  if (!prolonged && doubt.is_suspicious()) set_suspect(now, neighbor, true);
  doubt.sent = std::min(doubt.sent + 1, kProbes);
  doubt.next_at = now.monotonic + doubt.spacing;
  send_hello(now, neighbor, HelloKind::probe);
}

// Of a neighbour of which the host says so.
void Router::Impl::doubt(Now now, NeighborId id, DoubtCause cause) {
  const auto found = neighbors.find(id);
  if (!running || found == neighbors.end() || !found->second.adjacent() || found->second.doubt) return;
  if (cause == DoubtCause::unreachable && !found->second.takes_hint(now.monotonic)) return;
  begin_doubt(now, found->second, cause);
  finish(now);
}

void Router::Impl::begin_doubt(Now now, Neighbor& neighbor, DoubtCause cause) {
  neighbor.begin_doubt(now.monotonic, cause, lateness(now.monotonic));
  judge_neighbor(now, neighbor, {});
}

void Router::Impl::set_suspect(Now now, Neighbor& neighbor, bool suspect) {
  if (neighbor.suspect == suspect) return;
  neighbor.suspect = suspect;
  suspects_changed = true;
  if (suspect) neighbor.times_suspect++;
  Event told = make_event(EventKind::neighbor_suspect, now.monotonic, cause_of(neighbor), neighbor.id);
  told.from = told.to = neighbor.state;
  told.count = suspect ? 1 : 0;
  told.reason = suspect && neighbor.doubt ? to_string(neighbor.doubt->cause) : "heard again";
  emit(std::move(told));
}

void Router::Impl::note_lateness(Time now, Duration late) {
  worst_lateness = std::max(lateness(now), std::min(late, kMaxLateness));
  worst_lateness_at = now;
}

// Half of it after each half-life, in a straight line between. What the host tells of may be older than what it told
// of last.
Duration Router::Impl::lateness(Time now) const {
  const Duration passed = std::max(Duration{}, now - worst_lateness_at);
  if (passed >= 16 * kLatenessHalfLife) return {};
  const auto halvings = passed / kLatenessHalfLife;
  const Duration rest = passed % kLatenessHalfLife;
  const Duration at_start = worst_lateness / (1 << halvings);
  return at_start - Duration(at_start.count() / 2 * (rest / std::chrono::microseconds(1)) /
                             (kLatenessHalfLife / std::chrono::microseconds(1)));
}

}  // namespace starling::routing
