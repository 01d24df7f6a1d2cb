// The way out: inner packets from the TUN (or from another tunnel) and control packets from the owner, to a peer,
// sealed and sent in batches. Nothing waits for a batch to fill: flush() follows whatever was readable. What finds no
// session waits with its peer while the Device shakes hands (whitepaper §6.1).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "wg/io/engine_context.h"
#include "wg/io/outgoing_batch.h"
#include "wg/io/seal_work.h"
#include "wg/protocol/icmp_error.h"
#include "wg/protocol/inner_packet.h"

namespace starling::wg {

class Transmitter {
 public:
  explicit Transmitter(EngineContext& context);

  // What the TUN has, up to a few batches, sent before it returns. True if it may have more.
  bool read_tun(Now now);

  // A packet of another tunnel that goes on by this one. It is the beginning of `plaintext`, the message that it came
  // in less header and tag, which is sealed where it lies, and must stay until the next flush().
  void forward(Now now, PeerPath& peer, MutableBytes plaintext, std::size_t size);
  // An ICMP error for a packet that came by a tunnel and does not go on, by the tunnel that leads to its source.
  void answer(Now now, IcmpError kind, const InnerPacket& offender, Bytes packet);

  // An inner packet of the routing protocol, ahead of all data that waits, or as data goes, to try that way: not
  // without a session. Sent by the next flush().
  void send_control(Now now, PeerPath& peer, Bytes payload, bool as_data);
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
  enum class Kind : std::uint8_t { data, control, probe, keepalive };

  bool fill(Now now, SealWork& work);
  void route(Now now, SealWork& work, const VirtioHeader& header, MutableBytes packet);
  void send_inner(Now now, PeerPath& peer, SealWork& work, const VirtioHeader& header, MutableBytes packet);
  void refuse(Now now, const InnerPacket& inner, Bytes packet);
  void send_loose(Now now, PeerPath& peer, Kind kind, Bytes packet);
  bool seal_loose(Now now, PeerPath& peer, Kind kind, Bytes packet);
  void stage(Now now, PeerPath& peer, Kind kind, Bytes packet);
  bool is_our_own_underlay(Bytes packet, const IpAddress& source, const IpAddress& destination);
  MutableBytes allocate(Now now, std::size_t size);
  static std::uint8_t outer_traffic_class(Kind kind, Bytes packet);
  static Envelope envelope_of(const PeerPath& peer, Kind kind, Bytes packet);
  std::optional<LocalAddress> source_for(const DeviceOutbox::Datagram& datagram);

  EngineContext& context_;
  std::vector<SealWork*> works_;              // as many as are begun before the first is finished
  OutgoingBatch loose_;                       // one by one: handshakes, control packets, what waited
  std::vector<std::uint8_t> control_packet_;  // being sent; kept for its memory
  OutgoingBatch forwarded_;                   // sealed where they were received
};

}  // namespace starling::wg
