#include "wg/io/transmitter.h"

#include <array>
#include <cstring>
#include <optional>

#include "wg/io/underlay_loop.h"
#include "wg/protocol/ecn.h"
#include "wg/protocol/inner_packet.h"
#include "wg/protocol/messages.h"

namespace starling::wg {
namespace {

// Room for the header before the packet and for padding and tag behind it, so that it is sealed where it was read.
constexpr std::size_t kInnerSizeMax = 65535;  // bytes
constexpr std::size_t kSlotSize = 65536 + 192;
static_assert(kSlotSize >= kDataHeaderSize + kInnerSizeMax + kPaddingMultiple + kDataTagSize);
static_assert(kSlotSize % 64 == 0 && kSlotSize % 4096 != 0, "aligned, and not all in the same cache sets");

}  // namespace

struct Transmitter::Batch {
  struct Entry {
    std::size_t size = 0;  // bytes, from the beginning of the slot
    Endpoint to;
    std::optional<LocalAddress> source;
    std::uint8_t traffic_class = 0;
    PeerId peer = kNoPeer;
    SessionPtr session;  // null: a handshake message
    bool has_payload = false;
  };
  struct Sent {
    SessionPtr session;
    bool keepalives_only = true;
  };

  // Not initialised: pages that no packet reaches take no memory.
  const std::unique_ptr<std::uint8_t[]> memory = std::make_unique_for_overwrite<std::uint8_t[]>(kBatchSize * kSlotSize);
  std::array<Entry, kBatchSize> entries;
  std::size_t size = 0;
  std::array<OutgoingDatagram, kBatchSize> datagrams;
  SendOutcome outcome;
  std::vector<Sent> sent;

  MutableBytes slot(std::size_t index) { return {memory.get() + index * kSlotSize, kSlotSize}; }
  void count_sent(PeerTable& peers);
  void note_sent(const Entry& entry);
};

// Of data; handshakes are the Device's to count.
void Transmitter::Batch::count_sent(PeerTable& peers) {
  for (std::size_t i = 0; i < size; ++i) {
    Entry& entry = entries[i];
    if (entry.session == nullptr) continue;
    if (PeerPath* const peer = peers.find(entry.peer); peer != nullptr && entry.size != 0) {
      peer->tx_bytes += entry.size;
      if (entry.has_payload) ++peer->tx_packets;
    }
    note_sent(entry);
    entry.session.reset();
  }
}

void Transmitter::Batch::note_sent(const Entry& entry) {
  for (std::size_t i = sent.size(); i-- > 0;) {
    if (sent[i].session != entry.session) continue;
    sent[i].keepalives_only = sent[i].keepalives_only && !entry.has_payload;
    return;
  }
  sent.push_back({entry.session, !entry.has_payload});
}

Transmitter::Transmitter(EngineContext& context) : context_(context), batch_(std::make_unique<Batch>()) {
  batch_->outcome.failures.reserve(kBatchSize);
  batch_->sent.reserve(kBatchSize);
}

Transmitter::~Transmitter() = default;

MutableBytes Transmitter::next_slot(Now now) {
  if (batch_->size == kBatchSize) flush(now);
  return batch_->slot(batch_->size);
}

void Transmitter::read_tun(Now now) {
  for (std::size_t i = 0; i < kBatchSize; ++i) {
    const MutableBytes slot = next_slot(now);
    std::size_t size = 0;
    const TunStatus status = context_.tun.read(slot.subspan(kDataHeaderSize, kInnerSizeMax), size);
    if (status == TunStatus::gone) context_.tun_gone = true;
    if (status == TunStatus::would_block || status == TunStatus::gone) break;
    if (status == TunStatus::ok) route(now, slot, size);
    if (status == TunStatus::unreadable) context_.drop(now, kNoPeer, DropReason::egress_not_ip);
  }
  flush(now);
}

void Transmitter::route(Now now, MutableBytes slot, std::size_t size) {
  const MutableBytes packet = slot.subspan(kDataHeaderSize, size);
  const std::optional<InnerPacket> inner = parse_inner_packet(packet, context_.flow_hash_seed);
  if (!inner) {
    context_.capture(PacketDirection::outbound, nullptr, packet, false, DropReason::egress_not_ip);
    return context_.drop(now, kNoPeer, DropReason::egress_not_ip);
  }
  const IpAddress& destination = inner->destination;
  if (is_our_own_underlay(packet, inner->source, destination)) {
    context_.capture(PacketDirection::outbound, nullptr, packet, false, DropReason::underlay_loop);
    return context_.drop(now, kNoPeer, DropReason::underlay_loop, destination);
  }
  const bool reserved = context_.is_reserved(destination) || context_.is_reserved(inner->source);
  const PeerId owner = reserved ? kNoPeer : context_.egress.get().lookup(destination, inner->flow_hash);
  PeerPath* const peer = context_.peers.find(owner);
  if (peer == nullptr) {
    // The kernel's own chatter (neighbour discovery, multicast listeners) has no peer to go to and is nobody's mistake.
    if (destination.is_multicast()) return context_.drops.count_silently(kNoPeer, DropReason::egress_multicast);
    context_.capture(PacketDirection::outbound, nullptr, packet, false, DropReason::egress_no_route);
    return context_.drop(now, kNoPeer, DropReason::egress_no_route, destination);
  }
  send_inner(now, *peer, Kind::data, size);
}

bool Transmitter::is_our_own_underlay(Bytes packet, const IpAddress& source, const IpAddress& destination) {
  const std::optional<UdpPorts> ports = wireguard_ports(packet);
  if (!ports || ports->source != context_.udp.port()) return false;
  bool to_a_peer = false;
  context_.peers.for_each([&](const PeerPath& peer) {
    to_a_peer = to_a_peer ||
                (peer.endpoint && peer.endpoint->address == destination && peer.endpoint->port == ports->destination);
  });
  return to_a_peer && is_local_address(source);
}

// The packet lies in the next slot behind room for the header.
void Transmitter::send_inner(Now now, PeerPath& peer, Kind kind, std::size_t size) {
  const Bytes packet = batch_->slot(batch_->size).subspan(kDataHeaderSize, size);
  const bool captured = context_.captures.is_active();
  if (captured) before_sealing_.assign(packet.begin(), packet.end());
  if (seal(now, peer, kind, size)) {
    if (captured) context_.capture(PacketDirection::outbound, &peer, before_sealing_, kind == Kind::control);
    return;
  }
  stage(now, peer, kind, batch_->slot(batch_->size).subspan(kDataHeaderSize, size));
  context_.device.on_packet_staged(now, peer.id);
}

bool Transmitter::seal(Now now, PeerPath& peer, Kind kind, std::size_t size) {
  if (!peer.can_send()) return false;
  const MutableBytes slot = batch_->slot(batch_->size);
  const std::uint8_t traffic_class = outer_traffic_class(kind, slot.subspan(kDataHeaderSize, size));
  const std::size_t padded = padded_size(size, context_.mtu);
  std::memset(slot.data() + kDataHeaderSize + size, 0, padded - size);
  const std::size_t message_size = padded + kDataOverhead;
  if (peer.session->seal(now.monotonic, slot.first(message_size)) != SealResult::ok) {
    peer.session.reset();
    return false;
  }
  batch_->entries[batch_->size++] = {message_size, *peer.endpoint,         peer.source, traffic_class, peer.id,
                                     peer.session, kind != Kind::keepalive};
  return true;
}

// The inner DSCP stays inside: it would tell the underlay what kind of traffic a tunnel carries.
std::uint8_t Transmitter::outer_traffic_class(Kind kind, Bytes packet) {
  switch (kind) {
    case Kind::data: return ecn_for_outer(packet);
    case Kind::control: return kControlTrafficClass;
    case Kind::keepalive: break;
  }
  return 0;
}

void Transmitter::stage(Now now, PeerPath& peer, Kind kind, Bytes packet) {
  if (kind == Kind::keepalive) return;
  // Nobody knows for how long: what is sent now would be of no use by then. Control packets may wait, the newest few.
  if (kind == Kind::data && !peer.endpoint) {
    context_.capture(PacketDirection::outbound, &peer, packet, false, DropReason::no_endpoint);
    return context_.drop(now, peer.id, DropReason::no_endpoint);
  }
  auto& queue = kind == Kind::control ? peer.staged_control : peer.staged;
  const std::size_t limit = kind == Kind::control ? kControlStagedLimit : kMaxStagedPackets;
  if (queue.size() == limit) {
    const bool is_control = kind == Kind::control;
    context_.capture(PacketDirection::outbound, &peer, queue.front(), is_control,
                     is_control ? DropReason::control_superseded : DropReason::staged_overflow);
    queue.pop_front();
    // Control packets are repeated by whoever sends them: that older ones go is no loss to tell a person about.
    if (kind == Kind::control) context_.drops.count_silently(peer.id, DropReason::control_superseded);
    if (kind == Kind::data) context_.drop(now, peer.id, DropReason::staged_overflow);
  }
  queue.emplace_back(packet.begin(), packet.end());
}

void Transmitter::send_control(Now now, PeerPath& peer, Bytes payload) {
  const std::vector<std::uint8_t> packet = make_control_packet(context_.control_channel(peer), payload);
  const MutableBytes slot = next_slot(now);
  std::memcpy(slot.data() + kDataHeaderSize, packet.data(), packet.size());
  send_inner(now, peer, Kind::control, packet.size());
}

void Transmitter::send_keepalive(Now now, PeerPath& peer) {
  (void)next_slot(now);
  (void)seal(now, peer, Kind::keepalive, 0);  // without a session there is nothing to keep alive
}

void Transmitter::send_handshake(Now now, const DeviceOutbox::Datagram& datagram) {
  const MutableBytes slot = next_slot(now);
  std::memcpy(slot.data(), datagram.bytes.data(), datagram.bytes.size());
  batch_->entries[batch_->size++] = {
      datagram.bytes.size(), datagram.to, source_for(datagram), kHandshakeTrafficClass, datagram.peer, nullptr, false};
}

std::optional<LocalAddress> Transmitter::source_for(const DeviceOutbox::Datagram& datagram) {
  if (context_.answering && context_.answering->from == datagram.to) return context_.answering->local;
  const PeerPath* const peer = context_.peers.find(datagram.peer);
  return peer != nullptr && peer->endpoint == datagram.to ? peer->source : std::nullopt;
}

bool Transmitter::send_staged(Now now, PeerPath& peer) {
  if (!peer.has_staged()) return false;
  const auto send_all = [&](std::deque<std::vector<std::uint8_t>>& queue, Kind kind) {
    while (!queue.empty() && peer.can_send()) {
      const MutableBytes slot = next_slot(now);
      const std::vector<std::uint8_t>& packet = queue.front();
      std::memcpy(slot.data() + kDataHeaderSize, packet.data(), packet.size());
      if (!seal(now, peer, kind, packet.size())) continue;
      context_.capture(PacketDirection::outbound, &peer, packet, kind == Kind::control);
      queue.pop_front();
    }
  };
  send_all(peer.staged_control, Kind::control);
  send_all(peer.staged, Kind::data);
  if (peer.has_staged()) context_.device.on_packet_staged(now, peer.id);  // the session expired under way
  return true;
}

void Transmitter::drop_staged(Now now, PeerPath& peer, DropReason reason) {
  for (const std::vector<std::uint8_t>& packet : peer.staged) {
    context_.capture(PacketDirection::outbound, &peer, packet, false, reason);
    peer.endpoint ? context_.drop(now, peer.id, reason, *peer.endpoint) : context_.drop(now, peer.id, reason);
  }
  peer.staged.clear();
  drop_staged_control(peer, reason);
}

void Transmitter::drop_staged_control(PeerPath& peer, DropReason reason) {
  for (const std::vector<std::uint8_t>& packet : peer.staged_control) {
    context_.capture(PacketDirection::outbound, &peer, packet, true, reason);
    context_.drops.count_silently(peer.id, reason);
  }
  peer.staged_control.clear();
}

void Transmitter::note_outcome(Now now) {
  for (const std::size_t index : batch_->outcome.sources_refused) {
    if (PeerPath* const peer = context_.peers.find(batch_->entries[index].peer)) peer->source.reset();
  }
  for (const SendOutcome::Failure& failure : batch_->outcome.failures) {
    Batch::Entry& entry = batch_->entries[failure.index];
    context_.drop(now, {entry.peer, DropReason::send_failed, 1, entry.to.address, entry.to.port, failure.error});
    entry.size = 0;  // not to be counted as sent
  }
}

void Transmitter::flush(Now now) {
  Batch& batch = *batch_;
  if (batch.size == 0) return;
  for (std::size_t i = 0; i < batch.size; ++i) {
    const Batch::Entry& entry = batch.entries[i];
    batch.datagrams[i] = {batch.slot(i).first(entry.size), entry.to, entry.source, entry.traffic_class};
  }
  batch.outcome.clear();
  context_.udp.send({batch.datagrams.data(), batch.size}, batch.outcome);
  note_outcome(now);
  batch.count_sent(context_.peers);
  batch.size = 0;
  for (const Batch::Sent& sent : batch.sent) context_.device.on_data_sent(now, sent.session, sent.keepalives_only);
  batch.sent.clear();
}

}  // namespace starling::wg
