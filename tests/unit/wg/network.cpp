#include "tests/unit/wg/network.h"

#include <algorithm>

#include "doctest/doctest.h"

namespace starling::wg::test {

KeyPair make_key_pair(std::uint64_t seed) {
  SeededRandom random(seed);
  return generate_key_pair(random);
}

// --- Host ---

Host::Host(Network& n, const Endpoint& at, std::uint64_t seed, const SecretKey& private_key)
    : network(n), random(seed), device(private_key, random), endpoint(at) {}

PeerId Host::add_peer(const Host& peer, bool endpoint_known, std::uint16_t persistent_keepalive_s,
                      const SecretKey& preshared_key) {
  DevicePeerConfig config;
  config.public_key = peer.key();
  config.preshared_key = preshared_key;
  if (endpoint_known) config.endpoint = peer.endpoint;
  config.persistent_keepalive_s = persistent_keepalive_s;
  const PeerId id = device.add_peer(network.now, config);
  if (endpoint_known) endpoints_[id] = peer.endpoint;
  drain();
  return id;
}

PeerId Host::add_peer(const PublicKey& key, const Endpoint& at) {
  DevicePeerConfig config;
  config.public_key = key;
  config.endpoint = at;
  const PeerId id = device.add_peer(network.now, config);
  endpoints_[id] = at;
  drain();
  return id;
}

void Host::set_private_key(const SecretKey& key) {
  device.set_private_key(network.now, key);
  drain();
}

void Host::send(PeerId peer, const std::string& payload) {
  staged_[peer].push_back(payload);
  send_staged(peer, false);
  drain();
}

void Host::send_staged(PeerId peer, bool or_keepalive) {
  const auto waiting = std::move(staged_[peer]);
  staged_[peer].clear();
  if (waiting.empty() && or_keepalive) transmit(peer, {});
  for (const std::string& payload : waiting) transmit(peer, as_bytes(payload));
}

void Host::transmit(PeerId peer, Bytes payload) {
  std::vector<std::uint8_t> message(kDataOverhead + payload.size());
  std::copy(payload.begin(), payload.end(), message.begin() + kDataHeaderSize);
  const SessionPtr session = sending[peer];
  if (!session || session->seal(network.now.monotonic, message) != SealResult::ok) {
    if (payload.empty()) return;
    staged_[peer].emplace_back(payload.begin(), payload.end());
    device.on_packet_staged(network.now, peer);
    return;
  }
  send_datagram(endpoints_.at(peer), std::move(message));
  device.on_data_sent(network.now, session, payload.empty());
}

void Host::send_datagram(const Endpoint& to, std::vector<std::uint8_t> bytes) {
  const auto type = static_cast<MessageType>(bytes[0]);
  sent.at(bytes[0])++;
  sent_log.emplace_back(network.now.monotonic, type);
  network.post(endpoint, to, bytes);
}

void Host::on_datagram(const Endpoint& from, std::vector<std::uint8_t> bytes) {
  if (!is_data_message(bytes)) {
    device.on_handshake_datagram(network.now, from, bytes);
    drain();
    return;
  }
  if (bytes.size() < kDataOverhead) return count_drop(kNoPeer, DropReason::malformed);
  const auto found = sessions.find(ByteReader(Bytes(bytes).subspan(kDataReceiverOffset)).u32_le());
  if (found == sessions.end()) return count_drop(kNoPeer, DropReason::unknown_receiver);
  const SessionPtr session = found->second;
  MutableBytes plaintext;
  switch (session->open(network.now.monotonic, bytes, plaintext)) {
    case OpenResult::ok: break;
    case OpenResult::too_short: return count_drop(session->peer(), DropReason::malformed);
    case OpenResult::decrypt_failed: return count_drop(session->peer(), DropReason::decrypt_failed);
    case OpenResult::replayed: return count_drop(session->peer(), DropReason::replayed);
    case OpenResult::expired: return count_drop(session->peer(), DropReason::session_expired);
  }
  device.on_data_received(network.now, session, from, plaintext.empty());
  if (!plaintext.empty()) {
    received.push_back({session->peer(), std::string(plaintext.begin(), plaintext.end()), network.now.monotonic});
    network.trace(plaintext);
  }
  drain();
}

void Host::count_drop(PeerId peer, DropReason reason) {
  drops.push_back(reason);
  drop_peers.push_back(peer);
}

void Host::drain() {
  while (!device.outbox().empty()) {
    const DeviceOutbox out = std::move(device.outbox());
    device.outbox().clear();
    for (const auto& datagram : out.datagrams) send_datagram(datagram.to, datagram.bytes);
    for (const SessionPtr& session : out.sessions_installed) {
      REQUIRE(sessions.emplace(session->local_index(), session).second);
    }
    for (const std::uint32_t index : out.sessions_retired) REQUIRE(sessions.erase(index) == 1);
    for (const auto& change : out.sending_sessions) sending[change.peer] = change.session;
    for (const auto& change : out.roamed) {
      endpoints_[change.peer] = change.endpoint;
      roamed.push_back(change);
    }
    for (const auto& each : out.established) {
      established.push_back(each);
      send_staged(each.peer, each.as_initiator);
    }
    for (const PeerId peer : out.keepalives) {
      keepalives.push_back(network.now.monotonic);
      transmit(peer, {});
    }
    for (const PeerId peer : out.gave_up) {
      gave_up.push_back(network.now.monotonic);
      staged_[peer].clear();
    }
    for (const PeerId peer : out.peers_removed) {
      peers_removed.push_back(peer);
      staged_.erase(peer);
    }
    key_log.insert(key_log.end(), out.key_log.begin(), out.key_log.end());
    for (const auto& drop : out.drops) {
      count_drop(drop.peer, drop.reason);
      network.trace(as_bytes(to_string(drop.reason)));
    }
  }
}

std::size_t Host::drop_count(DropReason reason) const {
  return static_cast<std::size_t>(std::count(drops.begin(), drops.end(), reason));
}

// --- Network ---

Host& Network::add_host(const std::string& endpoint) {
  return add_host(endpoint, make_key_pair(next_host_seed() ^ 0x5eed).private_key);
}

Host& Network::add_host(const std::string& endpoint, const SecretKey& private_key) {
  hosts_.push_back(std::make_unique<Host>(*this, Endpoint::parse(endpoint).value(), next_host_seed(), private_key));
  return *hosts_.back();
}

void Network::trace(Bytes bytes) {
  const std::int64_t at = now.monotonic.time_since_epoch().count();
  trace_hash = hash({trace_hash, Bytes(reinterpret_cast<const std::uint8_t*>(&at), sizeof at), bytes});
}

void Network::post(const Endpoint& from, const Endpoint& to, const std::vector<std::uint8_t>& bytes) {
  trace(bytes);
  recorded.emplace_back(to, bytes);
  if (filter && !filter(from, to, bytes)) return;
  const auto chance = [this](double probability) {
    return static_cast<double>(random.below(1'000'000)) < probability * 1'000'000;
  };
  const int copies = chance(duplication) ? 2 : 1;
  for (int i = 0; i < copies; i++) {
    if (chance(loss)) continue;
    const Duration delay = latency + Duration(random.below(static_cast<std::uint64_t>(jitter.count()) + 1));
    in_flight_.emplace(now.monotonic + delay, InFlight{from, to, bytes});
  }
}

void Network::call_extra_timers(Time until) {
  // Moments strictly before anything is due.
  const auto gap = static_cast<std::uint64_t>((until - now.monotonic).count());
  if (gap < 2) return;
  Time at = now.monotonic;
  for (int i = 0; i < 3; i++) {
    at += Duration(extra_random_.below(static_cast<std::uint64_t>((until - at).count())));
    advance(at);
    for (const auto& host : hosts_) {
      const Time look = host->device.next_look();
      const Time before = host->device.next_deadline();
      REQUIRE(look <= before);
      host->device.on_timer(now);
      REQUIRE(host->device.outbox().empty());
      REQUIRE(host->device.next_deadline() == before);
    }
  }
}

// As the engine asks, or exactly: both are to lead to the same.
Time Network::next_call(const Device& device) const {
  return extra_on_timer ? device.next_deadline() : device.next_look();
}

void Network::run_until(Time until) {
  for (;;) {
    Time next = in_flight_.empty() ? kNever : in_flight_.begin()->first;
    for (const auto& host : hosts_) next = std::min(next, next_call(host->device));
    if (extra_on_timer) call_extra_timers(std::min(next, until));
    if (next > until) break;
    advance(std::max(next, now.monotonic));
    // Arrivals before timers, as a host drains its sockets before it judges a timeout.
    while (!in_flight_.empty() && in_flight_.begin()->first <= now.monotonic) {
      const InFlight datagram = std::move(in_flight_.begin()->second);
      in_flight_.erase(in_flight_.begin());
      for (const auto& host : hosts_) {
        if (host->endpoint == datagram.to) host->on_datagram(datagram.from, datagram.bytes);
      }
    }
    for (const auto& host : hosts_) {
      if (next_call(host->device) > now.monotonic) continue;
      host->device.on_timer(now);
      REQUIRE(next_call(host->device) > now.monotonic);  // what was due is done
      host->drain();
    }
  }
  advance(until);
}

Pair::Pair(std::uint64_t seed, std::uint16_t persistent_keepalive_s)
    : network(seed), a(network.add_host("192.0.2.1:51820")), b(network.add_host("[2001:db8::2]:51820")) {
  b_at_a = a.add_peer(b, true, persistent_keepalive_s);
  a_at_b = b.add_peer(a);
}

HoldingPair::HoldingPair(MessageType type) {
  network.filter = [this, type](const Endpoint&, const Endpoint&, Bytes bytes) {
    if (!holding || bytes[0] != static_cast<std::uint8_t>(type)) return true;
    held.assign(bytes.begin(), bytes.end());
    return false;
  };
  a.send(b_at_a, "x");
  network.run_for(1s);
  REQUIRE_FALSE(held.empty());
}

}  // namespace starling::wg::test
