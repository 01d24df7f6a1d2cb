#include "wg/io/transmitter.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "wg/io/underlay_loop.h"
#include "wg/protocol/ecn.h"
#include "wg/protocol/messages.h"

namespace starling::wg {
namespace {

constexpr std::size_t kInnerSizeMax = 65535;   // bytes
constexpr std::size_t kLooseSize = 128 << 10;  // bytes, after which it is sent
static_assert(kLooseSize >= kDataOverhead + kInnerSizeMax + kPaddingMultiple);
// Packets of one flow go through the other end of the tunnel while the next are read: turns are short.
constexpr std::size_t kBatchesAtOnce = 4;

}  // namespace

Transmitter::Transmitter(EngineContext& context) : context_(context), loose_(kLooseSize, false), forwarded_(0, true) {
  while (works_.size() < context.workers.pieces_at_once()) works_.push_back(&context.workers.make<SealWork>());
}

MutableBytes Transmitter::allocate(Now now, std::size_t size) {
  if (loose_.is_full() || kLooseSize - loose_.used() < size) loose_.send(now, context_);
  return loose_.allocate(size);
}

// What is read into one batch is sealed by others while the next is read; sent in order.
bool Transmitter::read_tun(Now now) {
  flush(now);  // what came first goes first
  const bool captured = context_.captures.is_active();
  bool more = true;
  for (std::size_t batch = 0; more && batch < kBatchesAtOnce; batch += works_.size()) {
    std::size_t used = 0;
    while (more && used < works_.size()) {
      SealWork& work = *works_[used];
      work.capture_with(captured ? &context_ : nullptr);
      more = fill(now, work);
      if (work.empty()) break;
      ++used;
      if (more && used < works_.size() && !captured) context_.workers.post(work);
    }
    for (std::size_t i = 0; i < used; ++i) {
      context_.workers.finish(*works_[i]);
      works_[i]->send(now, context_);
    }
  }
  flush(now);
  return more;
}

// False once nothing is left to read.
bool Transmitter::fill(Now now, SealWork& work) {
  for (MutableBytes room = work.room(); !room.empty(); room = work.room()) {
    VirtioHeader header;
    std::size_t size = 0;
    const TunStatus status = context_.tun.read(room, header, size);
    if (status == TunStatus::gone) context_.tun_gone = true;
    if (status == TunStatus::would_block || status == TunStatus::gone) return false;
    if (status == TunStatus::ok) route(now, work, header, room.first(size));
    if (status == TunStatus::unreadable) context_.drop(now, kNoPeer, DropReason::egress_not_ip);
  }
  return true;
}

void Transmitter::route(Now now, SealWork& work, const VirtioHeader& header, MutableBytes packet) {
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
  if (peer == nullptr) return refuse(now, *inner, packet);
  send_inner(now, *peer, work, header, packet);
}

// A packet that no peer owns. Whoever sent it is told, by the address that it was for: one of our own would be taken
// for a forgery by our own kernel.
void Transmitter::refuse(Now now, const InnerPacket& inner, Bytes packet) {
  const IpAddress& destination = inner.destination;
  // The kernel's own chatter (neighbour discovery, multicast listeners) has no peer to go to and is nobody's mistake.
  if (destination.is_multicast()) return context_.drops.count_silently(kNoPeer, DropReason::egress_multicast);
  context_.capture(PacketDirection::outbound, nullptr, packet, false, DropReason::egress_no_route);
  context_.drop(now, kNoPeer, DropReason::egress_no_route, destination);
  if (!context_.local_errors.available(now.monotonic)) return;
  std::array<std::uint8_t, kIcmpErrorSizeMax> error;
  const auto size = make_icmp_error(IcmpError::address_unreachable, packet, destination, 0, error);
  if (!size) return;
  context_.local_errors.charge(now.monotonic);
  (void)context_.tun.write(Bytes(error).first(*size));
}

void Transmitter::send_inner(Now now, PeerPath& peer, SealWork& work, const VirtioHeader& header, MutableBytes packet) {
  std::optional<Segmentation> plan = Segmentation::plan(header, packet);
  if (!plan || SealWork::messages_size(*plan, context_.mtu) > SealWork::kMessagesSizeMax) {
    context_.capture(PacketDirection::outbound, &peer, packet, false, DropReason::egress_not_ip);
    return context_.drop(now, peer.id, DropReason::egress_not_ip);
  }
  if (peer.can_send()) {
    const std::optional<std::uint64_t> counter = peer.session->reserve(now.monotonic, plan->count());
    if (counter) {
      context_.note_sent(now, peer, true);
      return work.add(*plan, packet.size(), *counter, envelope_of(peer, Kind::data, packet), context_.mtu);
    }
    peer.session.reset();
  }
  for (std::size_t i = 0; i < plan->count(); ++i) stage(now, peer, Kind::data, plan->next());
  context_.device.on_packet_staged(now, peer.id);
}

void Transmitter::forward(Now now, PeerPath& peer, MutableBytes plaintext, std::size_t size) {
  const Bytes packet = plaintext.first(size);
  context_.capture(PacketDirection::outbound, &peer, packet, false);
  const std::optional<std::uint64_t> counter = peer.can_send() ? peer.session->reserve(now.monotonic, 1) : std::nullopt;
  if (!counter) {
    if (peer.can_send()) peer.session.reset();
    stage(now, peer, Kind::data, packet);
    return context_.device.on_packet_staged(now, peer.id);
  }
  if (forwarded_.is_full()) forwarded_.send(now, context_);
  // No longer than it came, so that it has room; what the sender padded it with stays with the sender.
  const std::size_t padded = std::min(padded_size(size, context_.mtu), plaintext.size());
  std::memset(plaintext.data() + size, 0, padded - size);
  const Envelope envelope = envelope_of(peer, Kind::data, packet);
  const MutableBytes message(plaintext.data() - kDataHeaderSize, padded + kDataOverhead);
  const AeadJob job = peer.session->seal_job(*counter, plaintext.first(padded), message);
  context_.workers.aead().seal({&job, 1});
  forwarded_.add(envelope, message, message.size());
  context_.note_sent(now, peer, true);
}

void Transmitter::answer(Now now, IcmpError kind, const InnerPacket& offender, Bytes packet) {
  const std::optional<IpAddress> source = context_.transit.get().error_source(offender.source.family());
  if (!source || !context_.transit_errors.available(now.monotonic)) return;
  PeerPath* const peer = context_.peers.find(context_.egress.get().lookup(offender.source, offender.flow_hash));
  if (peer == nullptr) return;
  std::array<std::uint8_t, kIcmpErrorSizeMax> error;
  const auto size = make_icmp_error(kind, packet, *source, static_cast<std::uint32_t>(context_.mtu), error);
  if (!size) return;
  context_.transit_errors.charge(now.monotonic);
  send_loose(now, *peer, Kind::data, Bytes(error).first(*size));
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

// One of few: not from the TUN, so not in a batch of its packets.
void Transmitter::send_loose(Now now, PeerPath& peer, Kind kind, Bytes packet) {
  if (seal_loose(now, peer, kind, packet)) {
    return context_.capture(PacketDirection::outbound, &peer, packet, kind == Kind::control);
  }
  stage(now, peer, kind, packet);
  context_.device.on_packet_staged(now, peer.id);
}

bool Transmitter::seal_loose(Now now, PeerPath& peer, Kind kind, Bytes packet) {
  if (!peer.can_send()) return false;
  const std::optional<std::uint64_t> counter = peer.session->reserve(now.monotonic, 1);
  if (!counter) {
    peer.session.reset();
    return false;
  }
  const std::size_t padded = padded_size(packet.size(), context_.mtu);
  const MutableBytes message = allocate(now, padded + kDataOverhead);
  const MutableBytes plaintext = message.subspan(kDataHeaderSize, padded);
  std::copy(packet.begin(), packet.end(), plaintext.begin());  // a keepalive's is empty
  std::memset(plaintext.data() + packet.size(), 0, padded - packet.size());
  const AeadJob job = peer.session->seal_job(*counter, plaintext, message);
  context_.workers.aead().seal({&job, 1});
  loose_.add(envelope_of(peer, kind, packet), message, message.size());
  if (kind == Kind::data || kind == Kind::keepalive) context_.note_sent(now, peer, kind == Kind::data);
  return true;
}

Envelope Transmitter::envelope_of(const PeerPath& peer, Kind kind, Bytes packet) {
  return {*peer.endpoint, peer.source,  outer_traffic_class(kind, packet),
          peer.id,        peer.session, kind != Kind::keepalive};
}

// The inner DSCP stays inside: it would tell the underlay what kind of traffic a tunnel carries.
std::uint8_t Transmitter::outer_traffic_class(Kind kind, Bytes packet) {
  switch (kind) {
    case Kind::data:
    case Kind::probe: return ecn_for_outer(packet);
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

void Transmitter::send_control(Now now, PeerPath& peer, Bytes payload, bool as_data) {
  write_control_packet(context_.control_channel(peer), payload, control_packet_);
  if (!as_data) return send_loose(now, peer, Kind::control, control_packet_);
  if (seal_loose(now, peer, Kind::probe, control_packet_))
    context_.capture(PacketDirection::outbound, &peer, control_packet_, true);
}

void Transmitter::send_keepalive(Now now, PeerPath& peer) {
  (void)seal_loose(now, peer, Kind::keepalive, {});  // without a session there is nothing to keep alive
}

void Transmitter::send_handshake(Now now, const DeviceOutbox::Datagram& datagram) {
  const MutableBytes message = allocate(now, datagram.bytes.size());
  std::memcpy(message.data(), datagram.bytes.data(), datagram.bytes.size());
  loose_.add({datagram.to, source_for(datagram), kHandshakeTrafficClass, datagram.peer, nullptr, false}, message,
             message.size());
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
      const std::vector<std::uint8_t>& packet = queue.front();
      if (!seal_loose(now, peer, kind, packet)) continue;
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

void Transmitter::flush(Now now) {
  loose_.send(now, context_);
  forwarded_.send(now, context_);
}

}  // namespace starling::wg
