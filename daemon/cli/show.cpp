#include <unistd.h>

#include <nlohmann/json.hpp>

#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/cli/show_text.h"
#include "daemon/control/client.h"
#include "daemon/control/style.h"

namespace starling::daemon {

namespace {

Result<nlohmann::json> ask(const DaemonChoice& daemon, const std::string& what) {
  const Result<std::string> path = choose_control_socket(daemon.control, daemon.interface);
  if (!path) return path.error();
  Result<ControlClient> client = ControlClient::connect(*path);
  if (!client) return client.error();
  return client->show(what);
}

}  // namespace

int run_show(const DaemonChoice& daemon, const std::string& what, bool json) {
  const Result<nlohmann::json> view = ask(daemon, what);
  if (!view) {
    print_error(view.error().message);
    return kExitFailed;
  }
  if (json) {
    const int indent = isatty(STDOUT_FILENO) == 1 ? 2 : -1;
    print(view->dump(indent, ' ', false, nlohmann::json::error_handler_t::replace) + '\n');
  } else {
    print(show_text(what, *view, wants_colour(STDOUT_FILENO)));
  }
  return kExitOk;
}

}  // namespace starling::daemon
