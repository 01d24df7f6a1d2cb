// What Router tells: events, what it refused (no more often than a person can read), and prefixes that are announced
// beyond a grant or beside another's.
#include <algorithm>
#include <iterator>
#include <utility>

#include "routing/router_impl.h"

namespace starling::routing {

namespace {

constexpr std::size_t kFindingsToldMax = 32;  // at a time; all are shown

EventKind event_of(PrefixFinding::Kind kind) {
  switch (kind) {
    case PrefixFinding::Kind::duplicate: return EventKind::prefix_duplicate;
    case PrefixFinding::Kind::more_specific: return EventKind::prefix_more_specific;
    case PrefixFinding::Kind::not_granted: return EventKind::route_refused;
  }
  return EventKind::route_refused;
}

}  // namespace

Event make_event(EventKind kind, Time at, const Cause& cause, NeighborId neighbor) {
  Event event;
  event.kind = kind;
  event.at = at;
  event.cause = cause;
  event.neighbor = neighbor;
  return event;
}

void Router::Impl::emit(Event event) {
  if (config.events) outbox.events.push_back(std::move(event));
}

// At most one event per neighbour and reason in kRejectEventInterval; `count` is how many it stands for.
bool Router::Impl::may_report(Time now, NeighborId neighbor, RejectReason reason, std::uint64_t& count) {
  Suppressed& report = reports[{neighbor, reason}];
  report.count++;
  if (now < report.next_at) return false;
  report.next_at = now + kRejectEventInterval;
  count = std::exchange(report.count, 0);
  return true;
}

void Router::Impl::reject(Now now, NeighborId neighbor, RejectReason reason) {
  statistics.packets_rejected++;
  statistics.rejected[static_cast<std::size_t>(reason)]++;
  std::uint64_t count = 0;
  if (!config.events || !may_report(now.monotonic, neighbor, reason, count)) return;
  Event told = make_event(EventKind::packet_reject, now.monotonic, {}, neighbor);
  told.count = count;
  told.reason = to_string(reason);
  emit(std::move(told));
}

void Router::Impl::reject_lsa(Now now, NeighborId neighbor, const LsaHeader& header, RejectReason reason) {
  statistics.lsas_rejected++;
  statistics.rejected[static_cast<std::size_t>(reason)]++;
  std::uint64_t count = 0;
  if (!config.events || !may_report(now.monotonic, neighbor, reason, count)) return;
  Event told = make_event(EventKind::lsa_reject, now.monotonic, {}, neighbor);
  told.lsa = header.key;
  told.sequence = header.sequence;
  told.count = count;
  told.reason = to_string(reason);
  emit(std::move(told));
}

void Router::Impl::report_left_out(Time now) {
  const std::size_t before = std::exchange(left_out, originator.left_out());
  if (left_out == 0 || left_out == before) return;
  Event told = make_event(EventKind::lsa_reject, now);
  told.lsa.origin = config.id;
  told.count = left_out;
  told.reason = "fragments_full";
  emit(std::move(told));
}

void Router::Impl::report_routes(Time now, const RouteUpdate& update, const Cause& cause) {
  if (!config.events) return;
  const auto tell = [&](EventKind kind, std::optional<Prefix> prefix, std::uint64_t count) {
    Event told = make_event(kind, now, cause);
    told.prefix = prefix;
    told.count = count;
    emit(std::move(told));
  };
  for (const RouteGroup& group : update.delta.groups) tell(EventKind::route_group, {}, group.id);
  for (const Prefix& prefix : update.added) tell(EventKind::route_add, prefix, 0);
  for (const Prefix& prefix : update.delta.removed_routes) tell(EventKind::route_remove, prefix, 0);
}

// By live announcements of nodes that take part, and our own.
std::vector<AnnouncedPrefix> Router::Impl::announced_prefixes() const {
  std::vector<AnnouncedPrefix> announced;
  for (const Prefix& prefix : config.announced) announced.push_back({prefix, config.id});
  for (const auto& [key, entry] : database.entries()) {
    if (entry.tombstone || key.origin == config.id || entry.lsa->content().prefixes.empty()) continue;
    const Lsa* first = database.live({key.origin, 0});
    if (!first || !first->content().attributes) continue;
    for (const Prefix& prefix : entry.lsa->content().prefixes) announced.push_back({prefix, key.origin});
  }
  return announced;
}

std::vector<PrefixFinding> Router::Impl::find_prefixes() const {
  if (!grants.required()) return find_overlaps(announced_prefixes());
  return find_ungranted(announced_prefixes(),
                        [&](const NodeId& origin, const Prefix& prefix) { return grants.allows(origin, prefix); });
}

// Some time after the change, so that a prefix that moves from one node to another is not told of as both's.
void Router::Impl::report_findings(Now now) {
  if (now.monotonic < findings_at) return;
  findings_at = kNever;
  std::vector<PrefixFinding> found = find_prefixes();
  std::vector<PrefixFinding> fresh;
  std::set_difference(found.begin(), found.end(), findings.begin(), findings.end(), std::back_inserter(fresh));
  findings = std::move(found);
  const std::size_t told_of = std::min(fresh.size(), kFindingsToldMax);
  for (std::size_t i = 0; i < told_of; i++) {
    const PrefixFinding& finding = fresh[i];
    Event told = make_event(event_of(finding.kind), now.monotonic);
    told.prefix = finding.prefix;
    told.lsa.origin = finding.origins.front();
    told.inside = finding.inside;
    if (finding.inside) told.other = finding.inside_origins.front();
    if (finding.kind == PrefixFinding::Kind::duplicate) told.other = finding.origins[1];
    if (finding.kind == PrefixFinding::Kind::not_granted) told.reason = to_string(ImportVerdict::not_granted);
    told.count = i + 1 == told_of ? fresh.size() - told_of : 0;
    emit(std::move(told));
  }
}

}  // namespace starling::routing
