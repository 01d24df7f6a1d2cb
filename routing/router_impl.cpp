#include "routing/router_impl.h"

#include <algorithm>
#include <stdexcept>

#include "routing/node_name.h"

namespace starling::routing {

namespace {

void check(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

void check_neighbor(const NeighborConfig& config) {
  check(!config.cost || (*config.cost >= 1 && *config.cost <= kMaxLinkMetric), "a cost is 1 to kMaxLinkMetric");
}

RouterConfig checked(RouterConfig config) {
  check(is_node_name(config.name), "a router's name is 1 to 63 of a-z, A-Z, 0-9, '.', '_' and '-'");
  check(config.hello.interval >= kMinHelloInterval && config.hello.interval <= kMaxHelloInterval,
        "the Hello interval is 10 ms to 60 s");
  check(config.hello.multiplier >= kMinMultiplier && config.hello.multiplier <= kMaxMultiplier,
        "the Hello multiplier is 2 to 50");
  check(config.hello_phase >= Duration{} && config.hello_phase < config.hello.interval,
        "the Hellos' phase is less than their interval");
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
                   RandomSource& source, AdmitFunction admit_function)
    : config(checked(std::move(configuration))),
      sign(std::move(sign_function)),
      verify(std::move(verify_function)),
      admit(std::move(admit_function)),
      random(source),
      database(source.u64()),
      grants(config.network_key),
      originator(config.id, sign, source),
      judge(config.id, database, admit, verify, statistics),
      graph(config.id, source.u64()),
      prefixes(config.accept, source.u64()) {
  if (!admit) admit = [this](const ReceivedLsa& received) { return routing::admit(received, verify); };
  if (config.expected_nodes > 0) reserve(config.expected_nodes);
}

// As if each node had one announcement and one prefix: what has more grows.
void Router::Impl::reserve(std::size_t nodes) {
  database.reserve(nodes);
  graph.reserve(nodes);
  prefixes.reserve(nodes);
  paths.reserve(nodes);
  routes.reserve(nodes);
  ingress.reserve(nodes);
}

void Router::Impl::start(Now now) {
  running = true;
  while (instance == 0) instance = random.u64();
  start_trust(now);
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
    neighbor.queue.hurry();
    send_pending(now, neighbor);
    send_hello(now, neighbor, HelloKind::goodbye);
  }
  running = false;
}

void Router::Impl::add_neighbor(Now now, NeighborId id, const NeighborConfig& neighbor_config) {
  check(id != kNoNeighbor && !neighbors.contains(id), "a neighbour's handle must be unused");
  check_neighbor(neighbor_config);
  const auto at = neighbors.try_emplace(id, id, neighbor_config, config.hello, config.hello_phase).first;
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
    send_hello(now, found->second, HelloKind::goodbye);  // or the neighbour would take us for a newcomer
  }
  neighbors.erase(found);
  duplicates.erase(id);
  std::erase_if(reports, [id](const auto& report) { return report.first.first == id; });
  finish(now);
}

// Exact: returns at once before the deadline, so a call too many changes nothing.
void Router::Impl::on_timer(Now now) {
  if (!running || now.monotonic < next_deadline()) return;
  judge_neighbors(now);
  expire(now);
  send_hellos(now);
  for (IngressChange& change : ingress.expire(now.monotonic)) outbox.ingress.push_back(std::move(change));
  finish(now);
}

Time Router::Impl::next_deadline() const {
  if (!running) return kNever;
  Time deadline = std::min(
      {database.next_expiry(), ingress.next_expiry(), grants.next_expiry(), findings_at, first_news.next_deadline()});
  const Time refresh_at = origination.wanted ? Time{} : originator.next_due();
  deadline = std::min(deadline, std::max(refresh_at, origination_bucket.next_at()));
  deadline = std::min(deadline, computation.wanted ? backoff.due() : alternates_at);
  for (const auto& [id, neighbor] : neighbors) deadline = std::min(deadline, neighbor.next_deadline());
  return deadline;
}

// A packet that was handed in late has an earlier time than what was done since.
Now Router::Impl::advance(Now now) {
  if (now.monotonic >= present.monotonic) present = now;
  return present;
}

void Router::Impl::finish(Now now) {
  if (!running) return;
  now = advance(now);
  concerns_all = false;
  expire_grants(now);
  review_adjacencies(now);
  try_paths(now);
  originate(now);
  pass_on_first_news(now);
  compute(now);
  report_findings(now);
  for (auto& [id, neighbor] : neighbors) send_pending(now, neighbor);
}

}  // namespace starling::routing
