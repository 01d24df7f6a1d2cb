// What Router sends.
#include <algorithm>

#include "routing/router_impl.h"

namespace starling::routing {

void Router::Impl::transmit(NeighborId neighbor, std::vector<std::uint8_t> packet, bool as_data) {
  statistics.packets_sent++;
  statistics.bytes_sent += packet.size();
  outbox.packets.push_back({neighbor, std::move(packet), as_data});
}

void Router::Impl::send_hello(Now now, Neighbor& neighbor, HelloKind kind) {
  Hello hello = neighbor.make_hello(now.monotonic);
  hello.node = config.id;
  hello.digest = database.digest();
  hello.goodbye = kind == HelloKind::goodbye;
  hello.probe = kind == HelloKind::probe;
  hello.answer = kind == HelloKind::answer;
  const auto late_ms = std::chrono::ceil<std::chrono::milliseconds>(lateness(now.monotonic)).count();
  hello.lateness_ms = static_cast<std::uint8_t>(late_ms);
  if (kind == HelloKind::regular || kind == HelloKind::goodbye) {
    neighbor.schedule_hello(now.monotonic);
  }
  transmit(neighbor.id, encode(envelope_to(neighbor), hello, outbox.take_hello_room()));
}

void Router::Impl::send_hellos(Now now) {
  for (auto& [id, neighbor] : neighbors) {
    if (neighbor.hello_at <= now.monotonic) send_hello(now, neighbor);
  }
}

// Acknowledgements first, so that they are not late because of what follows.
void Router::Impl::send_pending(Now now, Neighbor& neighbor) {
  if (!neighbor.adjacent() || !neighbor.has_pending(now.monotonic)) return;
  const Envelope envelope = envelope_to(neighbor);
  const Duration retransmit = neighbor.retransmit_interval();

  std::vector<LsaSummary> acks;
  if (neighbor.acks_are_due(now.monotonic)) {
    acks.swap(neighbor.acks);
    neighbor.ack_at = kNever;
  }
  for (std::size_t i = 0; i < acks.size(); i += kSummariesPerAck) {
    const auto first = acks.begin() + static_cast<std::ptrdiff_t>(i);
    const auto count = std::min(kSummariesPerAck, acks.size() - i);
    transmit(neighbor.id, encode(envelope, Ack{{first, first + static_cast<std::ptrdiff_t>(count)}}));
  }

  if (const auto ask = neighbor.exchange.take_ask(now.monotonic, retransmit))
    transmit(neighbor.id, encode(envelope, *ask));
  const std::vector<LsaKey> keys =
      neighbor.exchange.take_requests(now.monotonic, retransmit, expected_from_others(now.monotonic, neighbor));
  for (std::size_t i = 0; i < keys.size(); i += kKeysPerRequest) {
    const auto first = keys.begin() + static_cast<std::ptrdiff_t>(i);
    const auto count = std::min(kKeysPerRequest, keys.size() - i);
    transmit(neighbor.id, encode(envelope, Request{{first, first + static_cast<std::ptrdiff_t>(count)}}));
  }

  std::vector<std::vector<std::uint8_t>> packets;
  UpdatePacker packer(envelope, packets);
  const auto add = [&](const LsaHandle& lsa) {
    const Database::Entry* entry = database.find(lsa->key());
    const bool current = entry && entry->lsa == lsa;
    packer.add(*lsa, current ? database.remaining_ms(*entry, now.monotonic) : 0);
  };
  for (const LsaHandle& lsa : neighbor.grant_queue.take_due(now.monotonic, retransmit, statistics.retransmissions)) {
    add(lsa);
  }
  for (const LsaHandle& lsa : answers_to(neighbor)) add(lsa);
  for (const LsaHandle& lsa : neighbor.queue.take_due(now.monotonic, retransmit, statistics.retransmissions)) add(lsa);
  for (auto& packet : packets) transmit(neighbor.id, std::move(packet));
}

// What a neighbour need not be asked for, as another was.
std::vector<LsaKey> Router::Impl::expected_from_others(Time now, const Neighbor& neighbor) const {
  std::vector<LsaKey> keys;
  if (!neighbor.exchange.has_waiting()) return keys;
  for (const auto& [id, other] : neighbors) {
    if (id != neighbor.id) other.exchange.add_expected(now, keys);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace starling::routing
