#include "wg/io/static_tunnel.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace starling::wg {

StaticTunnel::StaticTunnel(std::unique_ptr<Backend> backend, const SecretKey& private_key)
    : backend_(std::move(backend)), private_key_(private_key) {
  if (!private_key_.is_zero()) own_key_ = derive_public_key(private_key_);
}

UapiDevice StaticTunnel::read() {
  const BackendStatus status = backend_->status();
  UapiDevice device;
  device.private_key = private_key_;
  device.listen_port = status.listen_port;
  device.fwmark = status.fwmark;
  device.peers.reserve(status.peers.size());
  for (const PeerStatus& from : status.peers) {
    const auto known = peers_.find(from.public_key);
    if (known == peers_.end()) continue;
    UapiPeer& peer = device.peers.emplace_back(describe_peer(from));
    peer.preshared_key = known->second.preshared_key;
    peer.allowed_ips = allowed_ips_.of(from.id);
  }
  return device;
}

UapiDrops StaticTunnel::drops() {
  return describe_drops(backend_->status());
}

int StaticTunnel::apply(const UapiChange& change) {
  if (const int error = count_peers(change)) return error;
  if (const int error = set_device(change)) return error;
  for (const UapiPeerChange& peer : change.peers) {
    if (const int error = set_peer(peer)) return error;
  }
  return 0;
}

void StaticTunnel::settle() {
  if (!std::exchange(tables_changed_, false)) return;
  // What may come in before what may go out, so that an answer finds its way allowed.
  backend_->set_ingress(allowed_ips_.ingress());
  backend_->set_egress(allowed_ips_.egress());
}

// An upper bound: peers of the request count as new.
int StaticTunnel::count_peers(const UapiChange& change) {
  const std::size_t kept = change.replace_peers ? 0 : peers_.size();
  if (kept + change.peers.size() <= kUapiPeersMax) return 0;
  std::size_t fresh = 0;
  for (const UapiPeerChange& peer : change.peers) fresh += change.replace_peers || !peers_.contains(peer.public_key);
  if (kept + fresh <= kUapiPeersMax) return 0;
  refusal_ = fmt::format("an interface has at most {} peers", kUapiPeersMax);
  return E2BIG;
}

int StaticTunnel::set_device(const UapiChange& change) {
  if (const int error = set_sockets(change)) return error;
  if (change.private_key) set_private_key(*change.private_key);
  if (change.replace_peers) remove_all_peers();
  return 0;
}

// What the kernel can refuse.
int StaticTunnel::set_sockets(const UapiChange& change) {
  const std::uint32_t former_mark = change.fwmark && change.listen_port ? backend_->status().fwmark : 0;
  if (change.fwmark) {
    if (const auto error = backend_->set_fwmark(*change.fwmark)) return refused(*error);
  }
  if (change.listen_port) {
    if (const auto error = backend_->set_listen_port(*change.listen_port)) {
      if (change.fwmark) (void)backend_->set_fwmark(former_mark);
      return refused(*error);
    }
  }
  return 0;
}

int StaticTunnel::refused(const SystemError& error) {
  refusal_ = error.message;
  return error.code != 0 ? error.code : EIO;
}

int StaticTunnel::start_capture(FileDescriptor stream, const CaptureOptions& options) {
  const std::optional<Error> error = backend_->start_capture(std::move(stream), options);
  if (!error) return 0;
  refusal_ = error->message;
  return EBUSY;
}

void StaticTunnel::on_refused(int error, const std::string& reason) {
  const std::string why = reason.empty() ? std::exchange(refusal_, {}) : reason;
  log_(fmt::format("a request of wg or its like was refused: {}: {}", std::strerror(error), why));
}

void StaticTunnel::set_private_key(const SecretKey& key) {
  if (key == private_key_) return;
  private_key_ = key;
  own_key_ = key.is_zero() ? PublicKey{} : derive_public_key(key);
  const auto ourselves = key.is_zero() ? peers_.end() : peers_.find(own_key_);
  if (ourselves != peers_.end()) remove_peer(ourselves);
  backend_->set_private_key(key);
}

int StaticTunnel::set_peer(const UapiPeerChange& change) {
  if (!private_key_.is_zero() && change.public_key == own_key_) return 0;
  const auto found = peers_.find(change.public_key);
  if (change.remove) {
    if (found != peers_.end()) remove_peer(found);
    return 0;
  }
  if (found == peers_.end() && change.update_only) return 0;
  Peer* peer = nullptr;
  if (found != peers_.end()) {
    peer = &found->second;
    update_peer(*peer, change);
  } else {
    peer = add_peer(change);
  }
  if (peer == nullptr) return EINVAL;
  set_allowed_ips(peer->id, change);
  return 0;
}

StaticTunnel::Peer* StaticTunnel::add_peer(const UapiPeerChange& change) {
  PeerConfig config;
  config.public_key = change.public_key;
  if (change.preshared_key && !change.preshared_key->is_zero()) config.preshared_key = change.preshared_key;
  config.endpoint = change.endpoint;
  config.persistent_keepalive_s = change.persistent_keepalive_s.value_or(0);
  const Result<PeerId> id = backend_->add_peer(config);
  if (!id) {
    refusal_ = id.error().message;
    return nullptr;
  }
  Peer& peer = peers_[change.public_key];
  peer.id = *id;
  if (change.preshared_key) peer.preshared_key = *change.preshared_key;
  known_[*id] = {change.public_key, change.endpoint};
  return &peer;
}

void StaticTunnel::update_peer(Peer& peer, const UapiPeerChange& change) {
  if (change.preshared_key) {
    peer.preshared_key = *change.preshared_key;
    backend_->set_preshared_key(peer.id, peer.preshared_key);
  }
  if (change.endpoint) {
    backend_->set_endpoint(peer.id, *change.endpoint);
    note_endpoint(peer.id, *change.endpoint);
  }
  if (change.persistent_keepalive_s) backend_->set_persistent_keepalive(peer.id, *change.persistent_keepalive_s);
}

void StaticTunnel::set_allowed_ips(PeerId peer, const UapiPeerChange& change) {
  if (change.replace_allowed_ips) tables_changed_ |= allowed_ips_.remove_all(peer);
  for (const UapiAllowedIp& allowed_ip : change.allowed_ips) {
    if (allowed_ip.remove) {
      tables_changed_ |= allowed_ips_.remove(allowed_ip.prefix, peer);
    } else {
      allowed_ips_.add(allowed_ip.prefix, peer);
      tables_changed_ = true;
    }
  }
}

void StaticTunnel::remove_peer(Peers::iterator peer) {
  const PeerId id = peer->second.id;
  tables_changed_ |= allowed_ips_.remove_all(id);
  backend_->remove_peer(id);
  known_.erase(id);
  peers_.erase(peer);
}

void StaticTunnel::remove_all_peers() {
  while (!peers_.empty()) remove_peer(peers_.begin());
}

std::string StaticTunnel::name_of(PeerId peer) const {
  if (peer == kNoPeer) return "no known peer";
  const auto known = known_.find(peer);
  return known == known_.end() ? "a peer that was removed" : "peer " + to_base64(known->second.key).substr(0, 8) + "…";
}

std::optional<Endpoint> StaticTunnel::endpoint_of(PeerId peer) const {
  const auto known = known_.find(peer);
  return known == known_.end() ? std::nullopt : known->second.endpoint;
}

void StaticTunnel::note_endpoint(PeerId peer, const Endpoint& endpoint) {
  const auto known = known_.find(peer);
  if (known != known_.end()) known->second.endpoint = endpoint;
}

}  // namespace starling::wg
