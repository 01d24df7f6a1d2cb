// One running node: the engine, the router, the kernel's routes and the control socket, joined. Everything runs on the
// io_context's one thread; the engine's threads and the resolver's hand their news over through file descriptors.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "daemon/config/config.h"
#include "daemon/control/event_log.h"

namespace boost::asio {
class io_context;
}

namespace starling::daemon {

// Of the command line, not of the configuration.
struct NodePaths {
  std::string control;                                  // the control socket
  std::string wireguard_folder = "/var/run/wireguard";  // the folder of the socket for wg(8)
  std::string key_log;                                  // where the keys of handshakes are written; empty: nowhere
};

class Node {
 public:
  // Sets everything up, or nothing: what failed is undone. `io` and `log` must outlive the node. `on_end` is called
  // once, when the node has stopped: with nothing after stop(), with the reason if it cannot go on.
  static Result<std::unique_ptr<Node>> start(boost::asio::io_context& io, Config config, const NodePaths& paths,
                                             EventLog& log, std::function<void(std::optional<Error>)> on_end);
  ~Node();  // routes, rules, interface and socket are gone afterwards
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Withdraws what we announce and says goodbye, removes routes and rules, then calls on_end. `reason` is for the log.
  void stop(const std::string& reason);

 private:
  class Impl;
  explicit Node(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling::daemon
