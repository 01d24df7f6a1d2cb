#include "daemon/route_events.h"

#include <algorithm>

#include "daemon/control/event_json.h"

namespace starling::daemon {

using nlohmann::ordered_json;
using Kind = RouteOutcome::Kind;

ordered_json RouteEvents::describe(const Prefix& prefix) const {
  ordered_json fields{{"prefix", prefix.to_string()}};
  if (const routing::RouteGroup* group = plan_.group_of(prefix)) {
    ordered_json origins = ordered_json::array();
    ordered_json next_hops = ordered_json::array();
    for (const routing::NodeId& origin : group->origins) origins.push_back(names_.node(origin));
    for (const routing::NeighborId member : group->members) next_hops.push_back(names_.neighbor(member));
    fields["origins"] = std::move(origins);
    fields["next_hops"] = std::move(next_hops);
    fields["metric"] = group->metric;
    return fields;
  }
  for (const StaticPeer& peer : plan_.static_peers())
    if (std::find(peer.prefixes.begin(), peer.prefixes.end(), prefix) != peer.prefixes.end())
      fields["next_hops"] = {names_.neighbor(peer.peer)};
  return fields;
}

void RouteEvents::publish(const RouteOutcome& outcome, std::uint32_t table, const routing::Cause& cause, Now now) {
  const ordered_json why = cause_json(cause, names_);
  const std::string prefix = outcome.prefix.to_string();
  const ordered_json of_guard{{"prefix", prefix}, {"endpoint", outcome.endpoint.to_string()}, {"table", table}};
  const ordered_json of_trouble{{"prefix", prefix}, {"reason", outcome.reason}};
  switch (outcome.kind) {
    case Kind::installed:
      return log_.publish(EventLevel::info, "route.install", told_[outcome.prefix] = describe(outcome.prefix), why,
                          now);
    case Kind::removed: {
      const auto told = told_.extract(outcome.prefix);
      const ordered_json fields = told ? told.mapped() : ordered_json{{"prefix", prefix}};
      return log_.publish(EventLevel::info, "route.remove", fields, why, now);
    }
    case Kind::restored: return log_.publish(EventLevel::warning, "route.restored", {{"prefix", prefix}}, now);
    case Kind::conflict: return log_.publish(EventLevel::warning, "route.conflict", of_trouble, now);
    case Kind::failed: return log_.publish(EventLevel::error, "route.failed", of_trouble, why, now);
    case Kind::protected_: return log_.publish(EventLevel::info, "underlay.protected", of_guard, why, now);
    case Kind::released: return log_.publish(EventLevel::info, "underlay.released", of_guard, why, now);
    case Kind::rule_failed:
      return log_.publish(EventLevel::error, "underlay.unprotected", {{"reason", outcome.reason}}, why, now);
  }
}

}  // namespace starling::daemon
