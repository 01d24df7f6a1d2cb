#include "topologies/lab/sim/safety.h"

#include <fmt/format.h>

#include <algorithm>

#include "routing/limits.h"

namespace starling::sim {

namespace {

constexpr std::uint64_t kMirrorInterval = 97;  // calls, of which one is looked at closely: tables and limits

}  // namespace

Safety::Safety(const Network& network) : network_(network), nodes_(network.size()) {
  for (NodeIndex node = 0; node < network.size(); node++) node_of_[network.identity(node).id()] = node;
}

void Safety::violated(NodeIndex node, const std::string& what) const {
  const double at_s = static_cast<double>(network_.now().monotonic.time_since_epoch().count()) / 1e9;
  throw Violation(fmt::format("{} at {:.6f} s: {}", network_.name(node), at_s, what));
}

void Safety::on_start(NodeIndex node) {
  nodes_[node] = {};
}

void Safety::on_event(NodeIndex node, const routing::Event& event) {
  switch (event.kind) {
    case routing::EventKind::lsa_originate: check_originated(node, event); break;
    case routing::EventKind::lsa_accept:
    case routing::EventKind::lsa_withdraw: check_accepted(node, event); break;
    case routing::EventKind::neighbor_state: nodes_[node].neighbors[event.neighbor] = event.to; break;
    default: break;
  }
}

void Safety::check_originated(NodeIndex node, const routing::Event& event) {
  checks_++;
  std::uint64_t& newest = nodes_[node].originated[event.lsa.fragment];
  if (event.sequence <= newest) violated(node, fmt::format("announces sequence {} after {}", event.sequence, newest));
  newest = event.sequence;
  signed_[event.lsa].insert(event.sequence);
  note_announced(node);  // it may have ended by the time that somebody hears of it
}

void Safety::check_accepted(NodeIndex node, const routing::Event& event) {
  checks_++;
  const auto origin = node_of_.find(event.lsa.origin);
  if (origin == node_of_.end()) violated(node, "accepts an announcement of nobody");
  const auto known = signed_.find(event.lsa);
  if (known == signed_.end() || !known->second.contains(event.sequence))
    violated(node, fmt::format("accepts sequence {} of {}, which {} has not signed", event.sequence,
                               network_.name(origin->second), network_.name(origin->second)));
  std::uint64_t& newest = nodes_[node].accepted[event.lsa];
  if (event.sequence < newest)
    violated(node,
             fmt::format("accepts sequence {} of {} after {}", event.sequence, network_.name(origin->second), newest));
  newest = event.sequence;
}

void Safety::on_call(NodeIndex node, const routing::RouterOutbox& outbox) {
  for (const routing::RouteGroup& group : outbox.routes.groups) check_group(node, group);
  for (const routing::Route& route : outbox.routes.routes) check_route(node, route);
  if (++calls_ % kMirrorInterval != 0 || network_.size() > 300) return;
  for (const routing::NeighborView& neighbor : network_.router(node).neighbors()) check_limits(node, neighbor);
  checks_++;
  if (!network_.mirror_is_exact(node)) violated(node, "has installed something else than its Router says");
}

void Safety::check_limits(NodeIndex node, const routing::NeighborView& neighbor) {
  checks_++;
  const auto check = [&](std::size_t count, std::size_t limit, const char* what) {
    most_in_flight_ = std::max(most_in_flight_, count);
    if (count > limit)
      violated(node,
               fmt::format("has {} {} under way to {}, more than {}", count, what, network_.name(neighbor.id), limit));
  };
  check(neighbor.in_flight, routing::kMaxInFlight, "announcements");
  check(neighbor.grants_in_flight, routing::kMaxInFlight, "grants");
  check(neighbor.requests_in_flight, routing::kMaxRequestsInFlight, "requests");
}

void Safety::check_group(NodeIndex node, const routing::RouteGroup& group) {
  checks_++;
  if (group.members.empty()) violated(node, fmt::format("has a group {} without members", group.id));
  if (group.metric == routing::kUnreachable)
    violated(node, fmt::format("has a group {} that reaches nobody", group.id));
  if (!network_.events) return;
  for (const routing::NeighborId member : group.members) {
    if (nodes_[node].neighbors[member] != routing::NeighborState::full)
      violated(node, fmt::format("routes over {}, which is not in Full", network_.name(member)));
  }
}

void Safety::check_route(NodeIndex node, const routing::Route& route) {
  checks_++;
  const auto has_route = [&](const char* what) { violated(node, "has a route to " + route.prefix.to_string() + what); };
  if (!is_announced(route.prefix)) has_route(", which nobody announces who may");
  const routing::RouterConfig& config = network_.config(node);
  if (config.accept.check(route.prefix, config.connected) != routing::ImportVerdict::accepted)
    has_route(", which it does not accept");
  const std::vector<Prefix>& own = network_.options(node).prefixes;
  if (std::find(own.begin(), own.end(), route.prefix) != own.end()) has_route(", its own");
}

bool Safety::is_announced(const Prefix& prefix) {
  if (announced_.contains(prefix)) return true;
  for (NodeIndex node = 0; node < network_.size(); node++) note_announced(node);
  return announced_.contains(prefix);
}

void Safety::note_announced(NodeIndex node) {
  for (const Prefix& announced : network_.options(node).prefixes) {
    if (network_.may_announce(node, announced)) announced_.insert(announced);
  }
}

}  // namespace starling::sim
