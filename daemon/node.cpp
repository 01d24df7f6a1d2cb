#include "daemon/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/date.h"
#include "base/system.h"
#include "daemon/control/capture_request.h"
#include "daemon/control/grant_request.h"
#include "daemon/control/server.h"
#include "daemon/control/version.h"
#include "daemon/control/views.h"
#include "daemon/fd_watcher.h"
#include "daemon/forwarding_check.h"
#include "daemon/kernel_host.h"
#include "daemon/netlink/forward_chain.h"
#include "daemon/peer_locator.h"
#include "daemon/priority.h"
#include "daemon/privileges.h"
#include "daemon/routing_host.h"
#include "daemon/sysctl.h"
#include "daemon/wireguard_uapi.h"
#include "routing/identity.h"
#include "routing/messages.h"
#include "wg/io/backend.h"

namespace starling::daemon {

namespace {

constexpr auto kGoodbyeTime = std::chrono::milliseconds(100);  // for the last packets to leave the engine
constexpr auto kLookAgainAfter = std::chrono::seconds(5);
constexpr Duration kHandshakeAgeMax = std::chrono::seconds(180);  // REJECT_AFTER_TIME: an older tunnel is dead
constexpr Duration kGrantWarning = std::chrono::hours(24 * 14);   // before it ends
constexpr Duration kGrantReminder = std::chrono::hours(24);       // and again
constexpr int kStrictReversePath = 1;
constexpr std::uint16_t kFirstFreePort = 1024;
constexpr const char* kFirewallNotAsked = "what passes from tunnel to tunnel on the fast path does not see this chain";
constexpr const char* kFirewallDrops = "its policy drops what passes through, unless a rule there accepts it";

wg::BackendConfig backend_config(const Config& config) {
  wg::BackendConfig backend;
  backend.interface = config.interface;
  backend.private_key = config.private_key;
  backend.listen_port = config.listen_port;
  backend.fwmark = underlay_mark(config.routes.metric);
  backend.mtu = config.mtu;
  backend.control_port = routing::kControlPort;
  backend.offloads = config.offloads;
  backend.workers = config.workers;
  return backend;
}

wg::PeerConfig peer_config(const PeerEntry& entry) {
  wg::PeerConfig peer;
  peer.public_key = entry.public_key;
  peer.preshared_key = entry.preshared_key;
  if (entry.endpoint) peer.endpoint = entry.endpoint->numeric();
  peer.persistent_keepalive_s = entry.persistent_keepalive_s;
  peer.control = entry.routing;
  return peer;
}

const char* word_of(Family family) {
  return family == Family::ipv4 ? "ipv4" : "ipv6";
}

EventLevel level_of(ForwardingProblem::Loss loss) {
  switch (loss) {
    case ForwardingProblem::Loss::everything: return EventLevel::error;
    case ForwardingProblem::Loss::what_leaves: return EventLevel::warning;
    case ForwardingProblem::Loss::what_is_unusual: return EventLevel::info;
  }
  return EventLevel::error;
}

std::vector<Prefix> own_prefixes(const Config& config) {
  std::vector<Prefix> prefixes;
  for (const InterfaceAddress& address : config.addresses) prefixes.push_back(Prefix::host(address.address));
  prefixes.insert(prefixes.end(), config.announce.begin(), config.announce.end());
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

// The routers of one machine at moments of their own: all at once they would cost half, and keep its processors from a
// repair (docs/performance.md).
Duration hello_phase(const routing::NodeId& id, Duration interval) {
  const std::uint64_t any = ByteReader(id.bytes).u64();
  return Duration(static_cast<Duration::rep>(any % static_cast<std::uint64_t>(interval.count())));
}

}  // namespace

class Node::Impl final : private wg::BackendObserver {
 public:
  Impl(boost::asio::io_context& io, Config config, EventLog& log, std::function<void(std::optional<Error>)> on_end)
      : io_(io), config_(std::move(config)), log_(log), on_end_(std::move(on_end)), look_(io), goodbye_(io) {}

  ~Impl() override {
    if (kernel_) kernel_->close();
  }

  std::optional<Error> start(const NodePaths& paths);
  void stop(const std::string& reason);

 private:
  void on_control_packet(Now received_at, wg::PeerId peer, Bytes payload) override;
  void on_quiet(Now at, wg::PeerId peer) override { routing_->on_quiet(at, peer); }
  void on_heard(Now at, wg::PeerId peer) override { routing_->on_heard(at, peer); }
  void on_session(Now at, wg::PeerId peer, bool as_initiator) override;
  void on_endpoint(Now at, wg::PeerId peer, const Endpoint& endpoint) override;
  void on_unreachable(Now at, wg::PeerId peer, const wg::Unreachable& what) override;
  void on_drop(Now at, const wg::DropReport& report) override;
  void on_warning(Now at, const std::string& what) override;
  void on_fatal(Now at, const std::string& what) override;

  std::optional<Error> open_control(const std::string& path);
  std::optional<Error> open_backend(const std::string& key_log);
  std::optional<Error> add_peers();
  std::optional<Error> open_kernel();
  void make_locator();
  void make_wireguard_uapi();
  void make_routing();
  void add_neighbors();
  void watch_engine();

  TransitReport report_transit() const;
  Result<nlohmann::json> answer(const nlohmann::json& request);
  nlohmann::json set_drained(bool drained);
  Result<nlohmann::json> take_grants(const nlohmann::json& request);
  std::optional<Error> capture(const nlohmann::json& request, FileDescriptor stream, std::string answer);
  PublicKey key_of(wg::PeerId peer) const;
  void look_at_machine();
  void look_at_forwarding(Now now);
  void look_at_firewall(Now now);
  void look_at_reverse_path(Now now);
  void look_at_static_peers(Now now);
  void look_at_grant(Now now);
  void look_at_mtu();

  boost::asio::io_context& io_;
  Config config_;
  EventLog& log_;
  std::function<void(std::optional<Error>)> on_end_;
  Time started_ = monotonic_now();
  std::map<wg::PeerId, const PeerEntry*> peers_;
  std::vector<StaticPeer> static_peers_;
  ForwardingCheck forwarding_;
  bool reverse_path_told_ = false;
  Time grant_told_{};      // when it was last said that this node's grant ends soon
  int mtu_ = config_.mtu;  // of the interface, as last looked at
  bool stopping_ = false;

  // Destroyed in reverse: whoever uses another stands behind it.
  std::unique_ptr<ControlServer> control_;
  std::unique_ptr<wg::Backend> backend_;
  std::unique_ptr<KernelHost> kernel_;
  std::unique_ptr<PeerLocator> locator_;
  std::unique_ptr<RoutingHost> routing_;
  std::unique_ptr<WireguardUapi> wireguard_;
  std::unique_ptr<FdWatcher> engine_watcher_;
  boost::asio::steady_timer look_;
  boost::asio::steady_timer goodbye_;
};

// The control socket first: if another daemon has it, nothing of that daemon's is disturbed.
std::optional<Error> Node::Impl::start(const NodePaths& paths) {
  log_.publish(EventLevel::info, "daemon.start", {{"version", version()}, {"interface", config_.interface}},
               system_now());
  if (auto error = open_control(paths.control)) return error;
  if (const auto refusal = set_priority(config_.nice)) on_warning(system_now(), refusal->message);
  // Behind the last file that is opened by name, before the first thread and the first byte from the network.
  const std::uint16_t port = config_.listen_port;
  if (auto error = drop_privileges(port != 0 && port < kFirstFreePort)) return error;
  if (auto error = open_backend(paths.key_log)) return error;
  if (auto error = add_peers()) return error;
  if (auto error = open_kernel()) return error;
  make_routing();
  make_locator();
  make_wireguard_uapi();
  routing_->start();
  add_neighbors();
  backend_->start();  // not sooner: a neighbour that is faster than we are is no stranger
  watch_engine();
  wireguard_->open(config_.interface, paths.wireguard_folder);
  if (config_.transit) look_at_firewall(system_now());
  look_at_machine();
  const wg::BackendStatus status = backend_->status();
  log_.publish(EventLevel::info, "daemon.ready",
               {{"version", version()},
                {"interface", config_.interface},
                {"listen_port", status.listen_port},
                {"aead", status.aead}},
               system_now());
  return std::nullopt;
}

std::optional<Error> Node::Impl::open_control(const std::string& path) {
  auto server = ControlServer::open(
      io_, path, [this](const nlohmann::json& request) { return answer(request); }, log_,
      [this](const nlohmann::json& request, FileDescriptor stream, std::string answer) {
        return capture(request, std::move(stream), std::move(answer));
      });
  if (!server.ok()) return server.error();
  control_ = std::move(server).value();
  return std::nullopt;
}

std::optional<Error> Node::Impl::open_backend(const std::string& key_log) {
  wg::BackendConfig config = backend_config(config_);
  config.key_log_file = key_log;
  config.control_can_wait = routing::can_wait;
  auto backend = wg::make_userspace_backend(config);
  if (!backend.ok()) return backend.error();
  if (!key_log.empty()) on_warning(system_now(), "the keys of every handshake are written to " + key_log);
  backend_ = std::move(backend).value();
  return std::nullopt;
}

std::optional<Error> Node::Impl::open_kernel() {
  const wg::BackendStatus status = backend_->status();
  KernelHostHooks hooks;
  hooks.key_of = [this](routing::NeighborId neighbor) { return key_of(neighbor); };
  hooks.on_connected = [this](std::vector<Prefix> subnets) {
    if (routing_) routing_->set_connected(std::move(subnets));
  };
  hooks.on_carrier_lost = [this](std::uint32_t index) {
    if (!locator_) return;
    for (const wg::PeerId peer : locator_->peers_behind(index))
      if (peers_.at(peer)->routing) routing_->on_carrier_lost(peer);
  };
  hooks.set_transit = [this](const wg::TransitDescription& transit) { backend_->set_transit(transit); };
  hooks.on_transit_changed = [this] {
    if (routing_ && config_.transit) look_at_forwarding(system_now());
  };
  kernel_ = std::make_unique<KernelHost>(io_, config_, status.interface_index,
                                         wg::link_local_address(status.public_key), log_, std::move(hooks));
  return kernel_->open();
}

std::optional<Error> Node::Impl::add_peers() {
  for (const PeerEntry& entry : config_.peers) {
    const auto peer = backend_->add_peer(peer_config(entry));
    if (!peer.ok()) return peer.error();
    peers_.emplace(*peer, &entry);
    if (!entry.routing) static_peers_.push_back({*peer, entry.allowed_ips});
  }
  return std::nullopt;
}

void Node::Impl::make_routing() {
  const auto identity = std::make_shared<const routing::Identity>(config_.private_key);
  routing::RouterConfig router;
  router.id = identity->id();
  router.wireguard_key = backend_->status().public_key;
  router.name = config_.name;
  router.transit = config_.transit;
  router.hello = config_.hello;
  router.hello_phase = hello_phase(router.id, config_.hello.interval);
  router.network_key = config_.network_key;
  router.grants = config_.grants;
  router.metric = config_.metric;
  router.path_probe_interval = config_.path_probe_interval;
  router.accept = config_.accept;
  router.announced = own_prefixes(config_);
  for (const StaticPeer& peer : static_peers_)
    router.announced.insert(router.announced.end(), peer.prefixes.begin(), peer.prefixes.end());
  router.connected = kernel_->connected();

  RoutingHostHooks hooks;
  hooks.key_of = [this](routing::NeighborId neighbor) { return key_of(neighbor); };
  hooks.on_touched = [this](TouchedRoutes touched) { kernel_->touch(std::move(touched)); };
  hooks.before_egress = [this](const wg::EgressDescription& egress) { kernel_->expect_egress(egress); };
  hooks.on_neighbor_state = [this](routing::NeighborId neighbor, routing::NeighborState state, Now) {
    if (locator_) locator_->set_answering(neighbor, state != routing::NeighborState::down);
  };
  hooks.dispatch_engine = [this] { backend_->dispatch(*this); };
  hooks.drain_engine = [this] {
    backend_->catch_up();
    backend_->dispatch(*this);
  };
  routing_ = std::make_unique<RoutingHost>(
      io_, *backend_, log_, std::move(router), [identity](Bytes message) { return identity->sign(message); },
      static_peers_, std::move(hooks));
  kernel_->follow(routing_->egress(), routing_->names());
}

void Node::Impl::make_locator() {
  PeerLocatorHooks hooks;
  hooks.name_of = [this](wg::PeerId peer) { return routing_->names().neighbor(peer); };
  hooks.on_endpoints = [this](std::vector<Endpoint> endpoints) { kernel_->set_endpoints(std::move(endpoints)); };
  hooks.outgoing_interface_to = [this](const IpAddress& address) { return kernel_->outgoing_interface_to(address); };
  locator_ = std::make_unique<PeerLocator>(io_, *backend_, log_, std::move(hooks));
  for (const auto& [peer, entry] : peers_) locator_->add(peer, entry->endpoint);
}

void Node::Impl::make_wireguard_uapi() {
  WireguardUapiHooks hooks;
  hooks.name_of = [this](wg::PeerId peer) { return routing_->names().neighbor(peer); };
  hooks.set_endpoint = [this](wg::PeerId peer, const Endpoint& endpoint) { locator_->set_by_hand(peer, endpoint); };
  wireguard_ = std::make_unique<WireguardUapi>(io_, *backend_, log_, config_.private_key, std::move(hooks));
  for (const auto& [peer, entry] : peers_) wireguard_->add(peer, entry->public_key, entry->preshared_key);
}

void Node::Impl::add_neighbors() {
  for (const auto& [peer, entry] : peers_)
    if (entry->routing)
      routing_->add_neighbor(peer, {entry->public_key, entry->cost, static_cast<std::uint16_t>(config_.mtu)});
}

void Node::Impl::watch_engine() {
  engine_watcher_ =
      std::make_unique<FdWatcher>(io_, backend_->notification_fd(), [this] { backend_->dispatch(*this); });
}

void Node::Impl::stop(const std::string& reason) {
  if (std::exchange(stopping_, true)) return;
  log_.publish(EventLevel::info, "daemon.stop", {{"interface", config_.interface}, {"reason", reason}}, system_now());
  look_.cancel();
  routing_->shut_down();
  kernel_->close();
  goodbye_.expires_after(kGoodbyeTime);
  goodbye_.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_end_(std::nullopt);
  });
}

void Node::Impl::on_control_packet(Now received_at, wg::PeerId peer, Bytes payload) {
  routing_->on_packet(received_at, peer, payload);
}

void Node::Impl::on_session(Now at, wg::PeerId peer, bool as_initiator) {
  log_.publish(EventLevel::info, "tunnel.session",
               {{"neighbor", routing_->names().neighbor(peer)}, {"initiator", as_initiator}}, at);
  locator_->look_up_interface(peer);
  if (!peers_.at(peer)->routing) locator_->set_answering(peer, true);
}

void Node::Impl::on_endpoint(Now at, wg::PeerId peer, const Endpoint& endpoint) {
  log_.publish(EventLevel::info, "tunnel.endpoint",
               {{"neighbor", routing_->names().neighbor(peer)}, {"endpoint", endpoint.to_string()}}, at);
  locator_->on_roamed(peer, endpoint);
}

// A way that carries less than it was given is there.
void Node::Impl::on_unreachable(Now at, wg::PeerId peer, const wg::Unreachable& what) {
  if (peers_.at(peer)->routing && !wg::is_about_size(what.meaning)) routing_->on_unreachable(at, peer);
  if (what.is_news) routing_->publisher().publish_unreachable(peer, what, at);
}

void Node::Impl::on_drop(Now at, const wg::DropReport& report) {
  const auto endpoint = report.peer == wg::kNoPeer ? std::nullopt : locator_->endpoint_of(report.peer);
  routing_->publisher().publish_drop(report.peer, report.reason, report.count, report.address, endpoint, at);
}

void Node::Impl::on_warning(Now at, const std::string& what) {
  log_.publish(EventLevel::warning, "interface.warning", {{"interface", config_.interface}, {"reason", what}}, at);
}

void Node::Impl::on_fatal(Now at, const std::string& what) {
  if (std::exchange(stopping_, true)) return;
  log_.publish(EventLevel::error, "daemon.stop", {{"interface", config_.interface}, {"reason", what}}, at);
  kernel_->close();
  on_end_(Error{what});
}

// What is told again changes nothing; the answer says how far the news has come.
nlohmann::json Node::Impl::set_drained(bool drained) {
  if (routing_->router().drained() != drained) {
    log_.publish(EventLevel::info, drained ? "node.drain" : "node.undrain", {{"interface", config_.interface}},
                 system_now());
    routing_->set_drained(drained);
  }
  return drain_view(routing_->router());
}

// All of them, or none.
Result<nlohmann::json> Node::Impl::take_grants(const nlohmann::json& request) {
  const auto grants = checked_grants(routing_->router(), request, system_now().wall);
  if (!grants.ok()) return grants.error();
  for (const routing::LsaHandle& grant : *grants) routing_->add_grant(grant);
  return nlohmann::json{{"taken", grants->size()}};
}

Result<nlohmann::json> Node::Impl::answer(const nlohmann::json& request) {
  if (!routing_) return Error{"the daemon is still starting; ask again"};
  if (request.at("command") == "drain") return set_drained(true);
  if (request.at("command") == "undrain") return set_drained(false);
  if (request.at("command") == "grant") return take_grants(request);
  const ViewContext context{
      routing_->router(),    *backend_,
      routing_->names(),     static_peers_,
      own_prefixes(config_), started_,
      system_now(),          [this](const Prefix& prefix) { return kernel_->route_trouble(prefix); },
      report_transit()};
  return answer_request(context, request);
}

std::optional<Error> Node::Impl::capture(const nlohmann::json& request, FileDescriptor stream, std::string answer) {
  if (!backend_) return Error{"the daemon is still starting; ask again"};
  Result<wg::CaptureOptions> options = capture_options(request);
  if (!options) return options.error();
  options->greeting = std::move(answer);
  return backend_->start_capture(std::move(stream), *options);
}

TransitReport Node::Impl::report_transit() const {
  TransitReport report;
  report.offered = config_.transit;
  report.obstacle_v4 = kernel_->transit().obstacle(Family::ipv4);
  report.obstacle_v6 = kernel_->transit().obstacle(Family::ipv6);
  report.kernel_routes = kernel_->transit().kernel_routes();
  report.dropping_chains = [] {
    std::vector<std::string> names;
    for (const ForwardChain& chain : dropping_forward_chains()) names.push_back(chain.name);
    return names;
  };
  return report;
}

PublicKey Node::Impl::key_of(wg::PeerId peer) const {
  const auto at = peers_.find(peer);
  return at == peers_.end() ? PublicKey{} : at->second->public_key;
}

void Node::Impl::look_at_machine() {
  const Now now = system_now();
  if (config_.transit) look_at_forwarding(now);
  look_at_reverse_path(now);
  look_at_static_peers(now);
  look_at_grant(now);
  look_at_mtu();
  look_.expires_after(kLookAgainAfter);
  look_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look_at_machine();
  });
}

// The families in which this node has something to carry: its own prefixes and what it routes.
void Node::Impl::look_at_forwarding(Now now) {
  std::map<Family, ForwardingNeed> needs;
  for (const Prefix& prefix : own_prefixes(config_)) needs[prefix.family()];
  for (const auto& [prefix, group] : routing_->egress().routes()) needs[prefix.family()];
  for (const Prefix& prefix : config_.announce) needs[prefix.family()].leads_away = true;
  for (auto& [family, need] : needs) need.fast_path = !kernel_->transit().obstacle(family);
  for (const ForwardingProblem& problem : forwarding_.look(needs))
    log_.publish(level_of(problem.loss), "forwarding.disabled",
                 {{"family", word_of(problem.family)}, {"reason", problem.reason}, {"remedy", problem.remedy}}, now);
}

// At start alone: whoever changes the firewall of a running machine knows what for.
void Node::Impl::look_at_firewall(Now now) {
  for (const ForwardChain& chain : dropping_forward_chains()) {
    const bool fast = (chain.ipv4 && !kernel_->transit().obstacle(Family::ipv4)) ||
                      (chain.ipv6 && !kernel_->transit().obstacle(Family::ipv6));
    log_.publish(EventLevel::warning, "transit.firewall",
                 {{"chain", chain.name},
                  {"reason", fast ? kFirewallNotAsked : kFirewallDrops},
                  {"remedy", fast ? "\"transit_fast_path\": false, if it is to judge what passes through"
                                  : fmt::format("accept there what comes in and goes out by {}", config_.interface)}},
                 now);
  }
}

// The kernel takes the larger of the interface's value and that of `all`, so ours alone does not help.
void Node::Impl::look_at_reverse_path(Now now) {
  const bool strict = read_sysctl("net/ipv4/conf/all/rp_filter").value_or(0) == kStrictReversePath;
  if (strict && !std::exchange(reverse_path_told_, true))
    log_.publish(EventLevel::warning, "forwarding.reverse_path",
                 {{"family", "ipv4"},
                  {"remedy", "sysctl -w net.ipv4.conf.all.rp_filter=0 (each interface keeps its own value)"}},
                 now);
  if (!strict) reverse_path_told_ = false;
}

// `ip link set mtu` is the quickest cure of a grey link.
void Node::Impl::look_at_mtu() {
  const int mtu = backend_->status().mtu;
  if (mtu == mtu_ || mtu < kMtuMin || mtu > kMtuMax) return;
  mtu_ = mtu;
  routing_->set_mtu(static_cast<std::uint16_t>(mtu));
}

// A stock WireGuard peer says no Hello; a tunnel whose keys have run out is taken for silent.
void Node::Impl::look_at_static_peers(Now now) {
  if (static_peers_.empty()) return;
  for (const wg::PeerStatus& status : backend_->status().peers) {
    if (peers_.at(status.id)->routing) continue;
    locator_->set_answering(status.id, status.last_handshake && now.wall - *status.last_handshake < kHandshakeAgeMax);
  }
}

// A new one has to be signed by a person, who may be away.
void Node::Impl::look_at_grant(Now now) {
  const auto grant = routing_->router().own_grant();
  if (!grant || grant->revoked || !grant->ended(now.wall + kGrantWarning)) return;
  if (grant_told_ != Time{} && now.monotonic - grant_told_ < kGrantReminder) return;
  grant_told_ = now.monotonic;
  log_.publish(EventLevel::warning, "grant.ends_soon",
               {{"node_id", routing::to_string(grant->holder)},
                {"until", date_text(grant->until_s)},
                {"remedy", "let the network's owner sign a new one: `starling grant request FILE` prints how"}},
               now);
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

Result<std::unique_ptr<Node>> Node::start(boost::asio::io_context& io, Config config, const NodePaths& paths,
                                          EventLog& log, std::function<void(std::optional<Error>)> on_end) {
  auto impl = std::make_unique<Impl>(io, std::move(config), log, std::move(on_end));
  if (auto error = impl->start(paths)) return std::move(*error);
  return std::unique_ptr<Node>(new Node(std::move(impl)));
}

void Node::stop(const std::string& reason) {
  impl_->stop(reason);
}

}  // namespace starling::daemon
