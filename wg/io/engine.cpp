#include "wg/io/engine.h"

#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace starling::wg {
namespace {

constexpr int kEventsMax = 16;
constexpr int kCatchUpBatchesMax = 128;  // of each family
constexpr int kReceiveBatchesMax = 4;    // likewise, before anything is sent

// With which events this polls; 0: with none.
template <typename Ready>
std::uint32_t events_of(std::span<const Ready> ready, int fd) {
  const auto found = std::find_if(ready.begin(), ready.end(), [fd](const Ready& one) { return one.fd == fd; });
  return found == ready.end() ? 0 : found->events;
}

}  // namespace

Engine::Engine(const BackendConfig& config, Tun tun, UdpSockets udp, std::optional<KeyLog> key_log,
               const EgressCell& egress, const IngressCell& ingress, const TransitCell& transit,
               NotificationQueue& notifications, CommandQueue& commands)
    : context_(config, std::move(tun), std::move(udp), egress, ingress, transit, notifications),
      transmitter_(context_),
      receiver_(context_, transmitter_, *this),
      commands_(commands),
      key_log_(std::move(key_log)),
      link_(context_.tun, config.mtu),
      epoll_(checked_descriptor(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
  context_.device.set_key_log(key_log_.has_value());
  watch(context_.tun.fd(), 0);
  watch(commands_.fd(), EPOLLIN);
  watch(timer_.fd(), EPOLLIN);
  watch(context_.captures.fd(), EPOLLIN);
  watch(routes_.fd(), EPOLLIN);
  report_warnings(system_now());
  up_ = context_.udp.is_open();
  queue_drops_ = link_.state().queue_drops;
  if (!up_) context_.device.set_up(system_now(), false);
  watch_sockets();
  follow_link(system_now());
}

void Engine::watch(int fd, std::uint32_t events) {
  if (fd < 0) return;
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return;
  if (errno == EEXIST && ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return;
  throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Engine::start() {
  started_ = true;
  watch_sockets();
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = context_.tun.fd();
  // Not watched any more if it is gone. An interface that went since is told of now.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, context_.tun.fd(), &event);
}

void Engine::run() {
  (void)::pthread_setname_np(::pthread_self(), "wg-engine");
  std::vector<Ready> ready;
  ready.reserve(kEventsMax);  // at once: how many descriptors are ready at a time is chance
  while (!stopping_) {
    std::array<epoll_event, kEventsMax> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, -1);
    ready.clear();
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      ready.push_back({event.data.fd, event.events});
    }
    wants_turn_.store(true, std::memory_order_relaxed);
    const std::lock_guard lock(turn_);
    wants_turn_.store(false, std::memory_order_relaxed);
    const Now now = system_now();
    if (std::exchange(left_work_, false)) {
      note_lateness(now.monotonic - last_turn_at_);
      if (processors_.is_short(now.monotonic)) note_lateness(kShortOfProcessorsLateness);
    }
    if (events_of(std::span<const Ready>(ready), timer_.fd()) != 0)
      note_lateness(now.monotonic - std::max(timer_armed_, last_turn_at_));
    last_turn_at_ = now.monotonic;
    turn(now, ready);
  }
}

bool Engine::try_turn(const CommandQueue::Command& command) {
  // Packets wait no longer than one turn, also where an owner takes one after the other: the lock itself is not fair.
  if (wants_turn_.load(std::memory_order_relaxed)) return false;
  const std::unique_lock lock(turn_, std::try_to_lock);
  if (!lock) return false;
  const std::array ready{Ready{commands_.fd(), EPOLLIN}};
  turn(system_now(), ready, command);
  return true;
}

void Engine::turn(Now now, std::span<const Ready> ready, const CommandQueue::Command& command) {
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    const std::uint32_t events = events_of(ready, context_.udp.fd(family));
    if ((events & EPOLLERR) != 0) context_.udp.read_errors(family);
    if (!started_ || (events & EPOLLIN) == 0) continue;
    int batches = 0;
    for (; batches < kReceiveBatchesMax; ++batches) {
      // Of each batch: what is read after a stall did not arrive before it.
      if (batches > 0) now = system_now();
      if (!receiver_.receive(now, family)) break;
    }
    left_work_ = left_work_ || batches == kReceiveBatchesMax;
  }
  drain_device(now);
  if (events_of(ready, link_.fd()) != 0) follow_link(now);
  if (events_of(ready, routes_.fd()) != 0) follow_underlay();
  if (events_of(ready, commands_.fd()) != 0) note_lateness(commands_.run(now));
  if (command) command(now);
  drain_device(now);
  if (events_of(ready, context_.tun.fd()) != 0 && !context_.tun_gone && transmitter_.read_tun(now)) left_work_ = true;
  if (context_.device.next_look() <= now.monotonic) context_.device.on_timer(now);
  judge_traffic(now);
  drain_device(now);
  if (context_.tun_gone) report_tun_gone(now);
  if (context_.udp.has_news()) report_unreachable(now);
  if (context_.udp.has_news() || context_.tun.has_warning()) report_warnings(now);
  report_drops(now);
  context_.notifications.wake_if_due(now.monotonic);
  if (events_of(ready, context_.captures.fd()) != 0) context_.captures.on_ready();
  context_.captures.flush();
  arm_timer(now);
}

// Sending makes the Device start timers and may make it want more sent, until neither has anything left.
void Engine::drain_device(Now now) {
  do {
    while (!context_.device.outbox().empty()) {
      std::swap(outbox_, context_.device.outbox());
      apply(now, outbox_);
      outbox_.clear();
    }
    transmitter_.flush(now);
  } while (!context_.device.outbox().empty());
}

void Engine::apply(Now now, const DeviceOutbox& outbox) {
  for (const SessionPtr& session : outbox.sessions_installed) receiver_.install(session);
  for (const std::uint32_t index : outbox.sessions_retired) receiver_.retire(index);
  for (const auto& [id, session] : outbox.sending_sessions) {
    if (PeerPath* const peer = context_.peers.find(id)) peer->session = session;
  }
  for (const DeviceOutbox::Roamed& roamed : outbox.roamed) on_roamed(now, roamed);
  for (const DeviceOutbox::Datagram& datagram : outbox.datagrams) transmitter_.send_handshake(now, datagram);
  for (const DeviceOutbox::Established& established : outbox.established) on_established(now, established);
  for (const PeerId id : outbox.keepalives) {
    if (PeerPath* const peer = context_.peers.find(id)) transmitter_.send_keepalive(now, *peer);
  }
  for (const PeerId id : outbox.gave_up) {
    if (PeerPath* const peer = context_.peers.find(id)) {
      transmitter_.drop_staged(now, *peer, DropReason::handshake_gave_up);
    }
  }
  for (const DeviceOutbox::KeyLogEntry& entry : outbox.key_log) write_key_log(now, entry);
  for (const PeerId id : outbox.peers_removed) forget_peer(now, id);
  for (const DeviceOutbox::Drop& drop : outbox.drops) {
    drop.from == Endpoint{} ? context_.drop(now, drop.peer, drop.reason)
                            : context_.drop(now, drop.peer, drop.reason, drop.from);
  }
}

void Engine::on_established(Now now, const DeviceOutbox::Established& established) {
  PeerPath* const peer = context_.peers.find(established.peer);
  if (peer == nullptr) return;
  peer->unreachable.on_well();
  context_.notify({now, SessionNotification{peer->id, established.as_initiator}}, peer->id);
  // The initiator's first message is what lets the responder send: without data, an empty one (whitepaper §5.1).
  if (!transmitter_.send_staged(now, *peer) && established.as_initiator) transmitter_.send_keepalive(now, *peer);
}

void Engine::on_roamed(Now now, const DeviceOutbox::Roamed& roamed) {
  PeerPath* const peer = context_.peers.find(roamed.peer);
  if (peer == nullptr) return;
  peer->endpoint = roamed.endpoint;
  context_.notify({now, EndpointNotification{peer->id, roamed.endpoint}}, peer->id);
}

// Told once: a full disk stays full.
void Engine::write_key_log(Now now, const DeviceOutbox::KeyLogEntry& entry) {
  if (!key_log_) return;
  if (const std::optional<Error> error = key_log_->write(entry)) {
    context_.notify({now, WarningNotification{error->message}}, kNoPeer);
    key_log_.reset();
    context_.device.set_key_log(false);
  }
}

// Of offloads that the kernel has not got, or refuses.
void Engine::report_warnings(Now now) {
  for (std::optional<std::string> warning : {context_.udp.take_warning(), context_.tun.take_warning()}) {
    if (warning) context_.notify({now, WarningNotification{std::move(*warning)}}, kNoPeer);
  }
}

void Engine::report_drops(Now now) {
  if (context_.drops.next_deadline() > now.monotonic) return;
  reports_.clear();
  context_.drops.take_due(now.monotonic, reports_);
  for (const DropReport& report : reports_) {
    context_.notify({now, report}, report.peer);
  }
}

// Several peers may be behind one address, and only one of them be there: a hint to look at each.
void Engine::report_unreachable(Now now) {
  for (Unreachable error : context_.udp.take_errors(now.monotonic)) {
    context_.peers.for_each([&](PeerPath& peer) {
      if (peer.endpoint != error.endpoint) return;
      const UnreachableWatch::Verdict verdict = peer.unreachable.on_error(now.monotonic, error.meaning);
      error.is_news = verdict.is_news;
      if (verdict.notify) context_.notify({now, UnreachableNotification{peer.id, error}}, peer.id);
    });
  }
}

// Once: the TUN is not watched any more; commands are still obeyed.
void Engine::report_tun_gone(Now now) {
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, context_.tun.fd(), nullptr) < 0) return;
  context_.notify({now, FatalNotification{"the interface " + link_.state().name + " was removed"}}, kNoPeer);
}

// What is owed is a keepalive: any authenticated message is a sign of life.
void Engine::judge_traffic(Now now) {
  if (context_.watch_deadline > now.monotonic) return;
  context_.watch_deadline = kNever;
  context_.peers.for_each([&](PeerPath& peer) {
    for (auto notice = peer.watch.on_timer(now.monotonic); notice != TrafficWatch::Notice::none;
         notice = peer.watch.on_timer(now.monotonic)) {
      if (notice == TrafficWatch::Notice::owed) transmitter_.send_keepalive(now, peer);
      if (notice == TrafficWatch::Notice::quiet) context_.notify({now, QuietNotification{peer.id}}, peer.id);
    }
    context_.watch_deadline = std::min(context_.watch_deadline, peer.watch.next_deadline());
  });
}

// Later deadlines than the one armed are left to the wake-up that comes first, so that traffic, which moves deadlines
// away, costs no system call. `now` is what the turn has acted on: a timer that expired later begins the next one.
void Engine::arm_timer(Now now) {
  const Time deadline = std::min({context_.device.next_look(), context_.drops.next_deadline(), context_.watch_deadline,
                                  context_.notifications.waiting_until()});
  if (deadline >= timer_armed_ && timer_armed_ > now.monotonic) return;
  timer_.arm(deadline);
  timer_armed_ = deadline;
}

// By whoever has the turn, and so by one at a time: nothing is lost but between being asked for and being forgotten.
void Engine::note_lateness(Duration late) {
  if (late.count() > lateness_.load(std::memory_order_relaxed))
    lateness_.store(late.count(), std::memory_order_relaxed);
}

PeerId Engine::add_peer(Now now, const PeerConfig& config) {
  const DevicePeerConfig device_config{config.public_key, config.preshared_key.value_or(SecretKey{}), config.endpoint,
                                       config.persistent_keepalive_s};
  const PeerId id = context_.device.add_peer(now, device_config);
  if (id == kNoPeer) return kNoPeer;
  PeerPath& peer = context_.peers.add(id);
  peer.public_key = config.public_key;
  peer.link_local = link_local_address(config.public_key);
  peer.control = config.control;
  peer.endpoint = config.endpoint;
  context_.drops.add_peer(id);
  return id;
}

void Engine::remove_peer(Now now, PeerId peer) {
  if (context_.peers.find(peer) == nullptr) return;
  context_.device.remove_peer(now, peer);
  drain_device(now);  // its sessions leave the table
  forget_peer(now, peer);
}

// What waits for it has no peer to go to from here on, and counts as such.
void Engine::forget_peer(Now now, PeerId id) {
  context_.drops.remove_peer(id);
  if (PeerPath* const peer = context_.peers.find(id)) transmitter_.drop_staged(now, *peer, DropReason::egress_no_route);
  context_.peers.remove(id);
}

void Engine::set_endpoint(Now now, PeerId id, const Endpoint& endpoint) {
  PeerPath* const peer = context_.peers.find(id);
  if (peer == nullptr) return;
  peer->endpoint = endpoint;
  peer->source.reset();
  context_.device.set_endpoint(now, id, endpoint);
  if (peer->has_staged()) context_.device.on_packet_staged(now, id);
}

void Engine::send_control(Now now, std::span<const ControlPacket> packets) {
  for (const ControlPacket& packet : packets) {
    PeerPath* const peer = context_.peers.find(packet.peer);
    if (peer != nullptr) transmitter_.send_control(now, *peer, packet.payload, packet.as_data);
  }
}

void Engine::catch_up(Now now) {
  drain_device(now);  // sends what earlier commands sealed
  if (!started_) return;
  for (const Family family : {Family::ipv4, Family::ipv6}) {
    if (context_.udp.fd(family) < 0) continue;
    for (int i = 0; i < kCatchUpBatchesMax && receiver_.receive(now, family); ++i) drain_device(now);
  }
}

void Engine::tell_heard(Now now) {
  context_.peers.for_each([&](PeerPath& peer) {
    const std::optional<Time> heard = peer.watch.take_heard();
    if (heard && peer.control) context_.notify({{*heard, now.wall}, HeardNotification{peer.id}}, peer.id);
  });
}

void Engine::set_private_key(Now now, const SecretKey& key) {
  context_.device.set_private_key(now, key);
  drain_device(now);  // a peer that has our key now is gone when this returns
  const IpAddress link_local = link_local_address(context_.device.public_key());
  if (link_local == context_.link_local) return;
  context_.link_local = link_local;
  // What waits has the former address of ours.
  context_.peers.for_each(
      [this](PeerPath& peer) { transmitter_.drop_staged_control(peer, DropReason::control_superseded); });
}

PeerStatus Engine::status_of(const PeerPath& peer) const {
  PeerStatus status;
  if (const std::optional<DevicePeerStatus> device = context_.device.status(peer.id)) {
    status.has_preshared_key = device->has_preshared_key;
    status.endpoint = device->endpoint;
    status.persistent_keepalive_s = device->persistent_keepalive_s;
    status.last_handshake = device->last_handshake;
    status.unanswered_initiations = device->unanswered_initiations;
    status.rx_bytes = device->handshake_rx_bytes;
    status.tx_bytes = device->handshake_tx_bytes;
  }
  status.id = peer.id;
  status.public_key = peer.public_key;
  status.rx_bytes += peer.rx_bytes;
  status.tx_bytes += peer.tx_bytes;
  status.rx_packets = peer.rx_packets;
  status.tx_packets = peer.tx_packets;
  status.drops = context_.drops.counters(peer.id);
  return status;
}

}  // namespace starling::wg
