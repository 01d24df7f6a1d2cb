// The way out: inner packets from the TUN and control packets from the owner, to a peer, sealed in place, sent in
// batches. Nothing waits for a batch to fill: flush() follows whatever was readable.
// What finds no session waits with its peer while the Device shakes hands (whitepaper §6.1).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "wg/io/engine_context.h"

namespace starling::wg {

class Transmitter {
 public:
  explicit Transmitter(EngineContext& context);
  ~Transmitter();

  // At most one batch of packets from the TUN, sent before it returns.
  void read_tun(Now now);

  // An inner packet of the routing protocol, ahead of all data that waits. Sent by the next flush().
  void send_control(Now now, PeerPath& peer, Bytes payload);
  void send_keepalive(Now now, PeerPath& peer);
  void send_handshake(Now now, const DeviceOutbox::Datagram& datagram);
  // A session is there: what waited goes out, control packets first. False if nothing waited.
  bool send_staged(Now now, PeerPath& peer);
  // What waits is given up, for this reason.
  void drop_staged(Now now, PeerPath& peer, DropReason reason);
  void drop_staged_control(PeerPath& peer, DropReason reason);  // without telling anyone: they are repeated

  // Sends what is sealed and tells the Device. The Device's outbox may have something afterwards.
  void flush(Now now);

 private:
  struct Batch;
  enum class Kind : std::uint8_t { data, control, keepalive };

  void route(Now now, MutableBytes slot, std::size_t size);
  void send_inner(Now now, PeerPath& peer, Kind kind, std::size_t size);
  bool seal(Now now, PeerPath& peer, Kind kind, std::size_t size);
  void stage(Now now, PeerPath& peer, Kind kind, Bytes packet);
  bool is_our_own_underlay(Bytes packet, const IpAddress& source, const IpAddress& destination);
  MutableBytes next_slot(Now now);
  static std::uint8_t outer_traffic_class(Kind kind, Bytes packet);
  std::optional<LocalAddress> source_for(const DeviceOutbox::Datagram& datagram);
  void note_outcome(Now now);

  EngineContext& context_;
  std::unique_ptr<Batch> batch_;
  std::vector<std::uint8_t> before_sealing_;  // an inner packet, for a capture; kept for its memory
};

}  // namespace starling::wg
