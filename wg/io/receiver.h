// The way in: datagrams from the sockets to the Device (handshakes), or opened in place, checked and written to the TUN
// (data), or handed to the owner (control packets).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "wg/io/engine_context.h"
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

  Receiver(EngineContext& context, DeviceDriver& driver) : context_(context), driver_(driver) {}

  // At most one batch of datagrams. False if there was none.
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

  void judge_backlog(Now now, Family family, std::span<const ReceivedDatagram> datagrams);
  void on_handshake(Now now, const ReceivedDatagram& datagram);
  void note_source(PeerId peer, const std::optional<LocalAddress>& local);
  void on_data(Now now, const ReceivedDatagram& datagram);
  void note_received(const SessionPtr& session, const ReceivedDatagram& datagram, bool keepalive);
  void report_received(Now now);
  void report_lost(Now now);
  void deliver(Now now, PeerPath& peer, MutableBytes plaintext, std::uint8_t outer_traffic_class);
  void write_tun(Now now, PeerPath& peer, const InnerPacket& inner, Bytes packet);
  // True if the packet was a control packet, good or bad.
  bool deliver_control(Now now, PeerPath& peer, Bytes packet);
  bool passes_filter(Now now, PeerPath& peer, const InnerPacket& inner, Bytes packet);
  bool came_through_our_tun(const ReceivedDatagram& datagram) const {
    return datagram.interface_index != 0 && datagram.interface_index == context_.tun_index;
  }

  EngineContext& context_;
  DeviceDriver& driver_;
  std::unordered_map<std::uint32_t, SessionPtr> sessions_;  // by receiver index
  std::vector<Received> received_;
  std::array<bool, 2> handshakes_filled_batch_{};  // the last one of each family
};

}  // namespace starling::wg
