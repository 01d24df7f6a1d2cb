// Backend on our own engine: the owner's side of the two threads. Tables are swapped directly, in the owner's call;
// everything else is a command to the engine's thread.
#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "wg/io/backend.h"
#include "wg/io/command_queue.h"
#include "wg/io/engine.h"
#include "wg/io/environment.h"
#include "wg/io/notification_queue.h"

namespace starling::wg {
namespace {

constexpr int kMtuMin = 1280;  // IPv6's least (RFC 8200 §5)
constexpr int kMtuMax = 65535;

class UserspaceBackend final : public Backend {
 public:
  UserspaceBackend(const BackendConfig& config, Tun tun, UdpSockets udp, std::optional<KeyLog> key_log)
      : engine_(config, std::move(tun), std::move(udp), std::move(key_log), egress_, ingress_, transit_, notifications_,
                commands_),
        thread_([this] { engine_.run(); }) {}

  ~UserspaceBackend() override {
    commands_.post([this](Now) { engine_.stop(); });
    thread_.join();
  }

  void start() override {
    commands_.post([this](Now) { engine_.start(); });
  }

  Result<PeerId> add_peer(const PeerConfig& config) override {
    PeerId peer = kNoPeer;
    bool own = false;
    do_now([&](Now now) {
      peer = engine_.add_peer(now, config);
      own = config.public_key == engine_.public_key();
    });
    if (peer != kNoPeer) return peer;
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

  void set_preshared_key(PeerId peer, const SecretKey& key) override {
    commands_.post([this, peer, key](Now now) { engine_.set_preshared_key(now, peer, key); });
  }
  void set_persistent_keepalive(PeerId peer, std::uint16_t interval_s) override {
    commands_.post([this, peer, interval_s](Now now) { engine_.set_persistent_keepalive(now, peer, interval_s); });
  }
  void set_private_key(const SecretKey& key) override {
    commands_.post([this, key](Now now) { engine_.set_private_key(now, key); });
  }
  std::optional<SystemError> set_listen_port(std::uint16_t port) override {
    return commands_.call([&](Now now) { return engine_.set_listen_port(now, port); });
  }
  std::optional<SystemError> set_fwmark(std::uint32_t mark) override {
    return commands_.call([&](Now) { return engine_.set_fwmark(mark); });
  }

  void set_egress(const EgressDescription& description) override { egress_.store(EgressTable::compile(description)); }
  void set_egress_groups(std::vector<NextHopGroup> groups) override {
    egress_.store(egress_.load()->with_groups(std::move(groups)));
  }
  void set_ingress(const IngressDescription& description) override {
    ingress_.store(IngressFilter::compile(description));
  }
  void set_transit(const TransitDescription& description) override {
    transit_.store(TransitTable::compile(description));
  }
  EgressDescription egress() const override { return egress_.load()->describe(); }
  IngressDescription ingress() const override { return ingress_.load()->describe(); }
  TransitDescription transit() const override { return transit_.load()->describe(); }

  void send_control(std::span<const ControlPacket> packets) override {
    if (engine_.try_turn([&](Now now) { engine_.send_control(now, packets); })) return;
    for (const ControlPacket& packet : packets) {
      commands_.post([this, peer = packet.peer, payload = std::vector(packet.payload.begin(), packet.payload.end()),
                      as_data = packet.as_data](Now now) {
        engine_.send_control(now, std::array{ControlPacket{peer, payload, as_data}});
      });
    }
  }

  std::optional<Error> start_capture(FileDescriptor stream, const CaptureOptions& options) override {
    return commands_.call([&](Now) { return engine_.start_capture(std::move(stream), options); });
  }

  BackendStatus status() const override {
    return commands_.call([&](Now) { return engine_.status(); });
  }

  void catch_up() override {
    do_now([this](Now now) {
      engine_.catch_up(now);
      engine_.tell_heard(now);
    });
  }

  Duration take_lateness() override { return engine_.take_lateness(); }

  int notification_fd() const override { return notifications_.fd(); }
  void dispatch(BackendObserver& observer) override {
    Notifications taken = std::exchange(taken_, {});  // what is delivered may come back here
    notifications_.take(taken);
    taken.deliver(observer);
    taken.clear();
    taken_ = std::move(taken);
  }

 private:
  // At once, on this thread, if the engine rests; else by the engine.
  void do_soon(CommandQueue::Command command) {
    commands_.leave(std::move(command));
    if (!engine_.try_turn()) commands_.wake();
  }
  // The same, and waits until it is done: for what comes by the thousand, as two wakings take longer than the work.
  template <typename Function>
  void do_now(Function function) {
    std::promise<void> done;
    do_soon([&](Now now) {
      function(now);
      done.set_value();
    });
    done.get_future().wait();
  }

  EgressCell egress_{EgressTable::compile({})};
  IngressCell ingress_{IngressFilter::compile({})};
  TransitCell transit_{TransitTable::compile({})};
  NotificationQueue notifications_;
  Notifications taken_;  // of the last dispatch(), for its memory
  mutable CommandQueue commands_;
  mutable Engine engine_;  // touched by whoever has its turn, and by no other
  std::thread thread_;     // last: runs when everything else is there
};

}  // namespace

Result<std::unique_ptr<Backend>> make_userspace_backend(const BackendConfig& asked_for) {
  BackendConfig config = asked_for;
  if (const std::optional<Error> error = read_environment(config)) return *error;
  if (::sodium_init() < 0) return Error{"libsodium cannot be initialised"};
  if (config.mtu < kMtuMin || config.mtu > kMtuMax) {
    return Error{fmt::format("MTU {}: must be {} to {}", config.mtu, kMtuMin, kMtuMax)};
  }
  std::optional<KeyLog> key_log;
  if (!config.key_log_file.empty()) {
    Result<KeyLog> opened = KeyLog::open(config.key_log_file);
    if (!opened) return opened.error();
    key_log = std::move(*opened);
  }
  // The sockets before the interface: a port in use must not make an interface flash up.
  UdpSockets udp(config.listen_port, config.fwmark, config.offloads);
  if (config.bring_up) {
    if (const std::optional<SystemError> error = udp.open()) return Error{error->message};
  }
  Result<Tun> tun = config.tun_fd >= 0
                        ? Tun::adopt(FileDescriptor(config.tun_fd), config.mtu, config.bring_up, config.offloads)
                        : Tun::create(config.interface, config.mtu, config.bring_up, config.offloads);
  if (!tun) return tun.error();
  try {
    return std::unique_ptr<Backend>(
        std::make_unique<UserspaceBackend>(config, std::move(*tun), std::move(udp), std::move(key_log)));
  } catch (const std::invalid_argument& error) {
    return Error{error.what()};
  } catch (const std::system_error& error) {
    return Error{fmt::format("the engine cannot start: {}", error.what())};
  }
}

}  // namespace starling::wg
