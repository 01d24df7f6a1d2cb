// From the database to routes: graph, shortest paths, alternates, groups, rights to send. Each step looks only at what
// changed since the last computation.
#include <algorithm>

#include "routing/router_impl.h"

namespace starling::routing {

namespace {

constexpr bool is_refused(ImportVerdict verdict) {
  return verdict != ImportVerdict::accepted && verdict != ImportVerdict::own_prefix;
}

// What of `list` is not in `other`; both may hold a prefix several times.
std::vector<Prefix> without(std::vector<Prefix> list, std::vector<Prefix> other) {
  std::sort(list.begin(), list.end());
  std::sort(other.begin(), other.end());
  std::vector<Prefix> rest;
  std::set_difference(list.begin(), list.end(), other.begin(), other.end(), std::back_inserter(rest));
  return rest;
}

}  // namespace

// Ours count for our attributes only: our links come from our neighbours, our prefixes from the configuration.
void Router::Impl::note_change(const Lsa* before, const Lsa* after, const Cause& cause) {
  static const LsaContent kNothing;
  const LsaContent& was = before ? before->content() : kNothing;
  const LsaContent& is = after ? after->content() : kNothing;
  const LsaKey& key = (after ? after : before)->key();
  if (key.fragment == 0) note_binding(key.origin);
  note_given_up(key.origin, was);
  const std::uint64_t edits = graph.edits();
  const Graph::Replaced replaced = graph.replace(before, after);
  const bool same_part = replaced.took_part == replaced.takes_part;
  const bool is_ours = replaced.node == kRoot || replaced.node == kNoNode;
  const bool same_prefixes = is_ours || (same_part && was.prefixes == is.prefixes);
  if (!same_prefixes) note_prefixes(replaced, was, is);
  if (!same_prefixes || graph.edits() != edits) computation.want(cause);
}

void Router::Impl::note_prefixes(const Graph::Replaced& replaced, const LsaContent& was, const LsaContent& is) {
  const NodeIndex node = replaced.node;
  if (replaced.took_part && replaced.takes_part) {
    for (const Prefix& prefix : without(was.prefixes, is.prefixes)) {
      if (!graph.announces(node, prefix)) prefixes.remove(node, prefix);
    }
    announce_prefixes(node, is.prefixes);
    return;
  }
  for (const Prefix& prefix : was.prefixes) prefixes.remove(node, prefix);
  graph.each_fragment(node, [&](const Lsa& fragment) {
    if (replaced.takes_part) {
      announce_prefixes(node, fragment.content().prefixes);
    } else {
      for (const Prefix& prefix : fragment.content().prefixes) prefixes.remove(node, prefix);
    }
  });
}

// What the node's grant does not allow is left out.
void Router::Impl::announce_prefixes(NodeIndex node, const std::vector<Prefix>& announced) {
  for (const Prefix& prefix : announced) {
    if (grants.allows(graph.id(node), prefix)) {
      prefixes.add(node, prefix);
    } else {
      prefixes.remove(node, prefix);
    }
  }
}

// Our own prefixes, the underlay's subnets or somebody's grant have changed.
void Router::Impl::review_prefixes() {
  prefixes.set_local(config.announced, config.connected);
  if (!grants.required()) return;
  for (NodeIndex node = 0; node < graph.size(); node++) {
    if (node == kRoot || !graph.takes_part(node)) continue;
    graph.each_fragment(node, [&](const Lsa& fragment) { announce_prefixes(node, fragment.content().prefixes); });
  }
}

std::vector<LocalLink> Router::Impl::local_links() const {
  std::vector<LocalLink> links;
  links.reserve(neighbors.size());
  for (const auto& [id, neighbor] : neighbors) {
    if (neighbor.state == NeighborState::full) links.push_back({*neighbor.node, id, cost_of(neighbor)});
  }
  return links;
}

// Whether it is time to act upon what changed. What concerns nobody's paths, or a leaf's only, needs no search for
// paths and no waiting (prefixes and rights to send are looked at again for a leaf that comes or goes: 0.2 ms in a
// network of 10,000); and a neighbour of our own that is lost must not wait: nobody else keeps traffic off it.
bool Router::Impl::is_computation_due(Now now) {
  if (!graph.changed() || graph.only_leaves_changed()) return true;
  const bool is_news = std::exchange(edits_seen, graph.edits()) != graph.edits();
  if (is_news || backoff.due() == kNever) backoff.on_change(now.monotonic);
  return graph.hops_changed() || backoff.due() <= now.monotonic;
}

void Router::Impl::compute(Now now) {
  bool flips = std::exchange(suspects_changed, false);
  if (computation.wanted) {
    graph.set_local_links(local_links());
    if (std::exchange(prefixes_changed, false)) review_prefixes();
    if (is_computation_due(now)) {
      follow_changes(now);
      flips = true;
    }
  }
  if (flips) flip(now);
  if (!computation.wanted && alternates_at <= now.monotonic) find_alternates(now);
}

void Router::Impl::follow_changes(Now now) {
  computation.wanted = false;
  const Cause cause = computation.cause;
  static thread_local std::vector<NodeIndex> moved, reconsidered;  // as what the paths need in passing (spf.h)
  moved.clear();
  reconsidered.clear();
  const bool reconsider_all = graph.changed() && find_paths(now, cause, moved, reconsidered);
  if (!prefixes.touched().empty()) {
    if (config.events) findings_at = std::min(findings_at, now.monotonic + kFindingsDelay);
    report_refused(now.monotonic, cause);
  }
  publish(now, routes.update(moved, reconsidered, reconsider_all), cause);
  for (IngressChange& change : ingress.update(now.monotonic)) outbox.ingress.push_back(std::move(change));
  graph.settle();
  prefixes.settle();
}

// True if any alternate may be another. After a large change they are looked for a little later, once: they cost as
// much as everything else several times over, and a network that has just started has other things to do.
bool Router::Impl::find_paths(Now now, const Cause& cause, std::vector<NodeIndex>& moved,
                              std::vector<NodeIndex>& reconsidered) {
  backoff.on_run();
  const bool is_full = graph.bulk();
  const bool only_leaves = graph.only_leaves_changed();
  if (is_full) {
    paths.run(graph, moved);
    statistics.spf_full_runs++;
  } else {
    paths.update(graph, moved);
  }
  if (!only_leaves) {
    statistics.spf_runs++;
    Event told = make_event(EventKind::spf_run, now.monotonic, cause);
    told.count = paths.reached();
    told.reason = is_full ? "full" : "incremental";
    emit(std::move(told));
  }
  if (is_full) {
    alternates.clear();
    alternates_at = now.monotonic + kAlternatesDelay;
    alternates_cause = cause;
    return true;
  }
  return alternates.known() && alternates.update(graph, reconsidered);
}

void Router::Impl::find_alternates(Now now) {
  alternates_at = kNever;
  alternates.run(graph);
  publish(now, routes.update({}, {}, true), alternates_cause);
}

void Router::Impl::publish(Now now, RouteUpdate update, const Cause& cause) {
  report_routes(now.monotonic, update, cause);
  merge(outbox.routes, std::move(update.delta));
}

// Groups carry without the neighbours that are suspect, where they can.
void Router::Impl::flip(Now now) {
  std::vector<NeighborId> suspects;
  for (const auto& [id, neighbor] : neighbors) {
    if (neighbor.suspect) suspects.push_back(id);
  }
  if (suspects == routes.unusable()) return;
  Cause cause{Cause::Kind::neighbor, {}, 0, kNoNeighbor};
  cause.neighbor = suspects.empty() ? routes.unusable().back() : suspects.back();
  publish(now, {routes.flip(std::move(suspects)), {}}, cause);
}

void Router::Impl::report_refused(Time now, const Cause& cause) {
  if (!config.events) return;
  for (const PrefixIndex index : prefixes.touched()) {
    const PrefixTable::Entry& entry = prefixes.entry(index);
    if (!entry.announced() || !is_refused(entry.verdict) || !prefixes.is_newly_judged(index)) continue;
    Event told = make_event(EventKind::route_refused, now, cause);
    for (const NodeIndex node : prefixes.origins(entry.origins)) {
      const NodeId& id = graph.id(node);
      if (told.lsa.origin == NodeId{} || id < told.lsa.origin) told.lsa.origin = id;
    }
    told.prefix = entry.prefix;
    told.reason = to_string(entry.verdict);
    emit(std::move(told));
  }
}

}  // namespace starling::routing
