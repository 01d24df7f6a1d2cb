// Backend on our own engine: the owner's side of the two threads. Tables are swapped directly, in the owner's call;
// everything else is a command to the engine's thread.
#include <fmt/format.h>
#include <sodium.h>

#include <system_error>
#include <thread>
#include <utility>

#include "wg/io/backend.h"
#include "wg/io/command_queue.h"
#include "wg/io/engine.h"
#include "wg/io/notification_queue.h"

namespace starling::wg {
namespace {

constexpr int kMtuMin = 1280;  // IPv6's least (RFC 8200 §5)
constexpr int kMtuMax = 65535;

class UserspaceBackend final : public Backend {
 public:
  UserspaceBackend(const BackendConfig& config, Tun tun, std::unique_ptr<UdpSockets> udp)
      : mtu_(config.mtu),
        fwmark_(config.fwmark),
        engine_(config, std::move(tun), std::move(udp), egress_, ingress_, notifications_, commands_),
        thread_([this] { engine_.run(); }) {}

  ~UserspaceBackend() override {
    commands_.post([this](Now) { engine_.stop(); });
    thread_.join();
  }

  void start() override {
    commands_.post([this](Now) { engine_.start(); });
  }

  Result<PeerId> add_peer(const PeerConfig& config) override {
    const PeerId peer = commands_.call([&](Now now) { return engine_.add_peer(now, config); });
    if (peer != kNoPeer) return peer;
    const bool own = config.public_key == engine_.public_key();
    return Error{fmt::format("peer {}: {}", to_base64(config.public_key),
                             own ? "this is our own public key; a peer must be another node"
                                 : "there already; a public key can be one peer only")};
  }

  void remove_peer(PeerId peer) override {
    commands_.post([this, peer](Now now) { engine_.remove_peer(now, peer); });
  }

  void set_endpoint(PeerId peer, const Endpoint& endpoint) override {
    commands_.post([this, peer, endpoint](Now now) { engine_.set_endpoint(now, peer, endpoint); });
  }

  void set_egress(const EgressDescription& description) override { egress_.store(EgressTable::compile(description)); }
  void set_egress_groups(std::vector<NextHopGroup> groups) override {
    egress_.store(egress_.load()->with_groups(std::move(groups)));
  }
  void set_ingress(const IngressDescription& description) override {
    ingress_.store(IngressFilter::compile(description));
  }
  EgressDescription egress() const override { return egress_.load()->describe(); }
  IngressDescription ingress() const override { return ingress_.load()->describe(); }

  void send_control(PeerId peer, Bytes payload) override {
    commands_.post([this, peer, copy = std::vector<std::uint8_t>(payload.begin(), payload.end())](Now now) {
      engine_.send_control(now, peer, copy);
    });
  }

  BackendStatus status() const override {
    BackendStatus status;
    status.interface = engine_.tun().name();
    status.interface_index = engine_.tun().index();
    status.public_key = engine_.public_key();
    status.listen_port = engine_.udp().port();
    status.fwmark = fwmark_;
    status.mtu = mtu_;
    return commands_.call([&](Now) {
      status.drops = engine_.drops_without_peer();
      status.peers = engine_.peer_statuses();
      return std::move(status);
    });
  }

  void catch_up() override {
    commands_.call([this](Now now) {
      engine_.catch_up(now);
      return true;
    });
  }

  int notification_fd() const override { return notifications_.fd(); }
  void dispatch(BackendObserver& observer) override {
    for (const Notification& notification : notifications_.take()) deliver(notification, observer);
  }

 private:
  const int mtu_;
  const std::uint32_t fwmark_;
  EgressCell egress_{EgressTable::compile({})};
  IngressCell ingress_{IngressFilter::compile({})};
  NotificationQueue notifications_;
  mutable CommandQueue commands_;
  mutable Engine engine_;  // on its own thread but for what engine.h names constant
  std::thread thread_;     // last: runs when everything else is there
};

}  // namespace

Result<std::unique_ptr<Backend>> make_userspace_backend(const BackendConfig& config) {
  if (::sodium_init() < 0) return Error{"libsodium cannot be initialised"};
  if (config.mtu < kMtuMin || config.mtu > kMtuMax) {
    return Error{fmt::format("MTU {}: must be {} to {}", config.mtu, kMtuMin, kMtuMax)};
  }
  if (config.private_key.is_zero()) return Error{"no private key: make one with `wg genkey`"};
  // The sockets before the interface: a port in use must not make an interface flash up.
  Result<std::unique_ptr<UdpSockets>> udp = UdpSockets::open(config.listen_port, config.fwmark);
  if (!udp) return udp.error();
  Result<Tun> tun = Tun::create(config.interface, config.mtu);
  if (!tun) return tun.error();
  try {
    return std::unique_ptr<Backend>(std::make_unique<UserspaceBackend>(config, std::move(*tun), std::move(*udp)));
  } catch (const std::system_error& error) {
    return Error{fmt::format("the engine cannot start: {}", error.what())};
  }
}

}  // namespace starling::wg
