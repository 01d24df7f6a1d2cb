// The way in: datagrams from the sockets to the Device (handshakes), or opened in place, checked and written to the TUN
// (data), passed on to another tunnel (transit), or handed to the owner (control packets).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "wg/io/engine_context.h"
#include "wg/io/open_work.h"
#include "wg/io/transmitter.h"
#include "wg/io/tun_writer.h"
#include "wg/protocol/control_packet.h"
#include "wg/protocol/inner_packet.h"

namespace starling::wg {

class Receiver {
 public:
  // Whatever the Device wants done after a handshake message is done before the next datagram is looked at: the data
  // behind a response needs the session that the response makes.
  class DeviceDriver {
   public:
    virtual ~DeviceDriver() = default;
    virtual void drain_device(Now now) = 0;
  };

  Receiver(EngineContext& context, Transmitter& transmitter, DeviceDriver& driver);

  // One batch of datagrams. True if there may be more.
  bool receive(Now now, Family family);

  void install(const SessionPtr& session) { sessions_[session->local_index()] = session; }
  void retire(std::uint32_t local_index) { sessions_.erase(local_index); }

 private:
  // Data opened since the Device was last told, of one session.
  struct Received {
    SessionPtr session;
    std::optional<Endpoint> from;
    std::optional<LocalAddress> local;
    bool keepalives_only = true;
  };

  void judge_backlog(Now now, Family family, const DatagramReceiver::Batch& batch);
  void on_handshake(Now now, const ReceivedDatagrams& arrival, Bytes datagram);
  void note_source(PeerId peer, const std::optional<LocalAddress>& local);
  void on_data(Now now, const ReceivedDatagrams& arrival, MutableBytes message);
  void begin_work(Now now, const OpenWork::Message& message, const AeadJob& job);
  void finish_works(Now now);
  void on_opened(Now now, const OpenWork::Message& message, const AeadJob& job);
  void note_received(const SessionPtr& session, const ReceivedDatagrams& arrival, bool keepalive);
  void report_received(Now now);
  void report_lost(Now now);
  void deliver(Now now, PeerPath& peer, MutableBytes plaintext, std::uint8_t outer_traffic_class);
  // True if the packet is on its way to another peer, or was answered with an error; false: the kernel's.
  bool forward(Now now, PeerPath& from, const InnerPacket& inner, MutableBytes plaintext);
  void deliver_control(Now now, PeerPath& peer, const ParsedControlPacket& control);
  bool passes_filter(Now now, PeerPath& peer, const InnerPacket& inner, Bytes packet);
  bool came_through_our_tun(const ReceivedDatagrams& arrival) const {
    return arrival.interface_index != 0 && arrival.interface_index == context_.tun_index;
  }

  EngineContext& context_;
  Transmitter& transmitter_;
  DeviceDriver& driver_;
  TunWriter tun_writer_;
  std::vector<OpenWork*> works_;
  std::size_t begun_ = 0;                                   // works that hold something
  std::unordered_map<std::uint32_t, SessionPtr> sessions_;  // by receiver index
  std::vector<Received> received_;
  std::array<std::size_t, 2> handshakes_waiting_{};  // read in full batches without a break, of each family
};

}  // namespace starling::wg
