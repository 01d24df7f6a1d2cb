#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/control/client.h"
#include "daemon/control/event_text.h"
#include "daemon/control/style.h"

namespace starling::daemon {

namespace {

// Every line is written at once and ends its own colours, so there is nothing to tidy up.
extern "C" void end_at_once(int) {
  _exit(kExitOk);
}

void end_on_interrupt() {
  struct sigaction action {};
  action.sa_handler = end_at_once;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

std::string as_text(const std::string& line, const EventTextOptions& options) {
  const auto event = nlohmann::ordered_json::parse(line, nullptr, false);
  return event.is_discarded() ? printable(line) : event_text(event, options);
}

// Nothing but an error ends it.
Error watch(ControlClient& client, bool json, bool replay) {
  const Result<nlohmann::json> started = client.start_watch(replay);
  if (!started) return started.error();
  EventTextOptions options;
  options.colour = wants_colour(STDOUT_FILENO);
  while (true) {
    const Result<std::optional<std::string>> line = client.next_event(Duration::max());
    if (!line) return line.error();
    if (*line) print((json ? **line : as_text(**line, options)) + '\n');
  }
}

}  // namespace

int run_watch(const DaemonChoice& daemon, bool json, bool replay) {
  end_on_interrupt();
  const Result<std::string> path = choose_control_socket(daemon.control, daemon.interface);
  if (!path) {
    print_error(path.error().message);
    return kExitFailed;
  }
  Result<ControlClient> client = ControlClient::connect(*path);
  print_error(client ? watch(*client, json, replay).message : client.error().message);
  return kExitFailed;
}

}  // namespace starling::daemon
