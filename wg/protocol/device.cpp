#include "wg/protocol/device.h"

#include "wg/protocol/device_impl.h"

namespace starling::wg {

bool DeviceOutbox::empty() const {
  return datagrams.empty() && sessions_installed.empty() && sessions_retired.empty() && sending_sessions.empty() &&
         established.empty() && keepalives.empty() && gave_up.empty() && roamed.empty() && peers_removed.empty() &&
         key_log.empty() && drops.empty();
}

void DeviceOutbox::clear() {
  datagrams.clear();
  sessions_installed.clear();
  sessions_retired.clear();
  sending_sessions.clear();
  established.clear();
  keepalives.clear();
  gave_up.clear();
  roamed.clear();
  peers_removed.clear();
  key_log.clear();
  drops.clear();
}

Device::Impl::Impl(const SecretKey& private_key, RandomSource& source) : random(source), cookie_checker(PublicKey{}) {
  set_identity(private_key);
}

Peer* Device::Impl::find(const PublicKey& key) const {
  const auto found = peers_by_key.find(key);
  return found == peers_by_key.end() ? nullptr : find(found->second);
}

// Traffic moves deadlines away with every packet, and they come once in seconds: until then the queue keeps the former.
void Device::Impl::reschedule(Peer& peer) {
  if (peer.timers.next_deadline() < peer.queued_deadline) requeue(peer);
}

void Device::Impl::requeue(Peer& peer) {
  const Time deadline = peer.timers.next_deadline();
  deadlines.move(peer.id, peer.queued_deadline, deadline);
  peer.queued_deadline = deadline;
}

// --- sessions ---

void Device::Impl::retire(const std::vector<SessionPtr>& sessions) {
  for (const SessionPtr& session : sessions) {
    indices.release(session->local_index());
    outbox.sessions_retired.push_back(session->local_index());
  }
}

void Device::Impl::set_sending(Peer& peer) {
  peer.timers.sending_session_changed(peer.keypairs.current()->created());
  outbox.sending_sessions.push_back({peer.id, peer.keypairs.current()});
}

void Device::Impl::install_current(Time now, Peer& peer, SessionPtr session) {
  outbox.sessions_installed.push_back(session);
  retire(peer.keypairs.add_current(std::move(session)));
  peer.timers.session_derived(now);
  set_sending(peer);
}

void Device::Impl::install_next(Time now, Peer& peer, SessionPtr session) {
  outbox.sessions_installed.push_back(session);
  retire(peer.keypairs.add_next(std::move(session)));
  peer.timers.session_derived(now);
}

void Device::Impl::clear_sessions(Peer& peer) {
  if (peer.keypairs.sending()) outbox.sending_sessions.push_back({peer.id, nullptr});
  retire(peer.keypairs.clear());
  peer.timers.sessions_cleared();
}

// --- what timers and data ask for ---

void Device::Impl::fire(Now now, Peer& peer, Timer timer) {
  switch (timer) {
    case Timer::retransmit_handshake: retransmit_handshake(now, peer); break;
    case Timer::send_keepalive:
    case Timer::persistent_keepalive: send_keepalive(now, peer); break;
    case Timer::new_handshake: start_handshake(now, peer); break;
    case Timer::zero_key_material: clear_sessions(peer); break;
    case Timer::stop_sending:
      peer.keypairs.stop_sending();
      outbox.sending_sessions.push_back({peer.id, nullptr});
      break;
    case Timer::count_: break;
  }
}

void Device::Impl::send_keepalive(Now now, Peer& peer) {
  const SessionPtr session = peer.keypairs.sending();
  if (session && now.monotonic - session->created() < kRejectAfterTime) {
    outbox.keepalives.push_back(peer.id);
  } else {
    start_handshake(now, peer);
  }
}

void Device::Impl::start_handshake(Now now, Peer& peer) {
  if (!up || peer.timers.handshake_under_way()) return;
  if (peer.remote.low_order) {
    drop(peer.id, DropReason::low_order_key, peer.endpoint.value_or(Endpoint{}));
    outbox.gave_up.push_back(peer.id);
    return;
  }
  if (!peer.endpoint || !has_identity()) {
    peer.handshake_wanted = true;
    return;
  }
  peer.initiations_sent = 0;
  if (peer.last_handshake_sent && now.monotonic < *peer.last_handshake_sent + kRekeyTimeout) {
    peer.timers.handshake_postponed(*peer.last_handshake_sent + kRekeyTimeout);
  } else {
    send_initiation(now, peer);
  }
}

void Device::Impl::retransmit_handshake(Now now, Peer& peer) {
  if (peer.initiations_sent < kMaxHandshakeAttempts) {
    send_initiation(now, peer);
    return;
  }
  forget_initiation(peer);
  peer.timers.handshake_gave_up();
  outbox.gave_up.push_back(peer.id);
}

void Device::Impl::complete_handshake(Now now, Peer& peer, bool as_initiator) {
  forget_initiation(peer);
  peer.timers.handshake_complete();
  peer.initiations_sent = 0;
  peer.sent_last_minute_handshake = false;
  peer.handshake_wanted = false;
  peer.last_handshake = now.wall;
  outbox.established.push_back({peer.id, as_initiator});
}

void Device::Impl::forget_initiation(Peer& peer) {
  if (peer.initiation) indices.release(peer.initiation->local_index);
  peer.initiation.reset();
}

void Device::Impl::follow(Peer& peer, const Endpoint& from) {
  if (peer.endpoint == from) return;
  peer.endpoint = from;
  outbox.roamed.push_back({peer.id, from});
}

// --- calls ---

Device::Device(const SecretKey& private_key, RandomSource& random) {
  initialize_crypto();
  impl_ = std::make_unique<Impl>(private_key, random);
}

Device::~Device() = default;

const PublicKey& Device::public_key() const {
  return impl_->local.public_key;
}

void Device::set_key_log(bool on) {
  impl_->key_log = on;
}

PeerId Device::add_peer(Now now, const DevicePeerConfig& config) {
  if (impl_->find(config.public_key)) return kNoPeer;
  if (impl_->has_identity() && config.public_key == impl_->local.public_key) return kNoPeer;
  const PeerId id = static_cast<PeerId>(impl_->peers.size());
  impl_->peers.push_back(
      std::make_unique<Peer>(id, make_remote_static(impl_->local, config.public_key, config.preshared_key)));
  impl_->peers_by_key.emplace(config.public_key, id);
  impl_->peers.back()->endpoint = config.endpoint;
  set_persistent_keepalive(now, id, config.persistent_keepalive_s);
  return id;
}

void Device::remove_peer(Now, PeerId id) {
  Peer* peer = impl_->find(id);
  if (!peer) return;
  impl_->clear_sessions(*peer);
  impl_->forget_initiation(*peer);
  impl_->deadlines.move(id, peer->queued_deadline, kNever);
  impl_->peers_by_key.erase(peer->remote.public_key);
  impl_->peers[id].reset();
}

std::optional<PeerId> Device::find_peer(const PublicKey& key) const {
  const Peer* peer = impl_->find(key);
  return peer ? std::optional(peer->id) : std::nullopt;
}

void Device::set_preshared_key(Now, PeerId id, const SecretKey& key) {
  if (Peer* peer = impl_->find(id)) peer->remote.preshared_key = key;
}

void Device::set_endpoint(Now now, PeerId id, const Endpoint& endpoint) {
  Peer* peer = impl_->find(id);
  if (!peer) return;
  peer->endpoint = endpoint;
  if (peer->handshake_wanted) {
    peer->handshake_wanted = false;
    impl_->start_handshake(now, *peer);
    impl_->reschedule(*peer);
  }
}

void Device::set_persistent_keepalive(Now now, PeerId id, std::uint16_t seconds) {
  Peer* peer = impl_->find(id);
  if (!peer) return;
  const bool starts = peer->persistent_keepalive_s == 0 && seconds != 0;
  peer->persistent_keepalive_s = seconds;
  if (!impl_->up) return;
  peer->timers.set_persistent_keepalive(now.monotonic, std::chrono::seconds(seconds));
  if (starts) impl_->send_keepalive(now, *peer);
  impl_->reschedule(*peer);
}

void Device::on_handshakes_piled_up(Now now) {
  impl_->load.piled_up(now.monotonic);
}

void Device::on_handshake_datagram(Now now, const Endpoint& from, Bytes datagram) {
  if (!impl_->up) return impl_->drop(kNoPeer, DropReason::interface_down, from);
  void (Impl::*receive)(Now, const Endpoint&, Bytes) = nullptr;
  // The type and three reserved bytes, read as one number, as every implementation does.
  switch (ByteReader(datagram).u32_le()) {
    case static_cast<std::uint32_t>(MessageType::initiation):
      if (datagram.size() == sizeof(MessageInitiation)) receive = &Impl::receive_initiation;
      break;
    case static_cast<std::uint32_t>(MessageType::response):
      if (datagram.size() == sizeof(MessageResponse)) receive = &Impl::receive_response;
      break;
    case static_cast<std::uint32_t>(MessageType::cookie_reply):
      if (datagram.size() == sizeof(MessageCookieReply)) receive = &Impl::receive_cookie_reply;
      break;
    default: break;
  }
  if (receive == nullptr) return impl_->drop(kNoPeer, DropReason::malformed, from);
  if (!impl_->has_identity()) return impl_->drop(kNoPeer, DropReason::no_private_key, from);
  (*impl_.*receive)(now, from, datagram);
}

void Device::on_packet_staged(Now now, PeerId id) {
  Peer* peer = impl_->find(id);
  if (!peer) return;
  impl_->start_handshake(now, *peer);
  impl_->reschedule(*peer);
}

void Device::on_data_sent(Now now, const SessionPtr& session, bool keepalives_only) {
  Peer* peer = impl_->find(session->peer());
  if (!peer) return;
  peer->timers.any_authenticated_packet_traversal(now.monotonic);
  peer->timers.any_authenticated_packet_sent();
  if (!keepalives_only) peer->timers.data_sent(now.monotonic, impl_->random);
  const SessionPtr sending = peer->keypairs.sending();
  if (sending && needs_rekey_after_sending(*sending, now.monotonic)) impl_->start_handshake(now, *peer);
  impl_->reschedule(*peer);
}

void Device::on_data_received(Now now, const SessionPtr& session, std::optional<Endpoint> from, bool keepalives_only) {
  Peer* peer = impl_->find(session->peer());
  if (!peer) return;
  if (from) impl_->follow(*peer, *from);
  if (session == peer->keypairs.next()) {
    impl_->retire(peer->keypairs.confirm_next(now.monotonic));
    impl_->set_sending(*peer);
    impl_->complete_handshake(now, *peer, false);
  }
  const SessionPtr sending = peer->keypairs.sending();
  if (sending && !peer->sent_last_minute_handshake && needs_rekey_after_receiving(*sending, now.monotonic)) {
    peer->sent_last_minute_handshake = true;
    impl_->start_handshake(now, *peer);
  }
  peer->timers.any_authenticated_packet_received();
  peer->timers.any_authenticated_packet_traversal(now.monotonic);
  if (!keepalives_only) peer->timers.data_received(now.monotonic);
  impl_->reschedule(*peer);
}

void Device::on_timer(Now now) {
  while (impl_->deadlines.earliest() <= now.monotonic) {
    Peer& peer = *impl_->find(impl_->deadlines.first());
    while (const auto timer = peer.timers.take_expired(now.monotonic)) impl_->fire(now, peer, *timer);
    impl_->requeue(peer);
  }
}

Time Device::next_deadline() const {
  while (impl_->deadlines.earliest() != kNever) {
    Peer& peer = *impl_->find(impl_->deadlines.first());
    if (peer.timers.next_deadline() == peer.queued_deadline) break;
    impl_->requeue(peer);
  }
  return impl_->deadlines.earliest();
}

Time Device::next_look() const {
  return impl_->deadlines.earliest();
}

DeviceOutbox& Device::outbox() {
  return impl_->outbox;
}

SessionPtr Device::sending_session(PeerId id) const {
  const Peer* peer = impl_->find(id);
  return peer ? peer->keypairs.sending() : nullptr;
}

std::optional<DevicePeerStatus> Device::status(PeerId id) const {
  const Peer* peer = impl_->find(id);
  if (!peer) return std::nullopt;
  DevicePeerStatus status;
  status.id = id;
  status.public_key = peer->remote.public_key;
  status.has_preshared_key = !peer->remote.preshared_key.is_zero();
  status.endpoint = peer->endpoint;
  status.persistent_keepalive_s = peer->persistent_keepalive_s;
  status.last_handshake = peer->last_handshake;
  status.unanswered_initiations = peer->initiations_sent;
  status.handshake_rx_bytes = peer->handshake_rx_bytes;
  status.handshake_tx_bytes = peer->handshake_tx_bytes;
  return status;
}

std::vector<PeerId> Device::peers() const {
  std::vector<PeerId> ids;
  for (const auto& peer : impl_->peers) {
    if (peer) ids.push_back(peer->id);
  }
  return ids;
}

}  // namespace starling::wg
