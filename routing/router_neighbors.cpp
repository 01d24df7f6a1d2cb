// What becomes of neighbours: the state table put into effect, the binding of a NodeId to a tunnel, silence.
#include "routing/router_impl.h"

namespace starling::routing {

void Router::Impl::apply(Now now, Neighbor& neighbor, NeighborEvent event, const char* reason) {
  const NeighborState from = neighbor.state;
  const NeighborTransition transition = neighbor_transition(from, event);
  const Cause cause = cause_of(neighbor);
  neighbor.state = transition.to;
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
      neighbor.exchange.start();
      for (const auto& [key, entry] : database.entries()) {
        if (key.origin == config.id && !entry.tombstone) neighbor.queue.push(entry.lsa);
      }
      send_hello(now, neighbor);
      break;
    case NeighborAction::announce:
      origination.want(cause);
      computation.want(cause);
      break;
    case NeighborAction::withdraw: neighbor.exchange.start(); break;
    case NeighborAction::drop:
      neighbor.drop_adjacency();
      if (neighbor.state == NeighborState::down) neighbor.forget();
      send_hello(now, neighbor);
      break;
  }
}

// The neighbour's own announcement, signed by it, names the key of the tunnel through which we hear it.
bool Router::Impl::is_bound(const Neighbor& neighbor) const {
  if (!neighbor.node) return false;
  const Lsa* first = database.live({*neighbor.node, 0});
  return first && first->content().attributes &&
         first->content().attributes->wireguard_key == neighbor.config.wireguard_key;
}

const char* Router::Impl::why_not_bound(const Neighbor& neighbor) const {
  const Lsa* first = neighbor.node ? database.live({*neighbor.node, 0}) : nullptr;
  if (!first) return "its announcement expired";
  if (first->is_withdrawal()) return "it withdrew its announcement";
  return "its announcement does not name this tunnel's key";
}

void Router::Impl::review_adjacencies(Now now) {
  for (auto& [id, neighbor] : neighbors) {
    if (neighbor.state == NeighborState::exchange && neighbor.exchange.done() && is_bound(neighbor)) {
      apply(now, neighbor, NeighborEvent::exchange_done, "databases agree");
    } else if (neighbor.state == NeighborState::full && !is_bound(neighbor)) {
      apply(now, neighbor, NeighborEvent::binding_lost, why_not_bound(neighbor));
    }
  }
}

// The time during which nobody called us is not silence of the neighbours': it is added to every timeout.
void Router::Impl::judge_silence(Now now) {
  const Duration lateness = now.monotonic - next_deadline();
  for (auto& [id, neighbor] : neighbors) {
    if (neighbor.silent_at > now.monotonic) continue;
    neighbor.silent_at += lateness;
    if (neighbor.silent_at <= now.monotonic) apply(now, neighbor, NeighborEvent::silence, "silent");
  }
}

}  // namespace starling::routing
