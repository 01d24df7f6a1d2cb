// `starlingd`: runs one node in the foreground until a signal ends it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>

#include "daemon/config/loader.h"
#include "daemon/control/event_log.h"
#include "daemon/control/version.h"
#include "daemon/node.h"

namespace {

using namespace starling;
using namespace starling::daemon;

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;     // could not start, or could not go on
constexpr int kExitBadConfig = 2;  // or a command line that is none; nothing was touched

constexpr const char* kFooter = R"(Signals:
  SIGINT, SIGTERM, SIGHUP   withdraw what this node announces, remove its routes and rules, end; a second one ends at once

Exit status:
  0   ended by a signal
  1   could not start, or could not go on; the reason is the last line of the log
  2   the configuration or the command line is wrong; every error is printed, nothing was touched

Every key of FILE, with defaults and examples: docs/operating.md. While it runs: `starling show`, `starling watch`.)";

struct Options {
  std::string config;
  NodePaths paths;
  bool check = false;
};

void print_error(const std::string& message) {
  std::fputs(("starlingd: " + message + "\n").c_str(), stderr);
}

void warn_of_key_log(const std::string& file) {
  print_error("WARNING: the keys of every handshake are written to " + file + ".");
  print_error("WARNING: whoever has that file can read all that passes the tunnels. Remove it afterwards.");
}

int run_loop(boost::asio::io_context& io, Config config, const NodePaths& paths, EventLog& log) {
  std::optional<Error> end;
  boost::asio::signal_set signals(io, SIGINT, SIGTERM, SIGHUP);  // one that comes while we start waits for the loop
  auto node = Node::start(io, std::move(config), paths, log, [&](std::optional<Error> error) {
    end = std::move(error);
    io.stop();
  });
  if (!node.ok()) {
    print_error(node.error().message);
    return kExitFailed;
  }
  int signals_seen = 0;
  const std::function<void(const boost::system::error_code&, int)> on_signal = [&](const auto& error, int number) {
    if (error) return;
    if (++signals_seen > 1) return io.stop();
    (*node)->stop(std::string("SIG") + sigabbrev_np(number));
    signals.async_wait(on_signal);
  };
  signals.async_wait(on_signal);
  io.run();
  if (end) print_error(end->message);
  return end ? kExitFailed : kExitOk;
}

int run(const Options& options) {
  auto config = load_config(options.config);
  if (!config.ok()) {
    std::fputs(to_string(config.error()).c_str(), stderr);
    return kExitBadConfig;
  }
  if (options.check) {
    fmt::print("{}: right\n", options.config);
    return kExitOk;
  }
  auto log = EventLog::open(config->name, config->log);
  if (!log.ok()) {
    print_error(log.error().message);
    return kExitFailed;
  }
  std::signal(SIGPIPE, SIG_IGN);
  boost::asio::io_context io(1);
  NodePaths paths = options.paths;
  if (paths.control.empty()) paths.control = "/run/starling/" + config->interface + ".sock";
  if (!paths.key_log.empty()) warn_of_key_log(paths.key_log);
  return run_loop(io, std::move(config).value(), paths, **log);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Starling: a mesh of WireGuard tunnels that routes itself. This is the daemon; it stays in the foreground.",
      "starlingd");
  Options options;
  app.add_option("-c,--config", options.config, "the node's configuration (JSON)")->required()->type_name("FILE");
  app.add_option("--control", options.paths.control, "the control socket; default /run/starling/INTERFACE.sock")
      ->type_name("PATH");
  app.add_option("--wireguard-sockets", options.paths.wireguard_folder,
                 "the folder of INTERFACE.sock, through which wg(8) shows the interface; default /var/run/wireguard")
      ->type_name("FOLDER");
  app.add_option(
         "--keylog", options.paths.key_log,
         "append the keys of every handshake to FILE, for Wireshark (wg.keylog_file). Whoever has FILE can read all "
         "that passes the tunnels")
      ->type_name("FILE");
  app.add_flag("--check", options.check, "say whether FILE is right, and end");
  app.set_version_flag("--version", std::string("starlingd ") + version());
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitBadConfig;
  }
  try {
    return run(options);
  } catch (const std::exception& error) {  // the machine is out of something: descriptors, threads, memory
    print_error(error.what());
    return kExitFailed;
  }
}
