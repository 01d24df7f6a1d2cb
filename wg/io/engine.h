// One interface's engine: a loop over the TUN, the sockets, the owner's commands and one timer, on a thread of its own.
// It owns the Device and turns what the Device asks for into packets. Source of the protocol: wg/protocol/device.h.
//
// While the interface is up its UDP port is bound; while it is down there are no sockets, sessions or timers.
//
// One turn of the loop: datagrams first, then commands (control packets go ahead of data), then the TUN, then timers.
// What a turn produces is sent before the turn ends. Waking a thread costs more than a packet: so an owner with
// something to send has a turn on its own thread while the engine's rests. A mutex sees to it that there is one turn at
// a time.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file_descriptor.h"
#include "base/timer_fd.h"
#include "wg/io/command_queue.h"
#include "wg/io/engine_context.h"
#include "wg/io/key_log.h"
#include "wg/io/link_watch.h"
#include "wg/io/processor_watch.h"
#include "wg/io/receiver.h"
#include "wg/io/route_watch.h"
#include "wg/io/transmitter.h"

namespace starling::wg {

class Engine final : private Receiver::DeviceDriver {
 public:
  // std::system_error if the kernel gives no epoll or timer. `commands` outlives the engine.
  Engine(const BackendConfig& config, Tun tun, UdpSockets udp, std::optional<KeyLog> key_log, const EgressCell& egress,
         const IngressCell& ingress, const TransitCell& transit, NotificationQueue& notifications,
         CommandQueue& commands);

  // The thread's function: returns after a command called stop().
  void run();
  // Does what commands ask for, and then this one, on the caller's thread, if the engine's own rests; false, and
  // nothing is done, if it does not.
  bool try_turn(const CommandQueue::Command& command = {});
  void stop() { stopping_ = true; }
  // Any thread: the longest since this was last asked that something waited for the engine's thread, which may have no
  // processor: a command, a timer, packets that were there when its last turn ended.
  Duration take_lateness() { return Duration(lateness_.exchange(0, std::memory_order_relaxed)); }

  // From commands, by whoever has the turn.
  void start();  // no packet is taken in before it

  PeerId add_peer(Now now, const PeerConfig& config);  // kNoPeer if the key is there already, or our own
  void remove_peer(Now now, PeerId peer);
  void set_endpoint(Now now, PeerId peer, const Endpoint& endpoint);
  void set_preshared_key(Now now, PeerId peer, const SecretKey& key) {
    context_.device.set_preshared_key(now, peer, key);
  }
  void set_persistent_keepalive(Now now, PeerId peer, std::uint16_t interval_s) {
    context_.device.set_persistent_keepalive(now, peer, interval_s);
  }
  void set_private_key(Now now, const SecretKey& key);
  std::optional<SystemError> set_listen_port(Now now, std::uint16_t port);
  std::optional<SystemError> set_fwmark(std::uint32_t mark);
  void send_control(Now now, std::span<const ControlPacket> packets);
  std::optional<Error> start_capture(FileDescriptor stream, const CaptureOptions& options) {
    return context_.captures.start(std::move(stream), options, link_.state().name);
  }
  // Sends what is sealed and takes in what the sockets hold, up to a limit that only a flood reaches.
  void catch_up(Now now);
  // Tells the owner when traffic last came from each peer, where that is news.
  void tell_heard(Now now);
  const PublicKey& public_key() const { return context_.device.public_key(); }
  BackendStatus status();

 private:
  void watch(int fd, std::uint32_t events);
  // What polls, and with what.
  struct Ready {
    int fd;
    std::uint32_t events;
  };
  void turn(Now now, std::span<const Ready> ready, const CommandQueue::Command& command = {});
  void drain_device(Now now) override;
  void apply(Now now, const DeviceOutbox& outbox);
  void on_established(Now now, const DeviceOutbox::Established& established);
  void on_roamed(Now now, const DeviceOutbox::Roamed& roamed);
  void forget_peer(Now now, PeerId peer);
  void write_key_log(Now now, const DeviceOutbox::KeyLogEntry& entry);
  void report_warnings(Now now);
  void report_drops(Now now);
  void report_unreachable(Now now);
  void report_tun_gone(Now now);
  void judge_traffic(Now now);
  void arm_timer(Now now);
  void note_lateness(Duration late);

  // The interface and the sockets that follow it (engine_link.cpp)
  void follow_link(Now now);
  void go_up(Now now);
  void go_down(Now now);
  void watch_sockets();
  void follow_underlay();
  void note_queue_drops(Now now);
  PeerStatus status_of(const PeerPath& peer) const;

  std::mutex turn_;  // held by whoever has the engine: its thread in each turn, or an owner that found it at rest
  std::atomic<bool> wants_turn_ = false;  // its thread waits for the former
  EngineContext context_;
  Transmitter transmitter_;
  Receiver receiver_;
  CommandQueue& commands_;
  std::optional<KeyLog> key_log_;
  LinkWatch link_;
  RouteWatch routes_;
  FileDescriptor epoll_;
  TimerFd timer_;
  Time timer_armed_ = kNever;
  Time last_turn_at_{};     // of its own thread
  bool left_work_ = false;  // that turn: there was more
  ProcessorWatch processors_;
  std::atomic<Duration::rep> lateness_ = 0;
  DeviceOutbox outbox_;  // what was drained; kept for its memory
  std::vector<DropReport> reports_;
  std::uint64_t queue_drops_ = 0;  // of the interface, as far as they are counted
  bool up_ = false;                // the interface, as far as it was followed
  bool started_ = false;
  bool stopping_ = false;
};

}  // namespace starling::wg
