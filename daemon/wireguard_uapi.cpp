#include "daemon/wireguard_uapi.h"

#include <errno.h>
#include <string.h>

#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/system.h"

namespace starling::daemon {

namespace {

// Each prefix under every member of its group: any of them may carry it.
std::map<wg::PeerId, std::vector<Prefix>> prefixes_by_peer(const wg::EgressDescription& egress) {
  std::map<wg::PeerId, std::vector<Prefix>> prefixes;
  for (const wg::EgressEntry& entry : egress.entries)
    for (const wg::PeerId member : egress.groups[entry.group].members) prefixes[member].push_back(entry.prefix);
  return prefixes;
}

}  // namespace

WireguardUapi::WireguardUapi(boost::asio::io_context& io, wg::Backend& backend, EventLog& log, SecretKey private_key,
                             WireguardUapiHooks hooks)
    : io_(io), backend_(backend), log_(log), private_key_(std::move(private_key)), hooks_(std::move(hooks)) {}

void WireguardUapi::add(wg::PeerId peer, const PublicKey& key, const std::optional<SecretKey>& preshared_key) {
  peers_[key] = {peer, preshared_key.value_or(SecretKey{})};
}

void WireguardUapi::open(const std::string& interface, const std::string& directory) {
  interface_ = interface;
  auto server = wg::UapiServer::open(interface, *this, directory);
  if (!server.ok()) return warn(server.error().message);
  server_ = std::move(server).value();
  watcher_ = std::make_unique<FdWatcher>(io_, server_->fd(), [this] { on_readable(); });
}

void WireguardUapi::on_readable() {
  if (!server_) return;
  server_->handle();
  if (!server_->removed()) return;
  warn("its socket file was removed; restart starlingd to have it again");
  server_.reset();
  boost::asio::post(io_, [watcher = std::shared_ptr<FdWatcher>(std::move(watcher_))] {});  // not from its own call
}

void WireguardUapi::warn(const std::string& reason) {
  log_.publish(EventLevel::warning, "wg.unavailable", {{"interface", interface_}, {"reason", reason}}, system_now());
}

wg::UapiDevice WireguardUapi::read() {
  const wg::BackendStatus status = backend_.status();
  auto prefixes = prefixes_by_peer(backend_.egress());
  wg::UapiDevice device;
  device.private_key = private_key_;
  device.listen_port = status.listen_port;
  device.fwmark = status.fwmark;
  for (const wg::PeerStatus& from : status.peers) {
    wg::UapiPeer& peer = device.peers.emplace_back(wg::describe_peer(from));
    if (const auto known = peers_.find(from.public_key); known != peers_.end())
      peer.preshared_key = known->second.preshared_key;
    peer.allowed_ips = std::move(prefixes[from.id]);
  }
  return device;
}

wg::UapiDrops WireguardUapi::drops() {
  return wg::describe_drops(backend_.status());
}

std::string WireguardUapi::forbidden(const wg::UapiChange& change) const {
  if (change.private_key) return "the private key is the configuration's";
  if (change.listen_port) return "the port is the configuration's";
  if (change.fwmark) return "the mark keeps the tunnels' own packets out of the tunnels";
  if (change.replace_peers) return "the peers are the configuration's";
  for (const wg::UapiPeerChange& peer : change.peers)
    if (std::string reason = forbidden(peer); !reason.empty()) return reason;
  return {};
}

std::string WireguardUapi::forbidden(const wg::UapiPeerChange& change) const {
  if (change.remove) return "the peers are the configuration's";
  if (change.replace_allowed_ips || !change.allowed_ips.empty()) return "allowed IPs follow the routing";
  if (!peers_.contains(change.public_key) && !change.update_only) return "the peers are the configuration's";
  return {};
}

int WireguardUapi::apply(const wg::UapiChange& change) {
  refusal_ = forbidden(change);
  if (!refusal_.empty()) return EPERM;
  for (const wg::UapiPeerChange& peer : change.peers) set_peer(peer);
  return 0;
}

void WireguardUapi::set_peer(const wg::UapiPeerChange& change) {
  const auto found = peers_.find(change.public_key);
  if (found == peers_.end()) return;  // update_only
  Peer& peer = found->second;
  nlohmann::ordered_json told = {{"neighbor", hooks_.name_of(peer.id)}};
  if (change.endpoint) {
    hooks_.set_endpoint(peer.id, *change.endpoint);
    told["endpoint"] = change.endpoint->to_string();
  }
  if (change.persistent_keepalive_s) {
    backend_.set_persistent_keepalive(peer.id, *change.persistent_keepalive_s);
    told["persistent_keepalive"] = *change.persistent_keepalive_s;
  }
  if (change.preshared_key) {
    peer.preshared_key = *change.preshared_key;
    backend_.set_preshared_key(peer.id, peer.preshared_key);
    told["preshared_key"] = peer.preshared_key.is_zero() ? "removed" : "set";
  }
  if (told.size() > 1) log_.publish(EventLevel::info, "wg.change", told, system_now());
}

void WireguardUapi::on_refused(int error, const std::string& reason) {
  log_.publish(EventLevel::warning, "wg.refused",
               {{"interface", interface_}, {"error", strerror(error)}, {"reason", reason.empty() ? refusal_ : reason}},
               system_now());
}

}  // namespace starling::daemon
