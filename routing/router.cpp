// The public face of Router; the work is done in router_impl.cpp and its neighbours.
#include "routing/router.h"

#include <algorithm>
#include <stdexcept>

#include "routing/router_impl.h"

namespace starling::routing {

namespace {

constexpr std::size_t kHelloRoomsMax = 64;  // a router with more neighbours asks for memory

}  // namespace

void RouterOutbox::clear() {
  for (Packet& packet : packets) {
    if (packet.bytes.capacity() == kHelloPacketSize && hello_rooms_.size() < kHelloRoomsMax)
      hello_rooms_.push_back(std::move(packet.bytes));
  }
  packets.clear();
  routes = {};
  ingress.clear();
  events.clear();
}

std::vector<std::uint8_t> RouterOutbox::take_hello_room() {
  if (hello_rooms_.empty()) return {};
  std::vector<std::uint8_t> room = std::move(hello_rooms_.back());
  hello_rooms_.pop_back();
  return room;
}

Router::Router(RouterConfig config, SignFunction sign, VerifyFunction verify, RandomSource& random, AdmitFunction admit)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(sign), std::move(verify), random, std::move(admit))) {}

Router::~Router() = default;

void Router::start(Now now) {
  impl_->start(now);
}

void Router::shut_down(Now now) {
  impl_->shut_down(now);
}

void Router::add_neighbor(Now now, NeighborId neighbor, const NeighborConfig& config) {
  impl_->add_neighbor(now, neighbor, config);
}

void Router::remove_neighbor(Now now, NeighborId neighbor) {
  impl_->remove_neighbor(now, neighbor);
}

void Router::set_cost(Now now, NeighborId neighbor, std::optional<Metric> cost) {
  if (cost && (*cost < 1 || *cost > kMaxLinkMetric)) throw std::invalid_argument("a cost is 1 to kMaxLinkMetric");
  const auto found = impl_->neighbors.find(neighbor);
  if (found == impl_->neighbors.end() || found->second.config.cost == cost) return;
  found->second.config.cost = cost;
  impl_->origination.want({});
  impl_->computation.want({});
  impl_->finish(now);
}

void Router::set_mtu(Now now, std::uint16_t mtu) {
  for (auto& [id, neighbor] : impl_->neighbors) {
    if (neighbor.config.mtu == mtu) continue;
    neighbor.config.mtu = mtu;
    neighbor.quality.set_mtu(now.monotonic, mtu);
    impl_->origination.want({});
  }
  impl_->finish(now);
}

void Router::set_drained(Now now, bool drained) {
  if (impl_->drained == drained) return;
  impl_->drained = drained;
  impl_->origination.want({});
  impl_->computation.want({});
  impl_->finish(now);
}

void Router::set_announced(Now now, std::vector<Prefix> prefixes) {
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  if (prefixes == impl_->config.announced) return;
  impl_->config.announced = std::move(prefixes);
  impl_->prefixes_changed = true;
  impl_->origination.want({});
  impl_->computation.want({});
  impl_->finish(now);
}

void Router::set_connected(Now now, std::vector<Prefix> subnets) {
  if (subnets == impl_->config.connected) return;
  impl_->config.connected = std::move(subnets);
  impl_->prefixes_changed = true;
  impl_->computation.want({});
  impl_->finish(now);
}

bool Router::add_grant(Now now, const LsaHandle& grant) {
  const bool taken = impl_->take_grant(now, grant);
  if (taken) impl_->finish(now);
  return taken;
}

void Router::on_packet(Now now, NeighborId neighbor, Bytes payload) {
  impl_->on_packet(now, neighbor, payload);
}

void Router::on_quiet(Now now, NeighborId neighbor) {
  impl_->doubt(now, neighbor, DoubtCause::unanswered);
}

void Router::on_late(Time now, Duration late) {
  impl_->note_lateness(now, late);
}

void Router::on_unreachable(Now now, NeighborId neighbor) {
  impl_->doubt(now, neighbor, DoubtCause::unreachable);
}

void Router::on_heard(Now now, NeighborId neighbor) {
  const auto found = impl_->neighbors.find(neighbor);
  if (!impl_->running || found == impl_->neighbors.end() || !found->second.adjacent()) return;
  found->second.on_traffic(now.monotonic);
  impl_->finish(now);
}

void Router::on_carrier_lost(Now now, NeighborId neighbor) {
  const auto found = impl_->neighbors.find(neighbor);
  if (!impl_->running || found == impl_->neighbors.end()) return;
  impl_->apply(now, found->second, NeighborEvent::carrier_lost, "carrier lost");
  impl_->finish(now);
}

void Router::on_timer(Now now) {
  impl_->on_timer(now);
}

Time Router::next_deadline() const {
  return impl_->next_deadline();
}

Time Router::next_judgement() const {
  Time at = kNever;
  for (const auto& [id, neighbor] : impl_->neighbors) at = std::min(at, neighbor.next_judgement());
  return at;
}

RouterOutbox& Router::outbox() {
  return impl_->outbox;
}

const RouterConfig& Router::config() const {
  return impl_->config;
}

DatabaseDigest Router::digest() const {
  return impl_->database.digest();
}

std::vector<PrefixFinding> Router::prefix_findings() const {
  return impl_->find_prefixes();
}

std::vector<Route> Router::routes() const {
  return impl_->routes.routes();
}

std::vector<RouteGroup> Router::groups() const {
  return impl_->routes.groups();
}

void Router::next_hops(const Prefix& prefix, std::vector<NeighborId>& members) const {
  impl_->routes.next_hops(prefix, members);
}

BackupCoverage Router::backup_coverage() const {
  return impl_->routes.coverage();
}

std::vector<IngressChange> Router::ingress() const {
  return impl_->ingress.table();
}

bool Router::drained() const {
  return impl_->drained;
}

std::size_t Router::unacknowledged() const {
  std::size_t count = impl_->origination.wanted ? 1 : 0;  // not even made yet
  for (const auto& [id, neighbor] : impl_->neighbors) count += neighbor.queue.size();
  return count;
}

const RouterStatistics& Router::statistics() const {
  return impl_->statistics;
}

}  // namespace starling::routing
