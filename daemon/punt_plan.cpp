#include "daemon/punt_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace starling::daemon {

namespace {

const Prefix kEverythingV4(IpAddress(), 0);
const Prefix kEverythingV6(IpAddress::v6({}), 0);

}  // namespace

void PuntPlan::set_rules(const std::vector<PolicyRule>& rules) {
  const auto order_to_ours = [&](Family family) {
    RuleOrder order = order_of(rules, family);
    const auto leads_to_ours = [&](const TablePass& pass) { return pass.table == settings_.table; };
    if (order.obstacle || std::any_of(order.passes.begin(), order.passes.end(), leads_to_ours)) return order;
    order.obstacle = fmt::format("no policy rule leads to table {}", settings_.table);
    order.remedy =
        fmt::format("`ip -{} rule add pref 32766 lookup {}`", family == Family::ipv4 ? 4 : 6, settings_.table);
    return order;
  };
  set_orders(order_to_ours(Family::ipv4), order_to_ours(Family::ipv6));
}

void PuntPlan::set_no_rules(const std::string& reason, const std::string& remedy) {
  set_orders({{}, reason, remedy}, {{}, reason, remedy});
}

void PuntPlan::set_orders(RuleOrder v4, RuleOrder v6) {
  if (v4 == rules_v4_ && v6 == rules_v6_) return;
  rules_v4_ = std::move(v4);
  rules_v6_ = std::move(v6);
  decide_all();
}

void PuntPlan::set_routes(RouteMirror routes) {
  routes_ = std::move(routes);
  decide_all();
}

void PuntPlan::add_route(const KernelRoute& route, bool replaces) {
  if (routes_.add(route, replaces)) decide_inside(route.prefix);
}

void PuntPlan::remove_route(const KernelRoute& route) {
  if (routes_.remove(route)) decide_inside(route.prefix);
}

void PuntPlan::want(const std::vector<Prefix>& prefixes) {
  const std::set<Prefix> now(prefixes.begin(), prefixes.end());
  leaving_.clear();
  std::set_difference(wanted_.begin(), wanted_.end(), now.begin(), now.end(), std::inserter(leaving_, leaving_.end()));
  std::vector<Prefix> added;
  std::set_difference(now.begin(), now.end(), wanted_.begin(), wanted_.end(), std::back_inserter(added));
  wanted_.insert(added.begin(), added.end());
  for (const Prefix& prefix : added) decide_inside(prefix);
}

void PuntPlan::forget_leaving() {
  const std::set<Prefix> left = std::exchange(leaving_, {});
  for (const Prefix& prefix : left) wanted_.erase(prefix);
  for (const Prefix& prefix : left) decide_inside(prefix);
}

bool PuntPlan::carries(Family family) const {
  return std::any_of(wanted_.begin(), wanted_.end(), [&](const Prefix& prefix) { return prefix.family() == family; });
}

void PuntPlan::decide_all() {
  overfull_ = false;
  for (const Prefix& everything : {kEverythingV4, kEverythingV6}) decide_inside(everything);
}

void PuntPlan::decide_inside(const Prefix& area) {
  auto end = punts_.lower_bound(area);
  while (end != punts_.end() && area.contains(*end)) ++end;
  punts_.erase(punts_.lower_bound(area), end);
  const bool around = is_wanted_around(area);
  if (around) decide_routes_inside(area);
  const Prefix* outermost = nullptr;
  for (auto at = wanted_.lower_bound(area); at != wanted_.end() && area.contains(*at); ++at) {
    decide(*at);
    if (around || (outermost != nullptr && outermost->contains(*at))) continue;
    outermost = &*at;
    decide_routes_inside(*at);
  }
}

void PuntPlan::decide_routes_inside(const Prefix& area) {
  const RuleOrder& order = rules(area.family());
  if (order.obstacle) return;  // the prefixes of the mesh, all of them punts, are enough
  for (const TablePass& pass : order.passes)
    routes_.visit_inside(pass.table, area, [&](const Prefix& prefix) { decide(prefix); });
}

void PuntPlan::decide(const Prefix& prefix) {
  if (overfull_ || decision(prefix) == Decision::tunnel) return;
  punts_.insert(prefix);
  overfull_ = punts_.size() > kPuntsMax;
}

PuntPlan::Decision PuntPlan::decision(const Prefix& prefix) const {
  const RuleOrder& order = rules(prefix.family());
  if (order.obstacle) return Decision::kernel;
  for (const TablePass& pass : order.passes) {
    const HeldRoute* held = routes_.covering(pass.table, prefix, pass.length_min);
    if (pass.table == settings_.table) {
      const int held_length = held == nullptr ? -1 : held->prefix.length();
      const Prefix* wanted = wanted_covering(prefix, std::max(held_length, pass.length_min));
      if (wanted != nullptr && (wanted->length() > held_length || settings_.metric < held->rank))
        return Decision::tunnel;
    }
    if (held == nullptr || held->kind == HeldRoute::Kind::skip) continue;
    return held->kind == HeldRoute::Kind::ours ? Decision::tunnel : Decision::kernel;
  }
  return Decision::kernel;  // which has no route and says so
}

// A route of ours that covers the underlay is in a table of its own, default routes always.
const Prefix* PuntPlan::wanted_covering(const Prefix& prefix, int length_min) const {
  for (int length = prefix.length(); length >= std::max(length_min, 0); length--) {
    if (length == 0 && settings_.table == kMainTable) return nullptr;
    const auto at = wanted_.find(Prefix(prefix.address(), length));
    if (at != wanted_.end() && !routes_.has_ours(settings_.protected_table, *at)) return &*at;
  }
  return nullptr;
}

bool PuntPlan::is_wanted_around(const Prefix& prefix) const {
  for (int length = prefix.length(); length >= 0; length--)
    if (wanted_.contains(Prefix(prefix.address(), length))) return true;
  return false;
}

}  // namespace starling::daemon
