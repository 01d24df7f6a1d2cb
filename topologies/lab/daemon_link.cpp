#include "topologies/lab/daemon_link.h"

#include <nlohmann/json.hpp>

namespace starling::lab {

Result<nlohmann::json> DaemonLink::show(std::string_view what) {
  if (!client_) {
    auto client = daemon::ControlClient::connect(path_);
    if (!client) return client.error();
    client_ = std::move(client).value();
  }
  auto answer = client_->show(what);
  if (!answer) client_.reset();
  return answer;
}

}  // namespace starling::lab
