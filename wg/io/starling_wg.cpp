// starling-wg: the engine alone, a userspace WireGuard for one interface. Static: AllowedIPs choose the peer for what
// goes out and the sources that a peer may send, as everywhere in WireGuard.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "base/system.h"
#include "wg/io/backend.h"
#include "wg/io/background.h"
#include "wg/io/drop_hint.h"
#include "wg/io/log.h"
#include "wg/io/setconf.h"

#ifndef STARLING_VERSION
#error "STARLING_VERSION comes from the build"
#endif

namespace starling::wg {
namespace {

constexpr const char* kHelp = R"(starling-wg - one WireGuard interface in user space

USAGE
  starling-wg [-f] [--config FILE] IFNAME

Makes the TUN interface IFNAME, brings it up and carries packets for the peers in FILE until SIGINT or SIGTERM comes or
the interface is removed (ip link del IFNAME). It returns as soon as the interface is ready and goes on in the
background, unless -f is given. Addresses and routes are yours to add. Speaks with every other WireGuard.

OPTIONS
  -f, --foreground    stay in the foreground and log to standard error
      --config FILE   the configuration (/etc/starling/IFNAME.conf)
  -h, --help          show this page
      --version       show the version

  IFNAME has 1 to 15 characters; no interface of this name may exist yet.

CONFIGURATION
  What `wg setconf` reads, see wg(8). A file for wg-quick is turned into such a file by `wg-quick strip`.

    [Interface]
    PrivateKey = ...                     wg genkey
    ListenPort = 51820                   any free port if left out
    FwMark = 0x51                        of the packets sent outside, for ip-rule(8); none if left out

    [Peer]
    PublicKey = ...                      wg pubkey
    PresharedKey = ...                   wg genpsk; none if left out
    Endpoint = vpn.example.org:51820     or [2001:db8::1]:51820; left out, the peer must start
    AllowedIPs = 10.0.0.2/32, fd00::/64  what is sent to this peer, and what it may send
    PersistentKeepalive = 25             seconds; off if left out

LOG
  To standard error in the foreground, to syslog (facility daemon) in the background. Packets that are not carried are
  named with the reason and what can be done, at most once a second per peer and reason. SIGUSR1 and the end log the
  counters of all peers.

ENVIRONMENT
  LOG_LEVEL               verbose (the default), error or silent
  WG_PROCESS_FOREGROUND   1 is the same as -f

EXAMPLE
  starling-wg --config wg0.conf wg0
  ip address add 10.0.0.1/24 dev wg0

EXIT STATUS
  0 ended as asked, 1 could not start or carry on, 2 the command line is wrong

SEE ALSO
  wg(8), starling(1), starlingd(8)
)";

struct Options {
  std::string interface;
  std::string config_file;
  bool foreground = false;
};

std::string short_name(const PublicKey& key) {
  return "peer " + to_base64(key).substr(0, 8) + "…";
}

Result<Setconf> read_setconf(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) {
    return Error{fmt::format("{}: {}; give a file with --config", file, std::strerror(errno))};
  }
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  Result<Setconf> config = parse_setconf(text, file);
  ::explicit_bzero(text.data(), text.size());  // it holds the private key
  return config;
}

std::string describe_drops(const DropCounters& drops) {
  std::string text;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    if (drops[i] != 0) text += fmt::format(" {} {}", to_string(static_cast<DropReason>(i)), drops[i]);
  }
  return text.empty() ? " none" : text;
}

// Our own public key in a [Peer] is left out silently, as `wg` does it: one file can then serve all nodes. An allowed
// IP belongs to the last peer that names it.
class Tunnel final : private BackendObserver {
 public:
  Tunnel(std::unique_ptr<Backend> backend, const Log& log) : backend_(std::move(backend)), log_(log) {}

  std::optional<Error> configure(const Setconf& config, const std::string& file) {
    std::map<Prefix, PeerId> owners;
    const PublicKey own_key = derive_public_key(*config.private_key);
    for (const SetconfPeer& peer : config.peers) {
      if (*peer.public_key == own_key) continue;
      const Result<PeerId> id = add_peer(peer, file);
      if (!id) return id.error();
      for (const Prefix& prefix : peer.allowed_ips) owners[prefix] = *id;
    }
    set_tables(owners);
    backend_->start();
    return std::nullopt;
  }

  // Until a signal or the interface's end.
  void run(int signals) {
    while (!ended_) {
      pollfd waiting[] = {{backend_->notification_fd(), POLLIN, 0}, {signals, POLLIN, 0}};
      if (::poll(waiting, std::size(waiting), -1) < 0 && errno != EINTR) return;
      if ((waiting[0].revents & POLLIN) != 0) backend_->dispatch(*this);
      if ((waiting[1].revents & POLLIN) != 0) on_signal(signals);
    }
    backend_->dispatch(*this);
    log_counters();
  }

  BackendStatus status() const { return backend_->status(); }

 private:
  Result<PeerId> add_peer(const SetconfPeer& peer, const std::string& file) {
    PeerConfig config;
    config.public_key = *peer.public_key;
    config.preshared_key = peer.preshared_key;
    config.persistent_keepalive_s = peer.persistent_keepalive_s;
    if (peer.endpoint) {
      const Result<Endpoint> endpoint = resolve(*peer.endpoint);
      if (!endpoint) return Error{fmt::format("{}:{}: {}", file, peer.endpoint_line, endpoint.error().message)};
      config.endpoint = *endpoint;
    }
    const Result<PeerId> id = backend_->add_peer(config);
    if (!id) return Error{fmt::format("{}:{}: {}", file, peer.line, id.error().message)};
    names_[*id] = short_name(config.public_key);
    return id;
  }

  // One group and one set for each peer.
  void set_tables(const std::map<Prefix, PeerId>& owners) {
    EgressDescription egress;
    IngressDescription ingress;
    std::map<PeerId, std::uint32_t> index_of;
    for (const auto& [peer, name] : names_) {
      index_of[peer] = static_cast<std::uint32_t>(egress.groups.size());
      egress.groups.push_back({{peer}, kNoPeer});
      ingress.sets.push_back({peer});
    }
    for (const auto& [prefix, peer] : owners) {
      egress.entries.push_back({prefix, index_of[peer]});
      ingress.entries.push_back({prefix, index_of[peer]});
    }
    backend_->set_ingress(ingress);
    backend_->set_egress(egress);
  }

  void on_signal(int signals) {
    signalfd_siginfo signal{};
    if (::read(signals, &signal, sizeof signal) != sizeof signal) return;
    if (signal.ssi_signo == SIGUSR1) return log_counters();
    log_.info(fmt::format("ending on signal {}", signal.ssi_signo));
    ended_ = true;
  }

  void log_counters() const {
    const BackendStatus status = backend_->status();
    for (const PeerStatus& peer : status.peers) {
      log_.info(fmt::format("{}: endpoint {}, rx {} bytes in {} packets, tx {} bytes in {} packets, drops:{}",
                            name_of(peer.id), peer.endpoint ? peer.endpoint->to_string() : "unknown", peer.rx_bytes,
                            peer.rx_packets, peer.tx_bytes, peer.tx_packets, describe_drops(peer.drops)));
    }
    log_.info(fmt::format("no known peer: drops:{}", describe_drops(status.drops)));
  }

  std::string name_of(PeerId peer) const {
    const auto found = names_.find(peer);
    return found == names_.end() ? "no known peer" : found->second;
  }

  void on_control_packet(Now, PeerId, Bytes) override {}  // there is no control port, so none come
  void on_session(Now, PeerId peer, bool as_initiator) override {
    log_.info(fmt::format("{}: handshake complete, started by {}", name_of(peer), as_initiator ? "us" : "the peer"));
  }
  void on_endpoint(Now, PeerId peer, const Endpoint& endpoint) override {
    log_.info(fmt::format("{}: endpoint is {}", name_of(peer), endpoint.to_string()));
  }
  void on_drop(Now, PeerId peer, DropReason reason, std::uint64_t count, std::optional<IpAddress> source) override {
    log_.error(fmt::format("{}: dropped {} × {}{}: {}", name_of(peer), count, to_string(reason),
                           source ? " (" + source->to_string() + ")" : "", drop_hint(reason)));
  }
  void on_fatal(Now, const std::string& what) override {
    log_.error(what);
    ended_ = true;
  }

  std::unique_ptr<Backend> backend_;
  const Log& log_;
  std::map<PeerId, std::string> names_;
  bool ended_ = false;
};

// SIGINT, SIGTERM and SIGUSR1 as a descriptor; blocked before any thread starts, so that none of them takes one.
FileDescriptor block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) ::sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return FileDescriptor(::signalfd(-1, &set, SFD_CLOEXEC));
}

std::optional<Error> run_tunnel(const Options& options, const Log& log, Background* background) {
  const FileDescriptor signals = block_signals();
  const Result<Setconf> config = read_setconf(options.config_file);
  if (!config) return config.error();
  BackendConfig backend_config;
  backend_config.interface = options.interface;
  backend_config.private_key = *config->private_key;
  backend_config.listen_port = config->listen_port;
  backend_config.fwmark = config->fwmark;
  Result<std::unique_ptr<Backend>> backend = make_userspace_backend(backend_config);
  if (!backend) return backend.error();
  Tunnel tunnel(std::move(*backend), log);
  if (std::optional<Error> error = tunnel.configure(*config, options.config_file)) return error;
  log.info(fmt::format("ready, listening on UDP port {}", tunnel.status().listen_port));
  if (background != nullptr) background->ready();
  tunnel.run(signals.get());
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
  app.add_option("--config", options.config_file);
  app.add_flag("-f,--foreground", options.foreground);
  app.set_version_flag("--version", "starling-wg " STARLING_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (options.config_file.empty()) options.config_file = "/etc/starling/" + options.interface + ".conf";
  const char* const foreground = std::getenv("WG_PROCESS_FOREGROUND");
  options.foreground = options.foreground || (foreground != nullptr && std::string_view(foreground) == "1");
  try {
    return starling::wg::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "starling-wg: {}\n", error.what());
    return 1;
  }
}
