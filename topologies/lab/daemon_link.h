// A node's control socket as the lab uses it: opened when first needed, opened again after the daemon was started anew.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "daemon/control/client.h"

namespace starling::lab {

class DaemonLink {
 public:
  explicit DaemonLink(std::string socket_path) : path_(std::move(socket_path)) {}

  // A view (docs/control.md). An error leaves the connection closed; the next call opens it again.
  Result<nlohmann::json> show(std::string_view what);
  void close() { client_.reset(); }

 private:
  std::string path_;
  std::optional<daemon::ControlClient> client_;
};

}  // namespace starling::lab
