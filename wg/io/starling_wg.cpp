// starling-wg: the engine alone, a userspace WireGuard for one interface, to be had in wireguard-go's place. Static:
// AllowedIPs choose the peer for what goes out and the sources that a peer may send, as everywhere in WireGuard.
#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "base/core_dump.h"
#include "wg/io/background.h"
#include "wg/io/drops_command.h"
#include "wg/io/log.h"
#include "wg/io/setconf.h"
#include "wg/io/starling_wg_help.h"
#include "wg/io/static_service.h"

#ifndef STARLING_VERSION
#error "STARLING_VERSION comes from the build"
#endif

namespace starling::wg {
namespace {

struct Options {
  std::string interface;
  std::string config_file;  // empty: none
  std::string key_log_file;
  std::string without;  // offloads
  unsigned workers = 0;
  bool foreground = false;
  bool drops = false;
  bool json = false;
};

Result<Setconf> read_setconf(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) return Error{fmt::format("{}: {}", file, std::strerror(errno))};
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  Result<Setconf> config = parse_setconf(text, file);
  ::explicit_bzero(text.data(), text.size());  // it holds the private key
  return config;
}

// A file descriptor that the caller left open for us; −1 without such a variable.
Result<int> inherited_fd(const char* variable) {
  const char* const text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return -1;
  int fd = -1;
  const char* const end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, fd);
  if (error != std::errc{} || stop != end || fd < 0) {
    return Error{fmt::format("{}={}: must be the number of an open file descriptor", variable, text)};
  }
  return fd;
}

// SIGINT, SIGTERM and SIGUSR1 as a descriptor; blocked before any thread starts, so that none of them takes one.
FileDescriptor block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC));
}

void warn_of_key_log(const std::string& file) {
  fmt::print(
      stderr,
      "starling-wg: WARNING: the keys of every handshake are written to {}.\n"
      "starling-wg: WARNING: whoever has that file can read all that passes the tunnels. Remove it afterwards.\n",
      file);
}

// The tunnel, the configuration it starts with, and whoever configures it later, made in this order and ended in the
// other.
class Setup {
 public:
  explicit Setup(const Options& options) : options_(options) {}

  std::optional<Error> open() {
    std::optional<Setconf> config;
    if (!options_.config_file.empty()) {
      Result<Setconf> read = read_setconf(options_.config_file);
      if (!read) return read.error();
      config = std::move(*read);
    }
    if (auto error = open_tunnel(config)) return error;
    if (config) {
      if (auto error = configure(*config)) return error;
    }
    return open_server();
  }

  StaticTunnel& tunnel() { return *tunnel_; }
  UapiServer& server() { return *server_; }

 private:
  std::optional<Error> open_tunnel(const std::optional<Setconf>& config) {
    const Result<int> tun_fd = inherited_fd("WG_TUN_FD");
    if (!tun_fd) return tun_fd.error();
    BackendConfig backend_config;
    backend_config.interface = options_.interface;
    backend_config.tun_fd = *tun_fd;
    backend_config.key_log_file = options_.key_log_file;
    backend_config.bring_up = config.has_value();
    if (options_.workers > kWorkersMax) {
      return Error{fmt::format("--workers {}: must be 0 to {}", options_.workers, kWorkersMax)};
    }
    backend_config.workers = options_.workers;
    const Result<Offloads> offloads = without_offloads({}, options_.without);
    if (!offloads) return Error{"--without: " + offloads.error().message};
    backend_config.offloads = *offloads;
    if (config) {
      backend_config.private_key = *config->private_key;
      backend_config.listen_port = config->listen_port;
      backend_config.fwmark = config->fwmark;
    }
    Result<std::unique_ptr<Backend>> backend = make_userspace_backend(backend_config);
    if (!backend) return backend.error();
    tunnel_.emplace(std::move(*backend), backend_config.private_key);
    return std::nullopt;
  }

  std::optional<Error> configure(const Setconf& config) {
    Result<UapiChange> change = to_change(config, options_.config_file);
    if (!change) return change.error();
    change->private_key.reset();  // these the backend has from its beginning
    change->listen_port.reset();
    change->fwmark.reset();
    if (const int error = tunnel_->apply(*change)) {
      return Error{fmt::format("{}: {}", options_.config_file, std::strerror(error))};
    }
    tunnel_->settle();
    return std::nullopt;
  }

  std::optional<Error> open_server() {
    const Result<int> uapi_fd = inherited_fd("WG_UAPI_FD");
    if (!uapi_fd) return uapi_fd.error();
    Result<std::unique_ptr<UapiServer>> server =
        *uapi_fd >= 0 ? UapiServer::adopt(FileDescriptor(*uapi_fd), *tunnel_)
                      : UapiServer::open(tunnel_->backend().status().interface, *tunnel_);
    if (!server) return server.error();
    server_ = std::move(*server);
    return std::nullopt;
  }

  const Options& options_;
  std::optional<StaticTunnel> tunnel_;
  std::unique_ptr<UapiServer> server_;
};

std::optional<Error> run_tunnel(const Options& options, const Log& log, Background* background) {
  if (auto error = disable_core_dumps()) return error;
  const FileDescriptor signals = block_signals();
  if (!options.key_log_file.empty()) warn_of_key_log(options.key_log_file);
  Setup setup(options);
  if (auto error = setup.open()) return error;
  setup.tunnel().set_log([&log](const std::string& line) { log.error(line); });
  Backend& backend = setup.tunnel().backend();
  backend.start();
  const BackendStatus status = backend.status();
  log.info(fmt::format("ready, {}; {} encrypts",
                       status.up ? fmt::format("listening on UDP port {}", status.listen_port)
                                 : "and listening once the interface is up",
                       status.aead));
  if (background != nullptr) background->ready();
  StaticService(setup.tunnel(), setup.server(), log, signals.get()).run();
  return std::nullopt;
}

int run(const Options& options) {
  std::optional<Background> background;
  if (!options.foreground) background.emplace(Background::enter());
  const Log log(options.interface, !options.foreground);
  const std::optional<Error> error = run_tunnel(options, log, background ? &*background : nullptr);
  if (!error) return 0;
  const std::string message = "starling-wg: " + error->message;
  if (background) {
    background->failed(message);
  } else {
    fmt::print(stderr, "{}\n", message);
  }
  return 1;
}

}  // namespace
}  // namespace starling::wg

int main(int argc, char** argv) {
  starling::wg::Options options;
  CLI::App app{"", "starling-wg"};
  app.formatter_fn([](const CLI::App*, const std::string&, CLI::AppFormatMode) { return starling::wg::kHelp; });
  app.add_option("IFNAME", options.interface)->required();
  app.add_flag("-f,--foreground", options.foreground);
  app.add_option("--config", options.config_file);
  app.add_option("--keylog", options.key_log_file);
  app.add_option("--without", options.without);
  app.add_option("--workers", options.workers);
  CLI::Option* const drops = app.add_flag("--drops", options.drops);
  app.add_flag("--json", options.json)->needs(drops);
  app.set_version_flag("--version", "starling-wg " STARLING_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const char* const foreground = std::getenv("WG_PROCESS_FOREGROUND");
  options.foreground = options.foreground || (foreground != nullptr && std::string_view(foreground) == "1");
  try {
    return options.drops ? starling::wg::show_drops(options.interface, options.json) : starling::wg::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "starling-wg: {}\n", error.what());
    return 1;
  }
}
