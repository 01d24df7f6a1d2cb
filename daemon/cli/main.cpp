// `starling`: everything that a person types.
#include <csignal>

#include "daemon/cli/arguments.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/help.h"
#include "daemon/cli/output.h"

namespace {

using namespace starling::daemon;

int refuse(const Arguments& arguments) {
  const bool has_page = !arguments.command.empty() && !arguments.is_external;
  print_error(arguments.usage_error);
  print_error("see `starling " + (has_page ? arguments.command + " " : std::string()) + "--help`");
  return kExitUsage;
}

int run(const Arguments& arguments) {
  if (!arguments.usage_error.empty()) return refuse(arguments);
  if (arguments.is_external) return run_external(arguments.command, arguments.rest);
  if (!arguments.output.empty()) {
    print(arguments.output);
    return kExitOk;
  }
  if (arguments.command == "show") return run_show(arguments.daemon, arguments.what, arguments.json);
  if (arguments.command == "watch") return run_watch(arguments.daemon, arguments.json, arguments.replay);
  if (arguments.command == "capture") return run_capture(arguments.daemon, arguments.capture);
  if (arguments.command == "check") return run_check(arguments.file);
  if (arguments.command == "drain") return run_drain(arguments.daemon, true, arguments.json);
  if (arguments.command == "undrain") return run_drain(arguments.daemon, false, arguments.json);
  if (arguments.command == "keygen") return run_keygen();
  if (arguments.command == "grant") return run_grant(arguments.daemon, arguments.grant);
  return run_pubkey(arguments.node_id);
}

}  // namespace

int main(int argc, char** argv) {
  // `| head` ends us quietly, whatever our parent does with the signal.
  std::signal(SIGPIPE, SIG_DFL);
  return run(parse_arguments(std::vector<std::string>(argv + 1, argv + argc)));
}
