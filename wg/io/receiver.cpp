#include "wg/io/receiver.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "wg/protocol/ecn.h"
#include "wg/protocol/forwarding.h"
#include "wg/protocol/ip_header.h"
#include "wg/protocol/messages.h"

namespace starling::wg {
namespace {

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

Receiver::Receiver(EngineContext& context, Transmitter& transmitter, DeviceDriver& driver)
    : context_(context), transmitter_(transmitter), driver_(driver), tun_writer_(context) {
  while (works_.size() < context.workers.pieces_at_once()) works_.push_back(&context.workers.make<OpenWork>());
}

bool Receiver::receive(Now now, Family family) {
  const DatagramReceiver::Batch batch = context_.udp.receive(family);
  judge_backlog(now, family, batch);
  for (const ReceivedDatagrams& arrival : batch.received) {
    for (std::size_t at = 0; at < arrival.bytes.size() || at == 0;
         at += std::max<std::size_t>(arrival.segment_size, 1)) {
      const MutableBytes datagram =
          arrival.bytes.subspan(at, std::min(arrival.segment_size, arrival.bytes.size() - at));
      is_data_message(datagram) ? on_data(now, arrival, datagram) : on_handshake(now, arrival, datagram);
    }
  }
  finish_works(now);
  tun_writer_.flush(now);
  transmitter_.flush(now);
  report_received(now);
  if (batch.lost) report_lost(now);
  return batch.is_full;
}

// Full batches without a break, each of handshake messages for half of it or more: they come faster than they are read,
// however few that are a second on this machine. Data waits behind them in the same socket.
void Receiver::judge_backlog(Now now, Family family, const DatagramReceiver::Batch& batch) {
  const auto handshakes =
      std::count_if(batch.received.begin(), batch.received.end(),
                    [](const ReceivedDatagrams& arrival) { return !is_data_message(arrival.bytes); });
  const bool filled = batch.is_full && static_cast<std::size_t>(handshakes) * 2 >= batch.received.size();
  std::size_t& waiting = handshakes_waiting_[family == Family::ipv6 ? 1 : 0];
  waiting = filled ? waiting + static_cast<std::size_t>(handshakes) : 0;
  if (waiting >= kHandshakeQueueSize) context_.device.on_handshakes_piled_up(now);
}

void Receiver::report_lost(Now now) {
  const std::uint64_t lost = context_.udp.take_lost(false);
  if (lost > 0) context_.drop(now, {kNoPeer, DropReason::receive_overflow, lost});
}

void Receiver::on_handshake(Now now, const ReceivedDatagrams& arrival, Bytes datagram) {
  finish_works(now);  // what it changes is for what comes behind it
  // An initiation or response moves the peer's endpoint; one that came through our own tunnel would move it in there.
  if (came_through_our_tun(arrival)) {
    return context_.drop(now, kNoPeer, DropReason::underlay_loop, arrival.from);
  }
  report_received(now);
  driver_.drain_device(now);  // what is in the outbox then follows from this message alone
  context_.device.on_handshake_datagram(now, arrival.from, datagram);
  // Only an authenticated message is responded to or completes a handshake.
  const DeviceOutbox& outbox = context_.device.outbox();
  for (const DeviceOutbox::Datagram& answer : outbox.datagrams) {
    const bool is_response = answer.bytes.size() == sizeof(MessageResponse);  // a cookie reply proves nothing
    const PeerPath* const peer = context_.peers.find(answer.peer);
    // A known endpoint is not given up for an initiation, and neither is the address that belongs to it.
    const bool is_its_endpoint = peer != nullptr && peer->endpoint.value_or(arrival.from) == arrival.from;
    if (is_response && is_its_endpoint) note_source(answer.peer, arrival.local);
  }
  for (const DeviceOutbox::Established& established : outbox.established) note_source(established.peer, arrival.local);
  context_.answering = Arrival{arrival.from, arrival.local};
  driver_.drain_device(now);
  context_.answering.reset();
}

void Receiver::note_source(PeerId id, const std::optional<LocalAddress>& local) {
  if (PeerPath* const peer = context_.peers.find(id)) peer->source = local;
}

void Receiver::on_data(Now now, const ReceivedDatagrams& arrival, MutableBytes message) {
  if (message.size() < kDataOverhead) return context_.drop(now, kNoPeer, DropReason::malformed, arrival.from);
  const auto found = sessions_.find(receiver_index(message));
  if (found == sessions_.end()) return context_.drop(now, kNoPeer, DropReason::unknown_receiver, arrival.from);
  const SessionPtr& session = found->second;
  AeadJob job;
  switch (session->open_job(now.monotonic, message, job)) {
    case OpenResult::ok: return begin_work(now, {&session, &arrival, message.size()}, job);
    case OpenResult::expired: return context_.drop(now, session->peer(), DropReason::session_expired, arrival.from);
    default: return context_.drop(now, session->peer(), DropReason::malformed, arrival.from);
  }
}

// What fills one batch is opened by others while the next is filled.
void Receiver::begin_work(Now now, const OpenWork::Message& message, const AeadJob& job) {
  if (begun_ > 0 && works_[begun_ - 1]->is_full()) {
    if (begun_ == works_.size()) {
      finish_works(now);
    } else {
      context_.workers.post(*works_[begun_ - 1]);
    }
  }
  if (begun_ == 0 || works_[begun_ - 1]->is_full()) ++begun_;
  works_[begun_ - 1]->add(message, job);
}

void Receiver::finish_works(Now now) {
  for (std::size_t i = 0; i < begun_; ++i) {
    context_.workers.finish(*works_[i]);
    works_[i]->take([&](const OpenWork::Message& message, const AeadJob& job) { on_opened(now, message, job); });
  }
  begun_ = 0;
}

void Receiver::on_opened(Now now, const OpenWork::Message& message, const AeadJob& job) {
  const SessionPtr& session = *message.session;
  const ReceivedDatagrams& arrival = *message.arrival;
  PeerPath* const peer = context_.peers.find(session->peer());
  if (peer == nullptr) return context_.drop(now, kNoPeer, DropReason::unknown_receiver, arrival.from);
  if (!job.authentic) return context_.drop(now, peer->id, DropReason::decrypt_failed, arrival.from);
  if (!session->accept(job.counter)) return context_.drop(now, peer->id, DropReason::replayed, arrival.from);
  peer->rx_bytes += message.size;
  note_received(session, arrival, job.size == 0);
  if (job.size == 0) return context_.note_heard(now, *peer, false);
  deliver(now, *peer, MutableBytes(job.out, job.size), arrival.traffic_class);
}

void Receiver::note_received(const SessionPtr& session, const ReceivedDatagrams& arrival, bool keepalive) {
  Received* entry = nullptr;
  for (std::size_t i = received_.size(); i-- > 0 && entry == nullptr;) {
    if (received_[i].session == session) entry = &received_[i];
  }
  if (entry == nullptr) entry = &received_.emplace_back(Received{session, std::nullopt, std::nullopt, true});
  if (!came_through_our_tun(arrival)) {
    entry->from = arrival.from;
    entry->local = arrival.local;
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
  ParsedControlPacket control;
  if (context_.control_port != 0) control = parse_control_packet(context_.control_channel(peer), plaintext);
  if (control.verdict == ControlVerdict::control && peer.control) return deliver_control(now, peer, control);
  const std::optional<InnerPacket> inner = parse_inner_packet(plaintext, context_.flow_hash_seed);
  if (!inner) {
    context_.capture(PacketDirection::inbound, &peer, plaintext, false, DropReason::inner_malformed);
    return context_.drop(now, peer.id, DropReason::inner_malformed);
  }
  const MutableBytes packet = plaintext.first(inner->total_length);  // without the padding
  ++peer.rx_packets;
  if (control.verdict != ControlVerdict::not_control) {
    context_.capture(PacketDirection::inbound, &peer, packet, true, DropReason::control_invalid);
    return context_.drop(now, peer.id, DropReason::control_invalid);
  }
  context_.note_heard(now, peer, true);
  if (!passes_filter(now, peer, *inner, packet)) return;
  if (!ecn_decapsulate(packet, outer_traffic_class)) {
    context_.capture(PacketDirection::inbound, &peer, packet, false, DropReason::ecn_not_capable);
    return context_.drop(now, peer.id, DropReason::ecn_not_capable, inner->source);
  }
  if (forward(now, peer, *inner, plaintext)) return;
  tun_writer_.add(now, peer, packet);
}

// Only what a mesh route has the longest match for; all else goes the kernel's way, which knows every rule.
bool Receiver::forward(Now now, PeerPath& from, const InnerPacket& inner, MutableBytes plaintext) {
  const TransitTable& transit = context_.transit.get();
  if (!transit.fast_path()) return false;
  const EgressTable::Match match = context_.egress.get().match(inner.destination, inner.flow_hash);
  PeerPath* const to = context_.peers.find(match.peer);
  if (to == nullptr || !transit.takes(inner.destination, match.length)) return false;
  const MutableBytes packet = plaintext.first(inner.total_length);
  switch (prepare_forward(packet, context_.mtu)) {
    case ForwardVerdict::punt: return false;
    case ForwardVerdict::forward:
      context_.capture(PacketDirection::inbound, &from, packet, false);
      transmitter_.forward(now, *to, plaintext, packet.size());
      return true;
    case ForwardVerdict::time_exceeded:
      context_.capture(PacketDirection::inbound, &from, packet, false, DropReason::transit_time_exceeded);
      context_.drop(now, from.id, DropReason::transit_time_exceeded, inner.source);
      transmitter_.answer(now, IcmpError::time_exceeded, inner, packet);
      return true;
    case ForwardVerdict::too_big:
      context_.capture(PacketDirection::inbound, &from, packet, false, DropReason::transit_too_big);
      context_.drop(now, from.id, DropReason::transit_too_big, inner.source);
      transmitter_.answer(now, IcmpError::packet_too_big, inner, packet);
      return true;
  }
  return false;
}

void Receiver::deliver_control(Now now, PeerPath& peer, const ParsedControlPacket& control) {
  ++peer.rx_packets;
  context_.capture(PacketDirection::inbound, &peer, control.packet, true);
  context_.notify_control(now, peer.id, control.payload);
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
