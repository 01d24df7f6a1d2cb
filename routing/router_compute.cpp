// From the database to routes: graph, shortest paths, groups, rights to send.
#include <utility>

#include "routing/router_impl.h"

namespace starling::routing {

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
