// starlingd's interface as wg(8) sees it: everything is shown, each prefix under every neighbour that may carry it, and
// little can be changed. What the configuration or routing owns is refused with EPERM: keys, port and mark, which peers
// there are, and what is sent to them. A peer's endpoint, preshared key and keepalive may be set; that lasts until the
// daemon ends. Invariant: a request with anything in it that is refused changes nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/key.h"
#include "daemon/control/event_log.h"
#include "daemon/fd_watcher.h"
#include "wg/io/backend.h"
#include "wg/io/uapi_server.h"

namespace starling::daemon {

struct WireguardUapiHooks {
  std::function<std::string(wg::PeerId)> name_of;
  std::function<void(wg::PeerId, const Endpoint&)> set_endpoint;
};

class WireguardUapi final : private wg::UapiTarget {
 public:
  // All must outlive this. Where the socket cannot be made, or someone removes it, an event says so and the daemon goes
  // on without.
  WireguardUapi(boost::asio::io_context& io, wg::Backend& backend, EventLog& log, SecretKey private_key,
                WireguardUapiHooks hooks);

  // A peer and its preshared key as configured.
  void add(wg::PeerId peer, const PublicKey& key, const std::optional<SecretKey>& preshared_key);
  void open(const std::string& interface, const std::string& directory);

 private:
  struct Peer {
    wg::PeerId id = wg::kNoPeer;
    SecretKey preshared_key;  // zeros: none
  };

  wg::UapiDevice read() override;
  wg::UapiDrops drops() override;
  int apply(const wg::UapiChange& change) override;
  void on_refused(int error, const std::string& reason) override;

  // What of it is not to be changed here; empty if all may be.
  std::string forbidden(const wg::UapiChange& change) const;
  std::string forbidden(const wg::UapiPeerChange& change) const;
  void set_peer(const wg::UapiPeerChange& change);
  void on_readable();
  void warn(const std::string& reason);

  boost::asio::io_context& io_;
  wg::Backend& backend_;
  EventLog& log_;
  const SecretKey private_key_;
  const WireguardUapiHooks hooks_;
  std::map<PublicKey, Peer> peers_;
  std::string interface_;
  std::string refusal_;  // why apply() refused
  std::unique_ptr<wg::UapiServer> server_;
  std::unique_ptr<FdWatcher> watcher_;
};

}  // namespace starling::daemon
