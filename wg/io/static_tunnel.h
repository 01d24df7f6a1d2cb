// One interface with plain WireGuard's rules, as the configuration protocol changes and shows it: AllowedIPs choose the
// peer for what goes out, and the sources that a peer may send. Owns the Backend.
// Invariants: our own public key is never a peer (it is left out silently, so that one list of peers serves all
// nodes); an allowed IP has one owner; the engine's tables are as new as the last settle().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "wg/io/allowed_ips.h"
#include "wg/io/backend.h"
#include "wg/io/uapi_server.h"

namespace starling::wg {

class StaticTunnel final : public UapiTarget {
 public:
  // `backend` was made with `private_key` (zeros: none).
  StaticTunnel(std::unique_ptr<Backend> backend, const SecretKey& private_key);
  // Where refusals are told.
  void set_log(std::function<void(const std::string&)> log) { log_ = std::move(log); }

  UapiDevice read() override;
  UapiDrops drops() override;
  // Also what the kernel refuses changes nothing: port and mark come first. EADDRINUSE, EPERM…; E2BIG for more than
  // kUapiPeersMax peers.
  int apply(const UapiChange& change) override;
  int start_capture(FileDescriptor stream, const CaptureOptions& options) override;
  void settle() override;
  void on_refused(int error, const std::string& reason) override;

  Backend& backend() { return *backend_; }
  std::string name_of(PeerId peer) const;  // "peer AbCdEfGh…", for the log
  // Where it was said to be, or was seen last.
  std::optional<Endpoint> endpoint_of(PeerId peer) const;
  void note_endpoint(PeerId peer, const Endpoint& endpoint);

 private:
  struct Peer {
    PeerId id = kNoPeer;
    SecretKey preshared_key;
  };
  struct Known {
    PublicKey key;
    std::optional<Endpoint> endpoint;
  };
  using Peers = std::unordered_map<PublicKey, Peer>;

  int set_device(const UapiChange& change);
  int set_sockets(const UapiChange& change);
  void set_private_key(const SecretKey& key);
  int count_peers(const UapiChange& change);
  int set_peer(const UapiPeerChange& change);
  Peer* add_peer(const UapiPeerChange& change);
  void update_peer(Peer& peer, const UapiPeerChange& change);
  void set_allowed_ips(PeerId peer, const UapiPeerChange& change);
  void remove_peer(Peers::iterator peer);
  void remove_all_peers();
  int refused(const SystemError& error);

  std::unique_ptr<Backend> backend_;
  SecretKey private_key_;
  PublicKey own_key_;  // only with a private key
  Peers peers_;
  std::map<PeerId, Known> known_;
  AllowedIps allowed_ips_;
  bool tables_changed_ = false;
  std::string refusal_;  // why the last change failed
  std::function<void(const std::string&)> log_ = [](const std::string&) {};
};

}  // namespace starling::wg
