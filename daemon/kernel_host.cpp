#include "daemon/kernel_host.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <utility>

namespace starling::daemon {

namespace {

constexpr auto kRetryAfter = std::chrono::seconds(1);

}  // namespace

KernelHost::KernelHost(boost::asio::io_context& io, const Config& config, std::uint32_t interface_index,
                       const IpAddress& link_local, EventLog& log, KernelHostHooks hooks)
    : io_(io),
      log_(log),
      hooks_(std::move(hooks)),
      mark_(underlay_mark(config.routes.metric)),
      settings_{interface_index,
                config.routes.table,
                config.routes.metric,
                mark_,
                config.first_address(Family::ipv4),
                config.first_address(Family::ipv6)},
      config_(config),
      link_local_(link_local),
      connected_(interface_index),
      transit_(io, config, {interface_index, config.routes.table, mark_, config.routes.metric}, log,
               {hooks_.set_transit, hooks_.on_transit_changed}),
      retry_(io) {}

std::optional<Error> KernelHost::open() {
  auto socket = NetlinkSocket::open();
  if (!socket.ok()) return socket.error();
  socket_ = std::move(socket).value();
  auto monitor = NetlinkMonitor::open();
  if (!monitor.ok()) return monitor.error();
  monitor_ = std::move(monitor).value();
  routes_.emplace(*socket_, settings_);
  if (const NetlinkAnswer swept = routes_->sweep(); !swept.ok())
    return Error{"routes of an earlier run cannot be removed: " + swept.to_string()};
  interface_.emplace(*socket_, settings_.interface_index, config_, link_local_);
  if (auto error = interface_->configure()) return error;
  read_addresses();
  transit_.open(*socket_);
  watcher_.emplace(io_, monitor_->fd(), [this] { monitor_->read(*this); });
  return std::nullopt;
}

void KernelHost::follow(const EgressPlan& plan, const Names& names) {
  plan_ = &plan;
  events_.emplace(log_, names, plan);
}

void KernelHost::touch(TouchedRoutes touched) {
  touched_.prefixes.merge(touched.prefixes);
  touched_.groups.merge(touched.groups);
  touched_.cause = touched.cause;
  schedule();
}

void KernelHost::set_endpoints(std::vector<Endpoint> endpoints) {
  routes_->set_endpoints(std::move(endpoints));
  schedule();
}

std::optional<std::uint32_t> KernelHost::outgoing_interface_to(const IpAddress& address) {
  return outgoing_interface(*socket_, address, mark_);
}

void KernelHost::close() {
  closed_ = true;
  retry_.cancel();
  transit_.close();
  watcher_.reset();
  if (routes_) routes_->remove_all();
}

void KernelHost::schedule() {
  if (std::exchange(scheduled_, true)) return;
  boost::asio::post(io_, [this] {
    scheduled_ = false;
    work();
  });
}

void KernelHost::work() {
  if (closed_ || !events_) return;
  monitor_->read(*this);  // who made a route meanwhile must be known before ours is replaced
  if (!gone_ && std::exchange(put_back_due_, false)) put_back();
  if (gone_) return;
  want_touched();
  const routing::Cause cause = std::exchange(touched_.cause, {});
  const Now now = system_now();
  const std::vector<RouteOutcome> outcomes = routes_->flush();
  monitor_->read(*this);
  if (gone_) return;  // failures that are none
  for (const RouteOutcome& outcome : outcomes) events_->publish(outcome, routes_->protected_table(), cause, now);
  if (routes_->unfinished()) retry_later();
}

void KernelHost::put_back() {
  if (const auto error = interface_->restore_addresses()) {
    monitor_->read(*this);  // the kernel tells of a deleted interface behind its addresses and routes
    if (gone_) return;
    log_.publish(EventLevel::warning, "route.failed", {{"reason", error->message}}, system_now());
  }
  if (const NetlinkAnswer answer = routes_->reconcile(); !answer.ok()) {
    log_.publish(EventLevel::warning, "route.failed", {{"reason", "routes cannot be read: " + answer.to_string()}},
                 system_now());
    put_back_due_ = true;
    retry_later();
  }
}

void KernelHost::want_touched() {
  for (const std::uint32_t group : std::exchange(touched_.groups, {}))
    for (const Prefix& prefix : plan_->prefixes_of(group)) touched_.prefixes.insert(prefix);
  for (const Prefix& prefix : std::exchange(touched_.prefixes, {})) want_prefix(prefix);
}

// By way of the first next hop, so that `ip route get` tells a person; the engine may well use others of the group.
void KernelHost::want_prefix(const Prefix& prefix) {
  for (const StaticPeer& peer : plan_->static_peers())
    if (std::find(peer.prefixes.begin(), peer.prefixes.end(), prefix) != peer.prefixes.end())
      return routes_->want(prefix, std::nullopt);
  const routing::RouteGroup* group = plan_->group_of(prefix);
  if (group == nullptr || (group->members.empty() && group->backup == routing::kNoNeighbor))
    return routes_->unwant(prefix);
  const routing::NeighborId neighbor = group->members.empty() ? group->backup : group->members.front();
  routes_->want(prefix, wg::link_local_address(hooks_.key_of(neighbor)));
}

void KernelHost::retry_later() {
  retry_.expires_after(kRetryAfter);
  retry_.async_wait([this](const boost::system::error_code& error) {
    if (!error) schedule();
  });
}

void KernelHost::read_addresses() {
  connected_.clear();
  dump_addresses(*socket_, [this](const KernelAddress& address) { connected_.add(address); });
  connected_told_ = connected_.subnets();
}

void KernelHost::tell_connected() {
  std::vector<Prefix> subnets = connected_.subnets();
  if (subnets == connected_told_) return;
  connected_told_ = subnets;
  hooks_.on_connected(std::move(subnets));
}

void KernelHost::on_route_added(const KernelRoute& route, bool replaces) {
  transit_.on_route_added(route, replaces);
  if (!routes_->on_added(route)) return;
  put_back_due_ = true;
  schedule();
}

void KernelHost::on_route_removed(const KernelRoute& route) {
  transit_.on_route_removed(route);
  if (!routes_->on_removed(route)) return;
  put_back_due_ = true;
  schedule();
}

void KernelHost::on_next_hop_removed() {
  transit_.on_routes_vanished();
}

void KernelHost::on_rules_changed() {
  transit_.on_rules_changed();
}

void KernelHost::on_address_added(const KernelAddress& address) {
  connected_.add(address);
  tell_connected();
}

void KernelHost::on_address_removed(const KernelAddress& address) {
  connected_.remove(address);
  tell_connected();
  transit_.on_routes_vanished();  // those that had it as their source
  if (!interface_->is_ours(address)) return;
  put_back_due_ = true;
  schedule();
}

void KernelHost::on_link(const KernelLink& link) {
  // The kernel tells of changes only, so an interface that is heard of for the first time was not like this before.
  const auto at = links_.try_emplace(link.index, LinkState{!link.up, !link.carrier}).first;
  const LinkState before = std::exchange(at->second, LinkState{link.up, link.carrier});
  if (!link.up && before.up) transit_.on_routes_vanished();
  if (link.index == settings_.interface_index) {
    if (!link.up) return;
    put_back_due_ = true;  // while it was down, the kernel dropped what hung on it
    schedule();
  } else if (!link.carrier && before.carrier) {
    hooks_.on_carrier_lost(link.index);
  }
}

void KernelHost::on_link_removed(const KernelLink& link) {
  links_.erase(link.index);
  transit_.on_routes_vanished();
  if (link.index == settings_.interface_index)
    gone_ = true;
  else
    hooks_.on_carrier_lost(link.index);
}

void KernelHost::on_overrun() {
  transit_.on_overrun();
  read_addresses();
  hooks_.on_connected(connected_told_);
  put_back_due_ = true;
  schedule();
}

}  // namespace starling::daemon
