// The database as it changes: what is stored is flooded, what expires is told, what changes here is announced.
#include <algorithm>

#include "routing/router_impl.h"

namespace starling::routing {

namespace {

bool has_link_to(const LsaContent& content, const NodeId& node) {
  return std::any_of(content.links.begin(), content.links.end(),
                     [&](const LsaLink& link) { return link.neighbor == node; });
}

}  // namespace

void Router::Impl::store(Now now, LsaHandle lsa, Time expires_at, NeighborId from, const Cause& cause) {
  const Database::Entry* entry = database.find(lsa->key());
  const LsaHandle before = entry && !entry->tombstone ? entry->lsa : nullptr;
  database.store(now.monotonic, lsa, expires_at);
  database.count_origin(lsa->key().origin, now.monotonic);
  for (auto& [id, neighbor] : neighbors) neighbor.exchange.on_stored(lsa->key(), lsa->header().sequence);
  if (!first_news.keeps(now.monotonic, before == nullptr, lsa, from)) flood(lsa, from);
  note_change(before.get(), lsa.get(), cause);

  if (config.events) tell_of(now, *lsa, before.get(), from, cause);
}

void Router::Impl::tell_of(Now now, const Lsa& lsa, const Lsa* before, NeighborId from, const Cause& cause) {
  const bool ours = lsa.key().origin == config.id;
  Event told = make_event(lsa.is_withdrawal() ? EventKind::lsa_withdraw : EventKind::lsa_accept, now.monotonic);
  if (ours) told.kind = EventKind::lsa_originate;
  told.cause = ours ? cause : cause_of(lsa);
  told.neighbor = from;
  told.lsa = lsa.key();
  told.sequence = lsa.header().sequence;
  told.reason = lsa.is_withdrawal() ? "withdrawal" : !before ? "new" : "changed";
  if (before && same_meaning(before->content(), lsa.content())) told.reason = "refresh";
  emit(std::move(told));
}

void Router::Impl::flood(const LsaHandle& lsa, NeighborId except) {
  concerns_all = true;
  for (auto& [id, neighbor] : neighbors) {
    if (id != except && neighbor.adjacent() && may_learn(neighbor, lsa->key()))
      neighbor.queue_for(lsa->key()).push(lsa);
  }
}

// Unless something newer has come meanwhile, which was.
void Router::Impl::pass_on_first_news(Now now) {
  while (first_news.is_due(now.monotonic)) {
    const FirstNews::Waiting news = first_news.take();
    const Database::Entry* entry = database.find(news.lsa->key());
    if (entry && !entry->tombstone && entry->lsa == news.lsa) flood(news.lsa, news.from);
  }
}

// The announcement by which a neighbour proves whose tunnel it is has changed.
void Router::Impl::note_binding(const NodeId& node) {
  for (auto& [id, neighbor] : neighbors) neighbor.binding_changed |= neighbor.node == node;
}

// Our neighbour announces something else where it had announced its link to us. It may only have moved to another of
// its fragments, which stands there already, or will when this is looked at.
void Router::Impl::note_given_up(const NodeId& origin, const LsaContent& was) {
  if (!has_link_to(was, config.id)) return;  // nearly always, and no neighbour need be touched
  for (auto& [id, neighbor] : neighbors) {
    neighbor.may_have_given_up |= neighbor.node == origin && neighbor.state == NeighborState::full;
  }
}

bool Router::Impl::is_given_up_by(const Neighbor& neighbor) const {
  const std::optional<NodeIndex> node = graph.index_of(*neighbor.node);
  if (!node) return true;
  bool lists_us = false;
  graph.each_fragment(*node, [&](const Lsa& fragment) { lists_us |= has_link_to(fragment.content(), config.id); });
  return !lists_us;
}

void Router::Impl::expire(Now now) {
  for (const LsaHandle& lsa : database.expire(now.monotonic)) {
    for (auto& [id, neighbor] : neighbors) neighbor.queue.acknowledge(summarize(*lsa));
    note_change(lsa.get(), nullptr, kTimerCause);
    Event told = make_event(EventKind::lsa_expire, now.monotonic, kTimerCause);
    told.lsa = lsa->key();
    told.sequence = lsa->header().sequence;
    emit(std::move(told));
  }
}

void Router::Impl::originate(Now now) {
  if (originator.next_due() <= now.monotonic) origination.want(kTimerCause);
  if (!origination.wanted || !origination_bucket.available(now.monotonic)) return;
  origination.wanted = false;
  std::vector<LsaLink> links;
  for (const auto& [id, neighbor] : neighbors) {
    if (neighbor.state != NeighborState::full) continue;
    const LinkCost cost = cost_of(neighbor);
    LsaLink link{*neighbor.node, cost.metric, 0, neighbor.quality.loss(), neighbor.config.mtu, cost.manual};
    if (neighbor.smoothed_round_trip) {
      link.round_trip_us = static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(*neighbor.smoothed_round_trip).count());
    }
    links.push_back(link);
  }
  std::sort(links.begin(), links.end(), [](const LsaLink& a, const LsaLink& b) { return a.neighbor < b.neighbor; });
  const NodeAttributes attributes{config.name, config.wireguard_key, config.transit, drained};
  for (const LsaHandle& lsa :
       originator.update(now, attributes, links, config.announced, links.size() < neighbors.size())) {
    origination_bucket.charge(now.monotonic);
    statistics.lsas_originated++;
    store(now, lsa, now.monotonic + std::chrono::seconds(kLifetimeS), kNoNeighbor, origination.cause);
  }
  report_left_out(now.monotonic);
}

}  // namespace starling::routing
