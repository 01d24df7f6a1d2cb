// What the two packet paths (transmitter.h, receiver.h) and the engine's loop share: one interface's handshakes, peers,
// tables, sockets and drop counters. Engine's thread only, but for the two tables, which the owner replaces.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/ip.h"
#include "base/system.h"
#include "base/time.h"
#include "wg/drop_reason.h"
#include "wg/io/backend.h"
#include "wg/io/capture_set.h"
#include "wg/io/drop_log.h"
#include "wg/io/notification_queue.h"
#include "wg/io/peer_table.h"
#include "wg/io/snapshot_cell.h"
#include "wg/io/tun.h"
#include "wg/io/udp.h"
#include "wg/io/workers.h"
#include "wg/protocol/control_packet.h"
#include "wg/protocol/device.h"
#include "wg/protocol/egress_table.h"
#include "wg/protocol/ingress_filter.h"
#include "wg/protocol/link_local.h"
#include "wg/protocol/transit_table.h"

namespace starling::wg {

using EgressCell = SnapshotCell<EgressTable>;
using IngressCell = SnapshotCell<IngressFilter>;
using TransitCell = SnapshotCell<TransitTable>;

// Where a handshake message came from and to: the answer goes back the same way.
struct Arrival {
  Endpoint from;
  std::optional<LocalAddress> local;
};

struct EngineContext {
  EngineContext(const BackendConfig& config, Tun tun_device, UdpSockets sockets, const EgressCell& egress_cell,
                const IngressCell& ingress_cell, const TransitCell& transit_cell, NotificationQueue& queue)
      : device(config.private_key, random),
        workers(config.workers, config.aead),
        tun(std::move(tun_device)),
        udp(std::move(sockets)),
        egress(egress_cell),
        ingress(ingress_cell),
        transit(transit_cell),
        notifications(queue),
        mtu(static_cast<std::size_t>(config.mtu)),
        tun_index(tun.index()),
        control_port(config.control_port),
        control_can_wait(config.control_can_wait),
        link_local(link_local_address(device.public_key())),
        flow_hash_seed(random.u32()) {}

  void drop(Now now, const DropReport& what) { drops.record(now.monotonic, what); }
  void drop(Now now, PeerId peer, DropReason reason, const std::optional<IpAddress>& address = std::nullopt) {
    drop(now, {peer, reason, 1, address});
  }
  void drop(Now now, PeerId peer, DropReason reason, const Endpoint& outer) {
    drop(now, {peer, reason, 1, outer.address, outer.port});
  }
  // For whoever watches: an inner packet that was carried, or why it was not. `peer` null: none owns it.
  void capture(PacketDirection direction, const PeerPath* peer, Bytes packet, bool is_control,
               std::optional<DropReason> dropped = std::nullopt) {
    if (!captures.is_active()) return;
    captures.add({packet, direction, is_control, dropped, peer == nullptr ? nullptr : &peer->public_key});
  }
  // For the watch on traffic, where there is an owner to tell: data or a keepalive went to the peer, or came.
  void note_sent(Now now, PeerPath& peer, bool data) {
    if (!peer.control) return;
    peer.watch.on_sent(now.monotonic, data);
    watch_deadline = std::min(watch_deadline, peer.watch.next_deadline());
  }
  void note_heard(Now now, PeerPath& peer, bool data) {
    if (!peer.control) return;
    if (peer.watch.on_received(now.monotonic, data)) notify({now, HeardNotification{peer.id}}, peer.id);
    watch_deadline = std::min(watch_deadline, peer.watch.next_deadline());
  }
  // A full queue is counted; who would be told of it does not read.
  void notify(Notification notification, PeerId peer) {
    count_if_lost(notifications.push(std::move(notification)), peer);
  }
  void notify_control(Now now, PeerId peer, Bytes payload) {
    const bool can_wait = control_can_wait != nullptr && control_can_wait(payload);
    count_if_lost(notifications.push_control(now, peer, payload, can_wait), peer);
  }
  void count_if_lost(bool taken, PeerId peer) {
    if (!taken) drops.count_silently(peer, DropReason::queue_full);
  }
  // Where control packets are in use, link-local addresses are theirs alone: nothing else with one is carried, whatever
  // the tables say (a default route covers them too).
  bool is_reserved(const IpAddress& address) const {
    return control_port != 0 && address.is_v6() && address.is_link_local();
  }
  ControlChannel control_channel(const PeerPath& peer) const { return {link_local, peer.link_local, control_port}; }

  SystemRandom random;
  Device device;
  PeerTable peers;
  DropLog drops;
  CaptureSet captures;
  Workers workers;
  Tun tun;
  UdpSockets udp;
  EgressCell::Reader egress;
  IngressCell::Reader ingress;
  TransitCell::Reader transit;
  NotificationQueue& notifications;
  std::size_t mtu;          // bytes of an inner packet
  std::uint32_t tun_index;  // of our own interface; 0 while it is in another network namespace than the sockets
  const std::uint16_t control_port;  // 0: there are no control packets
  bool (*const control_can_wait)(Bytes payload);
  Time watch_deadline = kNever;  // no later than any peer's traffic watch wants to be looked at
  IpAddress link_local;          // ours
  const std::uint32_t flow_hash_seed;
  // ICMP errors: to this host for what no peer owns, and to others for what does not pass through. 50 at once, 1000/s.
  TokenBucket local_errors{50, std::chrono::milliseconds(1)};
  TokenBucket transit_errors{50, std::chrono::milliseconds(1)};
  std::optional<Arrival> answering;  // while a handshake message is dealt with
  bool tun_gone = false;
};

}  // namespace starling::wg
