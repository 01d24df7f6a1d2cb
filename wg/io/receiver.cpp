#include "wg/io/receiver.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "wg/protocol/ecn.h"
#include "wg/protocol/messages.h"

namespace starling::wg {
namespace {

constexpr std::uint8_t kProtocolIcmp = 1;

// Destination unreachable, time exceeded, parameter problem (RFC 792). `packet` is a whole IPv4 packet.
bool is_icmp_error(const InnerPacket& inner, Bytes packet) {
  const std::size_t header_size = std::size_t{packet[0] & 0x0fu} * 4;
  if (inner.protocol != kProtocolIcmp || packet.size() <= header_size) return false;
  const std::uint8_t type = packet[header_size];
  return type == 3 || type == 11 || type == 12;
}

std::uint32_t receiver_index(Bytes message) {
  ByteReader reader(message.subspan(kDataReceiverOffset));
  return reader.u32_le();
}

}  // namespace

bool Receiver::receive(Now now, Family family) {
  const std::span<ReceivedDatagram> datagrams = context_.udp.receive(family);
  judge_backlog(now, family, datagrams);
  for (const ReceivedDatagram& datagram : datagrams) {
    if (is_data_message(datagram.bytes)) {
      on_data(now, datagram);
    } else {
      on_handshake(now, datagram);
    }
  }
  report_received(now);
  report_lost(now);
  return !datagrams.empty();
}

// A full batch, half of it handshake messages or more, and the next one is the same: they come faster than they are
// read, however few that are a second on this machine. Data waits behind them in the same socket.
void Receiver::judge_backlog(Now now, Family family, std::span<const ReceivedDatagram> datagrams) {
  const auto handshakes = std::count_if(datagrams.begin(), datagrams.end(), [](const ReceivedDatagram& datagram) {
    return !is_data_message(datagram.bytes);
  });
  const bool filled = datagrams.size() == kBatchSize && static_cast<std::size_t>(handshakes) >= kBatchSize / 2;
  bool& filled_before = handshakes_filled_batch_[family == Family::ipv6 ? 1 : 0];
  if (filled && filled_before) context_.device.on_handshakes_piled_up(now);
  filled_before = filled;
}

void Receiver::report_lost(Now now) {
  const std::uint64_t lost = context_.udp.take_lost(false);
  if (lost > 0) context_.drop(now, {kNoPeer, DropReason::receive_overflow, lost});
}

void Receiver::on_handshake(Now now, const ReceivedDatagram& datagram) {
  // An initiation or response moves the peer's endpoint; one that came through our own tunnel would move it in there.
  if (came_through_our_tun(datagram)) {
    return context_.drop(now, kNoPeer, DropReason::underlay_loop, datagram.from);
  }
  report_received(now);
  driver_.drain_device(now);  // what is in the outbox then follows from this message alone
  context_.device.on_handshake_datagram(now, datagram.from, datagram.bytes);
  // Only an authenticated message is responded to or completes a handshake.
  const DeviceOutbox& outbox = context_.device.outbox();
  for (const DeviceOutbox::Datagram& answer : outbox.datagrams) {
    const bool is_response = answer.bytes.size() == sizeof(MessageResponse);  // a cookie reply proves nothing
    const PeerPath* const peer = context_.peers.find(answer.peer);
    // A known endpoint is not given up for an initiation, and neither is the address that belongs to it.
    const bool is_its_endpoint = peer != nullptr && peer->endpoint.value_or(datagram.from) == datagram.from;
    if (is_response && is_its_endpoint) note_source(answer.peer, datagram.local);
  }
  for (const DeviceOutbox::Established& established : outbox.established) note_source(established.peer, datagram.local);
  context_.answering = Arrival{datagram.from, datagram.local};
  driver_.drain_device(now);
  context_.answering.reset();
}

void Receiver::note_source(PeerId id, const std::optional<LocalAddress>& local) {
  if (PeerPath* const peer = context_.peers.find(id)) peer->source = local;
}

void Receiver::on_data(Now now, const ReceivedDatagram& datagram) {
  const MutableBytes message = datagram.bytes;
  const bool reserved_is_zero = message.size() >= 4 && message[1] == 0 && message[2] == 0 && message[3] == 0;
  if (message.size() < kDataOverhead || !reserved_is_zero) {
    return context_.drop(now, kNoPeer, DropReason::malformed, datagram.from);
  }
  const auto found = sessions_.find(receiver_index(message));
  if (found == sessions_.end()) {
    return context_.drop(now, kNoPeer, DropReason::unknown_receiver, datagram.from);
  }
  const SessionPtr& session = found->second;
  PeerPath* const peer = context_.peers.find(session->peer());
  if (peer == nullptr) return context_.drop(now, kNoPeer, DropReason::unknown_receiver, datagram.from);

  MutableBytes plaintext;
  switch (session->open(now.monotonic, message, plaintext)) {
    case OpenResult::ok: break;
    case OpenResult::too_short: return context_.drop(now, peer->id, DropReason::malformed, datagram.from);
    case OpenResult::decrypt_failed: return context_.drop(now, peer->id, DropReason::decrypt_failed, datagram.from);
    case OpenResult::replayed: return context_.drop(now, peer->id, DropReason::replayed, datagram.from);
    case OpenResult::expired: return context_.drop(now, peer->id, DropReason::session_expired, datagram.from);
  }
  peer->rx_bytes += message.size();
  note_received(session, datagram, plaintext.empty());
  if (!plaintext.empty()) deliver(now, *peer, plaintext, datagram.traffic_class);
}

void Receiver::note_received(const SessionPtr& session, const ReceivedDatagram& datagram, bool keepalive) {
  Received* entry = nullptr;
  for (std::size_t i = received_.size(); i-- > 0 && entry == nullptr;) {
    if (received_[i].session == session) entry = &received_[i];
  }
  if (entry == nullptr) entry = &received_.emplace_back(Received{session, std::nullopt, std::nullopt, true});
  if (!came_through_our_tun(datagram)) {
    entry->from = datagram.from;
    entry->local = datagram.local;
  }
  entry->keepalives_only = entry->keepalives_only && keepalive;
}

void Receiver::report_received(Now now) {
  for (const Received& entry : received_) {
    context_.device.on_data_received(now, entry.session, entry.from, entry.keepalives_only);
    if (entry.from) note_source(entry.session->peer(), entry.local);
  }
  received_.clear();
}

void Receiver::deliver(Now now, PeerPath& peer, MutableBytes plaintext, std::uint8_t outer_traffic_class) {
  const std::optional<InnerPacket> inner = parse_inner_packet(plaintext);
  if (!inner) {
    context_.capture(PacketDirection::inbound, &peer, plaintext, false, DropReason::inner_malformed);
    return context_.drop(now, peer.id, DropReason::inner_malformed);
  }
  const MutableBytes packet = plaintext.first(inner->total_length);  // without the padding
  ++peer.rx_packets;
  if (context_.control_port != 0 && deliver_control(now, peer, packet)) return;
  if (!passes_filter(now, peer, *inner, packet)) return;
  if (!ecn_decapsulate(packet, outer_traffic_class)) {
    context_.capture(PacketDirection::inbound, &peer, packet, false, DropReason::ecn_not_capable);
    return context_.drop(now, peer.id, DropReason::ecn_not_capable, inner->source);
  }
  write_tun(now, peer, *inner, packet);
}

void Receiver::write_tun(Now now, PeerPath& peer, const InnerPacket& inner, Bytes packet) {
  const TunStatus written = context_.tun.write(packet);
  const int error = errno;
  context_.capture(PacketDirection::inbound, &peer, packet, false,
                   written == TunStatus::ok ? std::nullopt : std::optional(DropReason::tun_write_failed));
  if (written == TunStatus::ok) return;
  if (written == TunStatus::gone) context_.tun_gone = true;
  context_.drop(now, {peer.id, DropReason::tun_write_failed, 1, inner.source, 0, error});
}

bool Receiver::deliver_control(Now now, PeerPath& peer, Bytes packet) {
  const ParsedControlPacket parsed = parse_control_packet(context_.control_channel(peer), packet);
  if (parsed.verdict == ControlVerdict::not_control) return false;
  if (parsed.verdict == ControlVerdict::invalid || !peer.control) {
    context_.capture(PacketDirection::inbound, &peer, packet, true, DropReason::control_invalid);
    context_.drop(now, peer.id, DropReason::control_invalid);
  } else {
    context_.capture(PacketDirection::inbound, &peer, packet, true);
    context_.notify({now, ControlNotification{peer.id, {parsed.payload.begin(), parsed.payload.end()}}}, peer.id);
  }
  return true;
}

bool Receiver::passes_filter(Now now, PeerPath& peer, const InnerPacket& inner, Bytes packet) {
  const bool reserved = context_.is_reserved(inner.source) || context_.is_reserved(inner.destination);
  const IngressVerdict verdict =
      reserved ? IngressVerdict::not_allowed : context_.ingress.get().check(inner.source, peer.id);
  if (verdict == IngressVerdict::pass) return true;
  if (inner.source == kDummyAddress && is_icmp_error(inner, packet) && peer.anonymous_errors.take(now.monotonic)) {
    return true;
  }
  const DropReason reason = verdict == IngressVerdict::not_allowed ? DropReason::ingress_source_not_allowed
                                                                   : DropReason::ingress_source_unknown;
  context_.capture(PacketDirection::inbound, &peer, packet, false, reason);
  context_.drop(now, peer.id, reason, inner.source);
  return false;
}

}  // namespace starling::wg
