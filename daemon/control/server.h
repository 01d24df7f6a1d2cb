// The control socket (docs/control.md): one JSON request a line, one answer a line; `watch` streams events, `capture`
// makes the connection the engine's. Whatever comes in is answered or ends that connection, and nothing a client does
// makes the daemon wait or grow: lines, clients and the queue of a slow watcher are bounded, and a request is taken
// only when the answer before it has been read. Runs on the io_context's one thread.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "daemon/control/event_log.h"

namespace boost::asio {
class io_context;
}

namespace starling::daemon {

inline constexpr std::size_t kControlLineMax = 64 * 1024;  // bytes of a request, with its newline
inline constexpr std::size_t kControlConnectionsMax = 64;
// Events that wait for one slow watcher: all that are remembered, and as many again.
inline constexpr std::size_t kWatchQueueMax = 2 * kRememberedEvents;

class ControlServer {
 public:
  // Answers every request but `watch`, which the server does itself, and `capture`. The request is a JSON object with a
  // string `command`; the value becomes the answer's `result`. Must not throw.
  using Handler = std::function<Result<nlohmann::json>(const nlohmann::json& request)>;

  // Takes a client's connection over, or says why not: `stream` is the same socket, and `answer` is to be the first
  // that goes into it. Must not throw.
  using StreamHandler =
      std::function<std::optional<Error>(const nlohmann::json& request, FileDescriptor stream, std::string answer)>;

  // Listens at `path` (socket 0600; its directory is made with 0755 if missing). A socket file on which nobody listens
  // is replaced; one that is in use is an error, as is any other file. `io` and `log` must outlive the server.
  // `capture` may be none: then no capture is made.
  static Result<std::unique_ptr<ControlServer>> open(boost::asio::io_context& io, const std::string& path,
                                                     Handler handler, EventLog& log, StreamHandler capture = {});
  // Sends watchers what they can still take without waiting, closes all connections and unlinks the socket.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  const std::string& path() const;
  std::size_t connections() const;

 private:
  struct Impl;
  explicit ControlServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace starling::daemon
