// What people look at.
#include <set>

#include "routing/router_impl.h"

namespace starling::routing {

std::string Router::display_name(const NodeId& id) const {
  if (id == impl_->config.id) return impl_->config.name;
  const Lsa* first = impl_->database.live({id, 0});
  return first && first->content().attributes ? first->content().attributes->name : short_string(id);
}

std::vector<NeighborView> Router::neighbors() const {
  std::vector<NeighborView> views;
  for (const auto& [id, neighbor] : impl_->neighbors) {
    NeighborView view;
    view.id = id;
    view.wireguard_key = neighbor.config.wireguard_key;
    view.node = neighbor.node;
    if (neighbor.node && impl_->database.live({*neighbor.node, 0})) view.name = display_name(*neighbor.node);
    view.state = neighbor.state;
    view.since = neighbor.since;
    const LinkCost cost = impl_->cost_of(neighbor);
    view.cost = cost.metric;
    view.cost_is_manual = cost.manual;
    view.loss_permille = neighbor.quality.loss();
    view.grey = neighbor.quality.grey();
    view.carried_size = neighbor.quality.carried_size();
    view.round_trip = neighbor.round_trip;
    view.detection_time = neighbor.detection_time();
    view.hellos_received = neighbor.hellos_received;
    view.hellos_sent = neighbor.hellos_sent;
    view.times_down = neighbor.times_down;
    if (neighbor.state == NeighborState::exchange) view.obstacle = impl_->obstacle_of(neighbor);
    view.suspect = neighbor.suspect;
    view.times_suspect = neighbor.times_suspect;
    view.in_flight = neighbor.queue.in_flight();
    view.grants_in_flight = neighbor.grant_queue.in_flight();
    view.requests_in_flight = neighbor.exchange.in_flight();
    views.push_back(std::move(view));
  }
  return views;
}

std::vector<LsaView> Router::database(Now now) const {
  std::set<std::pair<NodeId, NodeId>> claims;
  for (const auto& [key, entry] : impl_->database.entries()) {
    if (entry.tombstone) continue;
    for (const LsaLink& link : entry.lsa->content().links) claims.emplace(key.origin, link.neighbor);
  }
  std::vector<LsaView> views;
  for (const auto& [key, entry] : impl_->database.entries()) {
    if (entry.tombstone || key.fragment == kGrantFragment) continue;
    const LsaContent& content = entry.lsa->content();
    const auto node = impl_->graph.index_of(key.origin);
    LsaView view;
    view.key = key;
    view.name = display_name(key.origin);
    view.sequence = entry.lsa->header().sequence;
    view.remaining_s = impl_->database.remaining_ms(entry, now.monotonic) / 1000;
    view.reachable = node && impl_->paths.reachable(*node);
    if (content.attributes) {
      view.transit = content.attributes->transit;
      view.drained = content.attributes->overload;
      view.wireguard_key = content.attributes->wireguard_key;
    }
    for (const LsaLink& link : content.links) {
      view.links.push_back({link.neighbor, link.metric, claims.contains({link.neighbor, key.origin}), link.manual});
    }
    for (const Prefix& prefix : content.prefixes) {
      const PrefixTable::Entry* found = impl_->prefixes.find(prefix);
      const ImportVerdict otherwise = impl_->config.accept.check(prefix, impl_->config.connected);
      const bool granted = impl_->grants.allows(key.origin, prefix);
      const ImportVerdict verdict = found != nullptr ? found->verdict : otherwise;
      view.prefixes.push_back({prefix, granted ? verdict : ImportVerdict::not_granted});
    }
    views.push_back(std::move(view));
  }
  return views;
}

std::optional<Grant> Router::own_grant() const {
  const Grant* grant = impl_->grants.find(impl_->config.id);
  return grant ? std::optional(*grant) : std::nullopt;
}

std::vector<GrantView> Router::grants() const {
  std::vector<GrantView> views;
  for (const auto& [holder, grant] : impl_->grants.grants()) {
    const bool is_ours = holder == impl_->config.id;
    const bool present = is_ours || impl_->database.live({holder, 0}) != nullptr;
    views.push_back({grant, present ? display_name(holder) : "", present});
  }
  return views;
}

}  // namespace starling::routing
