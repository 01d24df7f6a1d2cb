#include "routing/router_impl.h"

#include <algorithm>
#include <stdexcept>

namespace starling::routing {

namespace {

void check(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

bool is_valid_name(const std::string& name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= kMaxNameSize && std::all_of(name.begin(), name.end(), allowed);
}

void check_neighbor(const NeighborConfig& config) {
  check(config.cost >= 1 && config.cost <= kMaxLinkMetric, "a cost is 1 to kMaxLinkMetric");
}

RouterConfig checked(RouterConfig config) {
  check(is_valid_name(config.name), "a router's name is 1 to 63 of a-z, A-Z, 0-9, '.', '_' and '-'");
  check(config.hello.interval >= kMinHelloInterval && config.hello.interval <= kMaxHelloInterval,
        "the Hello interval is 10 ms to 60 s");
  check(config.hello.multiplier >= kMinMultiplier && config.hello.multiplier <= kMaxMultiplier,
        "the Hello multiplier is 2 to 50");
  std::sort(config.announced.begin(), config.announced.end());
  config.announced.erase(std::unique(config.announced.begin(), config.announced.end()), config.announced.end());
  return config;
}

}  // namespace

Cause cause_of(const Lsa& lsa) {
  return {Cause::Kind::announcement, lsa.key(), lsa.header().sequence, kNoNeighbor};
}

Cause cause_of(const Neighbor& neighbor) {
  return {Cause::Kind::neighbor, {}, 0, neighbor.id};
}

Router::Impl::Impl(RouterConfig configuration, SignFunction sign_function, VerifyFunction verify_function,
                   RandomSource& source)
    : config(checked(std::move(configuration))),
      sign(std::move(sign_function)),
      verify(std::move(verify_function)),
      random(source),
      originator(config.id, sign, source),
      judge(config.id, database, verify, statistics) {}

void Router::Impl::start(Now now) {
  running = true;
  while (instance == 0) instance = random.u64();
  for (auto& [id, neighbor] : neighbors) send_hello(now, neighbor);
  origination.want({});
  computation.want({});
  finish(now);
}

// What could not be sent twice is said once: whoever misses the withdrawal still hears the goodbye, or silence.
void Router::Impl::shut_down(Now now) {
  if (!running) return;
  for (const LsaHandle& lsa : originator.withdraw_all(now)) {
    statistics.lsas_originated++;
    store(now, lsa, now.monotonic + std::chrono::seconds(kLifetimeS), kNoNeighbor, {});
  }
  for (auto& [id, neighbor] : neighbors) {
    send_pending(now, neighbor);
    send_hello(now, neighbor, true);
  }
  running = false;
}

void Router::Impl::add_neighbor(Now now, NeighborId id, const NeighborConfig& neighbor_config) {
  check(id != kNoNeighbor && !neighbors.contains(id), "a neighbour's handle must be unused");
  check_neighbor(neighbor_config);
  const auto at = neighbors.try_emplace(id, id, neighbor_config, config.hello).first;
  at->second.since = now.monotonic;
  if (!running) return;
  send_hello(now, at->second);
  finish(now);
}

void Router::Impl::remove_neighbor(Now now, NeighborId id) {
  const auto found = neighbors.find(id);
  if (found == neighbors.end()) return;
  if (running) {
    apply(now, found->second, NeighborEvent::carrier_lost, "removed");
    send_hello(now, found->second, true);  // the last word, or the neighbour would take us for a newcomer
  }
  neighbors.erase(found);
  std::erase_if(reports, [id](const auto& report) { return report.first.first == id; });
  finish(now);
}

// Exact: returns at once before the deadline, so a call too many changes nothing.
void Router::Impl::on_timer(Now now) {
  if (!running || now.monotonic < next_deadline()) return;
  judge_silence(now);
  expire(now);
  for (auto& [id, neighbor] : neighbors) {
    if (neighbor.hello_at <= now.monotonic) send_hello(now, neighbor);
  }
  for (IngressChange& change : ingress.expire(now.monotonic)) outbox.ingress.push_back(std::move(change));
  finish(now);
}

Time Router::Impl::next_deadline() const {
  if (!running) return kNever;
  Time deadline = std::min({database.next_expiry(), ingress.next_expiry()});
  const Time refresh_at = origination.wanted ? Time{} : originator.next_refresh();
  deadline = std::min(deadline, std::max(refresh_at, origination_bucket.next_at()));
  if (computation.wanted) deadline = std::min(deadline, computation_bucket.next_at());
  for (const auto& [id, neighbor] : neighbors) deadline = std::min(deadline, neighbor.next_deadline());
  return deadline;
}

void Router::Impl::finish(Now now) {
  if (!running) return;
  review_adjacencies(now);
  originate(now);
  compute(now);
  for (auto& [id, neighbor] : neighbors) send_pending(now, neighbor);
}

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

void Router::Impl::store(Now now, LsaHandle lsa, Time expires_at, NeighborId from, const Cause& cause) {
  const Database::Entry* entry = database.find(lsa->key());
  const LsaHandle before = entry && !entry->tombstone ? entry->lsa : nullptr;
  database.store(now.monotonic, lsa, expires_at);
  database.count_origin(lsa->key().origin, now.monotonic);
  for (auto& [id, neighbor] : neighbors) neighbor.exchange.on_stored(lsa->key(), lsa->header().sequence);
  flood(lsa, from);
  note_change(before.get(), lsa.get(), cause);

  const bool ours = lsa->key().origin == config.id;
  Event told = make_event(lsa->is_withdrawal() ? EventKind::lsa_withdraw : EventKind::lsa_accept, now.monotonic);
  if (ours) told.kind = EventKind::lsa_originate;
  told.cause = ours ? cause : cause_of(*lsa);
  told.neighbor = from;
  told.lsa = lsa->key();
  told.sequence = lsa->header().sequence;
  told.reason = lsa->is_withdrawal() ? "withdrawal" : !before ? "new" : "changed";
  if (before && same_meaning(before->content(), lsa->content())) told.reason = "refresh";
  emit(std::move(told));
}

void Router::Impl::flood(const LsaHandle& lsa, NeighborId except) {
  for (auto& [id, neighbor] : neighbors) {
    if (id != except && neighbor.adjacent()) neighbor.queue.push(lsa);
  }
}

// Ours change nothing here: our links come from our neighbours, our prefixes from the configuration.
void Router::Impl::note_change(const Lsa* before, const Lsa* after, const Cause& cause) {
  static const LsaContent kNothing;
  const LsaContent& was = before ? before->content() : kNothing;
  const LsaContent& is = after ? after->content() : kNothing;
  if ((after ? after : before)->key().origin == config.id || same_meaning(was, is)) return;
  if (was.prefixes != is.prefixes || was.attributes.has_value() != is.attributes.has_value()) prefixes_changed = true;
  computation.want(cause);
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
  if (originator.next_refresh() <= now.monotonic) origination.want(kTimerCause);
  if (!origination.wanted || !origination_bucket.available(now.monotonic)) return;
  origination.wanted = false;
  std::vector<LsaLink> links;
  for (const auto& [id, neighbor] : neighbors) {
    if (neighbor.state != NeighborState::full) continue;
    LsaLink link{*neighbor.node, neighbor.config.cost, 0, neighbor.loss.permille(), neighbor.config.mtu};
    if (neighbor.smoothed_round_trip) {
      link.round_trip_us = static_cast<std::uint32_t>(
          std::chrono::duration_cast<std::chrono::microseconds>(*neighbor.smoothed_round_trip).count());
    }
    links.push_back(link);
  }
  std::sort(links.begin(), links.end(), [](const LsaLink& a, const LsaLink& b) { return a.neighbor < b.neighbor; });
  const NodeAttributes attributes{config.name, config.wireguard_key, config.transit, false};
  for (const LsaHandle& lsa : originator.update(now, attributes, links, config.announced)) {
    origination_bucket.charge(now.monotonic);
    statistics.lsas_originated++;
    store(now, lsa, now.monotonic + std::chrono::seconds(kLifetimeS), kNoNeighbor, origination.cause);
  }
  report_left_out(now.monotonic);
}

std::vector<LocalLink> Router::Impl::local_links() const {
  std::vector<LocalLink> links;
  for (const auto& [id, neighbor] : neighbors) {
    if (neighbor.state == NeighborState::full) links.push_back({*neighbor.node, id, neighbor.config.cost});
  }
  return links;
}

void Router::Impl::compute(Now now) {
  if (!computation.wanted || !computation_bucket.take(now.monotonic)) return;
  computation.wanted = false;
  const Cause cause = computation.cause;
  if (prefixes_changed) {
    prefixes_changed = false;
    const PrefixTable before = std::exchange(
        prefixes, build_prefix_table(database, config.id, config.announced, config.accept, config.connected));
    report_refused(now.monotonic, before, cause);
  }
  graph = build_graph(database, config.id, local_links());
  shortest_paths(graph, graph.root, paths);
  statistics.spf_runs++;
  Event told = make_event(EventKind::spf_run, now.monotonic, cause);
  told.count = paths.reached();
  emit(std::move(told));

  RouteUpdate update = routes.update(prefixes, graph, paths);
  report_routes(now.monotonic, update, cause);
  merge(outbox.routes, std::move(update.delta));
  for (IngressChange& change : ingress.update(now.monotonic, prefixes, graph)) {
    outbox.ingress.push_back(std::move(change));
  }
}

void Router::Impl::report_refused(Time now, const PrefixTable& before, const Cause& cause) {
  if (!config.events) return;
  for (const auto& [prefix, entry] : prefixes) {
    if (entry.verdict == ImportVerdict::accepted || entry.verdict == ImportVerdict::own_prefix) continue;
    const auto old = before.find(prefix);
    if (old != before.end() && old->second.verdict == entry.verdict) continue;
    Event told = make_event(EventKind::route_refused, now, cause);
    told.lsa.origin = entry.origins.front();
    told.prefix = prefix;
    told.reason = to_string(entry.verdict);
    emit(std::move(told));
  }
}

}  // namespace starling::routing
