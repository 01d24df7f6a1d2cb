#include "daemon/routing_host.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "routing/identity.h"

namespace starling::daemon {

namespace {

using routing::EventKind;

// Why routes changed: the newest cause among the events that say so.
routing::Cause cause_of_routes(const std::vector<routing::Event>& events) {
  routing::Cause cause;
  for (const routing::Event& event : events)
    if (event.kind == EventKind::route_group || event.kind == EventKind::route_add ||
        event.kind == EventKind::route_remove)
      cause = event.cause;
  return cause;
}

// With one decimal: a swap of groups takes less than one.
double microseconds(Duration duration) {
  return std::round(static_cast<double>(duration.count()) / 100) / 10;
}

}  // namespace

RoutingHost::RoutingHost(boost::asio::io_context& io, wg::Backend& backend, EventLog& log, routing::RouterConfig config,
                         routing::SignFunction sign, std::vector<StaticPeer> static_peers, RoutingHostHooks hooks)
    : backend_(backend),
      log_(log),
      hooks_(std::move(hooks)),
      router_(std::move(config), std::move(sign), routing::verify_signature, random_),
      names_(names_from(router_, hooks_.key_of)),
      publisher_(log, names_),
      egress_(std::move(static_peers)),
      ingress_(egress_.static_peers()),
      timer_watcher_(io, timer_.fd(), [this] { on_timer(); }) {}

void RoutingHost::start() {
  set_egress();
  backend_.set_ingress(ingress_.description());
  TouchedRoutes touched;
  for (const StaticPeer& peer : egress_.static_peers())
    touched.prefixes.insert(peer.prefixes.begin(), peer.prefixes.end());
  if (!touched.empty()) hooks_.on_touched(std::move(touched));
  (void)backend_.take_lateness();  // what waited for its threads to begin says nothing of later
  const Now now = system_now();
  call(now, [&] { router_.start(now); });
}

void RoutingHost::add_neighbor(routing::NeighborId neighbor, const routing::NeighborConfig& config) {
  const Now now = system_now();
  call(now, [&] { router_.add_neighbor(now, neighbor, config); });
}

void RoutingHost::on_packet(Now now, routing::NeighborId neighbor, Bytes payload) {
  call(now, [&] { router_.on_packet(now, neighbor, payload); });
}

void RoutingHost::on_quiet(Now now, routing::NeighborId neighbor) {
  router_.on_late(now.monotonic, backend_.take_lateness());  // the doubt takes it into account
  call(now, [&] { router_.on_quiet(now, neighbor); });
}

void RoutingHost::on_heard(Now now, routing::NeighborId neighbor) {
  call(now, [&] { router_.on_heard(now, neighbor); });
}

void RoutingHost::on_unreachable(Now now, routing::NeighborId neighbor) {
  call(now, [&] { router_.on_unreachable(now, neighbor); });
}

void RoutingHost::on_carrier_lost(routing::NeighborId neighbor) {
  const Now now = system_now();
  call(now, [&] { router_.on_carrier_lost(now, neighbor); });
}

void RoutingHost::set_connected(std::vector<Prefix> subnets) {
  const Now now = system_now();
  call(now, [&] { router_.set_connected(now, std::move(subnets)); });
}

bool RoutingHost::add_grant(const routing::LsaHandle& grant) {
  const Now now = system_now();
  bool taken = false;
  call(now, [&] { taken = router_.add_grant(now, grant); });
  return taken;
}

void RoutingHost::set_drained(bool drained) {
  const Now now = system_now();
  call(now, [&] { router_.set_drained(now, drained); });
}

void RoutingHost::set_mtu(std::uint16_t mtu) {
  const Now now = system_now();
  call(now, [&] { router_.set_mtu(now, mtu); });
}

void RoutingHost::shut_down() {
  const Now now = system_now();
  call(now, [&] { router_.shut_down(now); });
}

template <typename RouterCall>
void RoutingHost::call(Now now, const RouterCall& router_call) {
  const Time before = monotonic_now();
  router_call();
  const Duration duration = monotonic_now() - before;
  if (routing::RouterOutbox& outbox = router_.outbox(); !outbox.only_packets()) {
    carry_out(std::exchange(outbox, {}), now, duration);
  } else if (!outbox.packets.empty()) {
    send(outbox.packets);
    outbox.clear();  // keeps what the next packets need
  }
  arm_timer();
}

void RoutingHost::carry_out(routing::RouterOutbox outbox, Now now, Duration call_duration) {
  TouchedRoutes touched;
  const routing::Cause cause = cause_of_routes(outbox.events);
  std::optional<Swap> swap;
  if (!outbox.routes.empty()) swap = swap_egress(outbox.routes, touched);
  if (!outbox.ingress.empty()) {
    ingress_.apply(outbox.ingress);
    backend_.set_ingress(ingress_.description());
  }
  if (!outbox.packets.empty()) send(outbox.packets);
  for (const routing::Event& event : outbox.events) {
    publisher_.publish(event, now, event.kind == EventKind::spf_run ? std::optional(call_duration) : std::nullopt);
    if (event.kind == EventKind::neighbor_state) hooks_.on_neighbor_state(event.neighbor, event.to, now);
  }
  if (swap) publish_swap(*swap, cause);
  touched.cause = cause;
  if (!touched.empty()) hooks_.on_touched(std::move(touched));
}

void RoutingHost::send(const std::vector<routing::RouterOutbox::Packet>& packets) {
  sending_.clear();
  for (const routing::RouterOutbox::Packet& packet : packets)
    sending_.push_back({packet.neighbor, packet.bytes, packet.as_data});
  backend_.send_control(sending_);
}

void RoutingHost::set_egress() {
  const wg::EgressDescription description = egress_.description();
  hooks_.before_egress(description);
  backend_.set_egress(description);
}

std::optional<RoutingHost::Swap> RoutingHost::swap_egress(const routing::RouteDelta& delta, TouchedRoutes& touched) {
  const EgressChange change = egress_.apply(delta);
  for (const routing::RouteGroup& group : delta.groups) touched.groups.insert(group.id);
  for (const routing::Route& route : delta.routes) touched.prefixes.insert(route.prefix);
  touched.prefixes.insert(delta.removed_routes.begin(), delta.removed_routes.end());
  if (change.empty()) return std::nullopt;
  const Time before = monotonic_now();
  if (change.groups_only)
    backend_.set_egress_groups(egress_.groups());
  else
    set_egress();
  const Now now = system_now();
  return Swap{change, now, now.monotonic - before};
}

void RoutingHost::publish_swap(const Swap& swap, const routing::Cause& cause) {
  log_.publish(EventLevel::info, "egress.swap",
               {{"groups", swap.change.groups},
                {"prefixes", swap.change.prefixes},
                {"duration_us", microseconds(swap.duration)}},
               cause_json(cause, names_), swap.at);
}

void RoutingHost::arm_timer() {
  if (in_timer_) return;
  const Time deadline = router_.next_deadline();
  if (deadline == armed_) return;
  armed_ = deadline;
  timer_.arm(deadline);
}

// A neighbour whose Hello waits in the engine's queue was not silent: the queue is emptied first, which may well move
// the deadline.
void RoutingHost::on_timer() {
  armed_ = kNever;
  in_timer_ = true;  // armed once, by what comes last
  hooks_.dispatch_engine();
  if (router_.next_judgement() <= monotonic_now()) hooks_.drain_engine();
  in_timer_ = false;
  const Now now = system_now();
  router_.on_late(now.monotonic, backend_.take_lateness());
  if (router_.next_deadline() <= now.monotonic)
    call(now, [&] { router_.on_timer(now); });
  else
    arm_timer();
}

}  // namespace starling::daemon
