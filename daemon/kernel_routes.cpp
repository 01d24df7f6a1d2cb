#include "daemon/kernel_routes.h"

#include <errno.h>

#include <utility>

namespace starling::daemon {

namespace {

using Kind = RouteOutcome::Kind;

constexpr const char* kConflict = "another program's route has this prefix and our metric";
constexpr int kDumpTries = 5;  // a table that changes while it is read is read again

// As dump_routes, until the table held still while it was read.
NetlinkAnswer dump_routes_whole(NetlinkSocket& socket, std::vector<KernelRoute>& routes) {
  NetlinkAnswer answer;
  for (int i = 0; i < kDumpTries; i++) {
    routes.clear();
    answer = dump_routes(socket, [&](const KernelRoute& route) { routes.push_back(route); });
    if (answer.error != EINTR) break;
  }
  return answer;
}

bool gone(const NetlinkAnswer& answer) {
  return answer.ok() || answer.error == ESRCH || answer.error == ENOENT || answer.error == ENODEV;
}

}  // namespace

bool KernelRoutes::has_our_key(const KernelRoute& route) const {
  return route.metric == settings_.metric && (route.table == settings_.table || route.table == settings_.mark);
}

bool KernelRoutes::is_ours(const KernelRoute& route) const {
  return has_our_key(route) && route.protocol == kRouteProtocol;
}

KernelRoute KernelRoutes::desired(const Prefix& prefix, const State& state) const {
  KernelRoute route;
  route.prefix = prefix;
  route.table = is_protected(prefix) ? settings_.mark : settings_.table;
  route.metric = settings_.metric;
  route.interface_index = settings_.interface_index;
  route.gateway = state.gateway;
  route.source = prefix.family() == Family::ipv4 ? settings_.source4 : settings_.source6;
  return route;
}

NetlinkAnswer KernelRoutes::sweep() {
  std::vector<KernelRoute> routes;
  NetlinkAnswer answer = dump_routes_whole(socket_, routes);
  std::vector<NetlinkMessage> messages;
  for (const KernelRoute& route : routes)
    if (is_ours(route)) messages.push_back(delete_route_message(route));
  for (const NetlinkAnswer& deleted : socket_.request(messages))
    if (!gone(deleted)) answer = deleted;
  for (const Family family : {Family::ipv4, Family::ipv6}) delete_rules(family);
  return answer;
}

void KernelRoutes::remove_all() {
  sweep();
  states_.clear();
  dirty_.clear();
  protected_.clear();
}

void KernelRoutes::want(const Prefix& prefix, std::optional<IpAddress> gateway) {
  State& state = states_[prefix];
  if (state.wanted && state.gateway == gateway) return;
  state.wanted = true;
  state.gateway = std::move(gateway);
  dirty_.insert(prefix);
}

void KernelRoutes::unwant(const Prefix& prefix) {
  const auto at = states_.find(prefix);
  if (at == states_.end() || !at->second.wanted) return;
  at->second.wanted = false;
  dirty_.insert(prefix);
}

std::optional<std::string> KernelRoutes::trouble(const Prefix& prefix) const {
  const auto at = states_.find(prefix);
  if (at == states_.end() || !at->second.wanted || at->second.installed) return std::nullopt;
  if (is_protected(prefix) && !rules_.contains(prefix.family()))
    return "the rules that protect the underlay are missing";
  if (at->second.conflict) return kConflict;
  return at->second.last_error.empty() ? std::nullopt : std::optional(at->second.last_error);
}

std::vector<RouteOutcome> KernelRoutes::flush() {
  std::vector<RouteOutcome> outcomes;
  update_protection(outcomes);
  install(outcomes);
  remove_unwanted(outcomes);
  drop_unused_rules();
  return outcomes;
}

// Rules come before the first route that needs them and go after the last.
void KernelRoutes::update_protection(std::vector<RouteOutcome>& outcomes) {
  std::map<Prefix, Endpoint> covering;
  if (settings_.table == kMainTable) {  // in another table, the rules that lead there are the administrator's
    std::set<Prefix> wanted;
    for (const auto& [prefix, state] : states_)
      if (state.wanted) wanted.insert(prefix);
    covering = prefixes_to_protect(wanted, endpoints_);
  }
  for (const auto& [prefix, endpoint] : covering) {
    if (protected_.contains(prefix)) continue;
    outcomes.push_back({Kind::protected_, prefix, endpoint, ""});
    dirty_.insert(prefix);
  }
  for (const auto& [prefix, endpoint] : protected_) {
    if (covering.contains(prefix)) continue;
    outcomes.push_back({Kind::released, prefix, endpoint, ""});
    dirty_.insert(prefix);
  }
  protected_ = std::move(covering);
  for (const auto& [prefix, endpoint] : protected_)
    if (!rules_.contains(prefix.family()) && !add_rules(prefix.family(), outcomes)) dirty_.insert(prefix);
}

bool KernelRoutes::add_rules(Family family, std::vector<RouteOutcome>& outcomes) {
  for (const PolicyRule& rule : underlay_rules(family, settings_.mark)) {
    const NetlinkAnswer answer = socket_.request(add_rule_message(rule));
    if (answer.ok() || answer.error == EEXIST) continue;
    outcomes.push_back({Kind::rule_failed, {}, {}, answer.to_string()});
    delete_rules(family);
    return false;
  }
  rules_.insert(family);
  return true;
}

void KernelRoutes::delete_rules(Family family) {
  std::vector<NetlinkMessage> messages;
  for (const PolicyRule& rule : underlay_rules(family, settings_.mark)) messages.push_back(delete_rule_message(rule));
  socket_.request(messages);  // what was not there cannot be deleted, and that is well
  rules_.erase(family);
}

void KernelRoutes::drop_unused_rules() {
  std::set<Family> unused = rules_;
  for (const auto& [prefix, endpoint] : protected_) unused.erase(prefix.family());
  for (const Family family : unused) delete_rules(family);
}

void KernelRoutes::install(std::vector<RouteOutcome>& outcomes) {
  std::vector<NetlinkMessage> messages;
  std::vector<std::pair<Prefix, KernelRoute>> routes;
  for (const Prefix& prefix : dirty_) {
    State& state = states_[prefix];
    if (!state.wanted) continue;
    const KernelRoute route = desired(prefix, state);
    if (is_protected(prefix) && !rules_.contains(prefix.family())) {
      if (state.installed) left_elsewhere_.push_back(*std::exchange(state.installed, std::nullopt));
      continue;
    }
    const bool same_place = state.installed && state.installed->table == route.table;
    messages.push_back(same_place ? replace_route_message(route) : create_route_message(route));
    routes.emplace_back(prefix, route);
  }
  const std::vector<NetlinkAnswer> answers = socket_.request(messages);
  for (std::size_t i = 0; i < routes.size(); i++) {
    const auto& [prefix, route] = routes[i];
    State& state = states_[prefix];
    if (answers[i].ok())
      note_installed(prefix, state, route, outcomes);
    else
      note_refused(prefix, state, answers[i], outcomes);
  }
}

void KernelRoutes::note_installed(const Prefix& prefix, State& state, const KernelRoute& route,
                                  std::vector<RouteOutcome>& outcomes) {
  if (state.installed && state.installed->table != route.table) left_elsewhere_.push_back(*state.installed);
  state.installed = route;
  state.conflict = false;
  state.last_error.clear();
  outcomes.push_back({std::exchange(state.vanished, false) ? Kind::restored : Kind::installed, prefix, {}, ""});
  dirty_.erase(prefix);
}

void KernelRoutes::note_refused(const Prefix& prefix, State& state, const NetlinkAnswer& answer,
                                std::vector<RouteOutcome>& outcomes) {
  if (answer.error == EEXIST) {
    if (!std::exchange(state.conflict, true)) outcomes.push_back({Kind::conflict, prefix, {}, kConflict});
    dirty_.erase(prefix);  // on_removed wakes it
    return;
  }
  if (state.last_error == answer.to_string()) return;  // once is enough
  state.last_error = answer.to_string();
  outcomes.push_back({Kind::failed, prefix, {}, state.last_error});
}

void KernelRoutes::remove_unwanted(std::vector<RouteOutcome>& outcomes) {
  std::vector<NetlinkMessage> messages;
  for (const KernelRoute& route : left_elsewhere_) messages.push_back(delete_route_message(route));
  left_elsewhere_.clear();
  for (auto at = dirty_.begin(); at != dirty_.end();) {
    const auto state = states_.find(*at);
    if (state->second.wanted) {
      ++at;
      continue;
    }
    if (state->second.installed) {
      messages.push_back(delete_route_message(*state->second.installed));
      outcomes.push_back({Kind::removed, *at, {}, ""});
    }
    states_.erase(state);
    at = dirty_.erase(at);
  }
  socket_.request(messages);  // a route that is gone already is as good
}

NetlinkAnswer KernelRoutes::reconcile() {
  std::vector<KernelRoute> routes;
  NetlinkAnswer answer = dump_routes_whole(socket_, routes);
  if (!answer.ok()) return answer;
  std::map<std::pair<Prefix, std::uint32_t>, KernelRoute> found;  // by prefix and table
  for (const KernelRoute& route : routes)
    if (is_ours(route)) found.emplace(std::pair(route.prefix, route.table), route);
  for (auto& [prefix, state] : states_) {
    if (!state.installed) continue;
    const auto at = found.find({prefix, state.installed->table});
    const bool there = at != found.end();
    // A route that others made part of a multipath one shows no device of its own.
    const bool same = there && (at->second.interface_index == 0 || at->second == *state.installed);
    if (there) found.erase(at);
    if (same) continue;
    if (!there) state.installed.reset();
    state.vanished = true;
    dirty_.insert(prefix);
  }
  for (const auto& [key, route] : found)  // nobody here knows of it any more
    if (route.interface_index == settings_.interface_index) left_elsewhere_.push_back(route);
  return answer;
}

bool KernelRoutes::on_added(const KernelRoute& route) {
  if (!has_our_key(route) || route.protocol == kRouteProtocol) return false;
  const auto at = states_.find(route.prefix);
  return at != states_.end() && at->second.installed;  // it may have replaced ours
}

bool KernelRoutes::on_removed(const KernelRoute& route) {
  if (!has_our_key(route)) return false;
  const auto at = states_.find(route.prefix);
  if (at == states_.end() || !at->second.wanted) return false;
  if (at->second.conflict) {
    dirty_.insert(route.prefix);
    return true;
  }
  return at->second.installed && at->second.installed->table == route.table && route.protocol == kRouteProtocol;
}

}  // namespace starling::daemon
