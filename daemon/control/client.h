// A connection to a running starlingd's control socket (docs/control.md): one request, one answer; or a stream of
// events. Blocking with a timeout, on plain sockets; fd() and a zero timeout let a caller wait for several at once.
// Errors say what would help: daemon not running, no permission, several daemons.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace starling::daemon {

inline constexpr std::string_view kControlDirectory = "/run/starling";
inline constexpr Duration kRequestTimeout = std::chrono::seconds(5);

// "/run/starling/star0.sock"
std::string control_socket_path(std::string_view interface);

// Which socket a person means: `control` if given; that of `interface` if given; else the only one in `directory`.
Result<std::string> choose_control_socket(const std::string& control, const std::string& interface,
                                          const std::string& directory = std::string(kControlDirectory));

class ControlClient {
 public:
  static Result<ControlClient> connect(const std::string& path);
  ControlClient(ControlClient&& other) noexcept;
  ControlClient& operator=(ControlClient&& other) noexcept;
  ~ControlClient();

  // The answer's `result` (null where the answer has none); an error is the daemon's own, or the connection's.
  Result<nlohmann::json> request(const nlohmann::json& request, Duration timeout = kRequestTimeout);
  // request({"command":"show","what":what})
  Result<nlohmann::json> show(std::string_view what, Duration timeout = kRequestTimeout);

  // After start_watch the connection carries events only: call next_event until it fails.
  Result<nlohmann::json> start_watch(bool replay, Duration timeout = kRequestTimeout);
  // One event as it came, a line of JSON without its newline. Nothing if none came within `timeout` or a signal
  // interrupted the wait; an error when the daemon closed the connection. Zero returns at once; what has been read
  // already is handed out first, so drain it until it has nothing before waiting on fd() again.
  Result<std::optional<std::string>> next_event(Duration timeout);

  // After an answer that makes the connection a stream of bytes (`capture`): what has come, waiting for some; nothing
  // when the daemon has closed its side.
  Result<std::string> next_bytes();

  int fd() const;

 private:
  struct Connection;
  explicit ControlClient(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace starling::daemon
