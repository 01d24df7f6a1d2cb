// The handshake messages of a Device: made, received, and what follows from them.
#include <algorithm>
#include <cstring>

#include "wg/protocol/device_impl.h"

namespace starling::wg {

namespace {

template <typename Message>
MutableBytes bytes_of(Message& message) {
  return {reinterpret_cast<std::uint8_t*>(&message), sizeof message};
}

// `datagram` has the message's size.
template <typename Message>
Message read_message(Bytes datagram) {
  Message message;
  std::memcpy(&message, datagram.data(), sizeof message);
  return message;
}

DropReason drop_reason(HandshakeResult result) {
  return result == HandshakeResult::low_order_key ? DropReason::low_order_key : DropReason::bad_handshake;
}

}  // namespace

void Device::Impl::queue(Peer& peer, const Endpoint& to, Bytes message) {
  outbox.datagrams.push_back({peer.id, to, {message.begin(), message.end()}});
  peer.handshake_tx_bytes += message.size();
}

void Device::Impl::log_keys(const Peer& peer, const SecretKey& ephemeral_private) {
  if (!key_log) return;
  outbox.key_log.push_back({local.private_key, peer.remote.public_key, ephemeral_private, peer.remote.preshared_key});
}

void Device::Impl::send_initiation(Now now, Peer& peer) {
  forget_initiation(peer);
  peer.last_timestamp_sent = std::max(Tai64n::at(now.wall), peer.last_timestamp_sent.next());
  peer.initiation.emplace(peer.remote.public_key, indices.allocate(peer.id, random));
  MessageInitiation message;
  if (create_initiation(local, peer.remote, peer.last_timestamp_sent, random, *peer.initiation, message) !=
      HandshakeResult::ok) {
    forget_initiation(peer);
    return;
  }
  log_keys(peer, peer.initiation->ephemeral_private);
  peer.cookies.add_macs(now.monotonic, bytes_of(message));
  peer.initiations_sent++;
  peer.last_handshake_sent = now.monotonic;
  peer.timers.any_authenticated_packet_traversal(now.monotonic);
  peer.timers.any_authenticated_packet_sent();
  peer.timers.handshake_initiated(now.monotonic, random);
  queue(peer, *peer.endpoint, bytes_of(message));
}

bool Device::Impl::admit(Now now, PeerId peer, const Endpoint& from, Bytes datagram) {
  if (!load.arrived(now.monotonic)) return true;
  if (!cookie_checker.verify_mac2(now.monotonic, datagram, from)) {
    MessageCookieReply reply = cookie_checker.create_reply(now.monotonic, datagram, from, random);
    const Bytes bytes = bytes_of(reply);
    outbox.datagrams.push_back({kNoPeer, from, {bytes.begin(), bytes.end()}});
    drop(peer, DropReason::cookie_required, from);
    return false;
  }
  if (sources.admit(now.monotonic, from.address)) return true;
  drop(peer, DropReason::source_rate_limited, from);
  return false;
}

void Device::Impl::receive_initiation(Now now, const Endpoint& from, Bytes datagram) {
  if (!cookie_checker.verify_mac1(datagram)) return drop(kNoPeer, DropReason::bad_mac1, from);
  if (!admit(now, kNoPeer, from, datagram)) return;
  const auto message = read_message<MessageInitiation>(datagram);
  ResponderState state(local.public_key);
  HandshakeResult result = identify_initiator(local, message, state);
  if (result != HandshakeResult::ok) return drop(kNoPeer, drop_reason(result), from);
  Peer* peer = find(state.initiator);
  if (!peer) return drop(kNoPeer, DropReason::unknown_peer, from);
  result = consume_initiation(peer->remote, message, state);
  if (result != HandshakeResult::ok) return drop(peer->id, drop_reason(result), from);
  if (state.timestamp <= peer->greatest_timestamp_received) return drop(peer->id, DropReason::handshake_replay, from);
  if (peer->last_initiation_consumed && now.monotonic < *peer->last_initiation_consumed + kInitiationInterval)
    return drop(peer->id, DropReason::handshake_flood, from);

  peer->greatest_timestamp_received = state.timestamp;
  peer->last_initiation_consumed = now.monotonic;
  peer->handshake_rx_bytes += datagram.size();
  // The answer goes where the question came from. That an endpoint which is known changes waits for the first data
  // message: after a restart of ours an initiation that somebody recorded is new to us, and who repeats it from
  // elsewhere would lead what we send astray.
  if (!peer->endpoint) follow(*peer, from);
  send_response(now, *peer, from, state);
  peer->timers.any_authenticated_packet_received();
  peer->timers.any_authenticated_packet_traversal(now.monotonic);
  reschedule(*peer);
}

void Device::Impl::send_response(Now now, Peer& peer, const Endpoint& to, ResponderState& state) {
  const std::uint32_t index = indices.allocate(peer.id, random);
  MessageResponse message;
  const HandshakeResult result = create_response(peer.remote, index, random, state, message);
  if (result != HandshakeResult::ok) {
    indices.release(index);
    return drop(peer.id, drop_reason(result), to);
  }
  log_keys(peer, state.ephemeral_private);
  peer.cookies.add_macs(now.monotonic, bytes_of(message));
  install_next(now.monotonic, peer,
               std::make_shared<Session>(peer.id, begin_session(state.symmetric, false), index, state.remote_index,
                                         false, now.monotonic));
  peer.last_handshake_sent = now.monotonic;
  peer.timers.any_authenticated_packet_traversal(now.monotonic);
  peer.timers.any_authenticated_packet_sent();
  queue(peer, to, bytes_of(message));
}

void Device::Impl::receive_response(Now now, const Endpoint& from, Bytes datagram) {
  if (!cookie_checker.verify_mac1(datagram)) return drop(kNoPeer, DropReason::bad_mac1, from);
  const auto message = read_message<MessageResponse>(datagram);
  const auto owner = indices.find(message.receiver.value());
  if (!owner) return drop(kNoPeer, DropReason::unknown_receiver, from);
  Peer& peer = *find(*owner);
  // Else the index is that of a session by now: the same answer a second time.
  if (!peer.initiation || peer.initiation->local_index != message.receiver.value())
    return drop(peer.id, DropReason::handshake_replay, from);
  if (!admit(now, peer.id, from, datagram)) return;
  const HandshakeResult result = consume_response(local, peer.remote, message, *peer.initiation);
  if (result != HandshakeResult::ok) return drop(peer.id, drop_reason(result), from);

  peer.handshake_rx_bytes += datagram.size();
  follow(peer, from);
  const std::uint32_t index = peer.initiation->local_index;
  auto session = std::make_shared<Session>(peer.id, begin_session(peer.initiation->symmetric, true), index,
                                           message.sender.value(), true, now.monotonic);
  peer.initiation.reset();  // its index is the session's now
  install_current(now.monotonic, peer, std::move(session));
  complete_handshake(now, peer, true);
  peer.timers.any_authenticated_packet_received();
  peer.timers.any_authenticated_packet_traversal(now.monotonic);
  reschedule(peer);
}

void Device::Impl::receive_cookie_reply(Now now, const Endpoint& from, Bytes datagram) {
  const auto message = read_message<MessageCookieReply>(datagram);
  const auto owner = indices.find(message.receiver.value());
  if (!owner) return drop(kNoPeer, DropReason::unknown_receiver, from);
  Peer& peer = *find(*owner);
  switch (peer.cookies.consume_reply(now.monotonic, message)) {
    case CookieGenerator::ReplyResult::ok: peer.handshake_rx_bytes += datagram.size(); break;
    case CookieGenerator::ReplyResult::unexpected: drop(peer.id, DropReason::handshake_replay, from); break;
    case CookieGenerator::ReplyResult::authentication_failed: drop(peer.id, DropReason::bad_handshake, from); break;
  }
}

}  // namespace starling::wg
