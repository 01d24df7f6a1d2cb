// Where the peers are: what the configuration says, what the resolver answers, where they have roamed to, and by which
// interface of the machine that is reached.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "daemon/control/event_log.h"
#include "daemon/endpoint_resolver.h"
#include "daemon/fd_watcher.h"
#include "daemon/peer_endpoints.h"
#include "wg/io/backend.h"

namespace starling::daemon {

struct PeerLocatorHooks {
  std::function<std::string(wg::PeerId)> name_of;
  std::function<void(std::vector<Endpoint>)> on_endpoints;  // all current ones, when one has changed
  std::function<std::optional<std::uint32_t>(const IpAddress&)> outgoing_interface_to;
};

class PeerLocator {
 public:
  PeerLocator(boost::asio::io_context& io, wg::Backend& backend, EventLog& log, PeerLocatorHooks hooks);

  void add(wg::PeerId peer, const std::optional<HostPort>& host);
  void set_answering(wg::PeerId peer, bool answering);
  void on_roamed(wg::PeerId peer, const Endpoint& endpoint);
  // A person says where it is: what the configuration says is not looked for any more.
  void set_by_hand(wg::PeerId peer, const Endpoint& endpoint);
  // The way to a peer may be another now: look which interface it takes.
  void look_up_interface(wg::PeerId peer);

  std::optional<Endpoint> endpoint_of(wg::PeerId peer) const;
  // The peers that are reached through an interface.
  std::vector<wg::PeerId> peers_behind(std::uint32_t interface_index) const;

 private:
  void arm_timer();
  void on_timer();
  void on_answers();
  void on_answer(const EndpointResolver::Answer& answer);
  void move(wg::PeerId peer, const Endpoint& endpoint);
  void note(wg::PeerId peer, const Endpoint& endpoint);

  wg::Backend& backend_;
  EventLog& log_;
  PeerLocatorHooks hooks_;
  PeerEndpoints wanted_;
  EndpointResolver resolver_;
  FdWatcher watcher_;
  std::map<wg::PeerId, Endpoint> current_;
  std::map<wg::PeerId, std::uint32_t> interface_of_;
  std::map<wg::PeerId, std::string> last_error_;  // told already
  boost::asio::steady_timer timer_;
};

}  // namespace starling::daemon
