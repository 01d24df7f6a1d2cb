#include "tests/fuzz/device_host.h"

#include "tests/fuzz/check.h"
#include "wg/protocol/crypto.h"
#include "wg/protocol/keypairs.h"

namespace starling::fuzz {

namespace {

constexpr std::size_t kInFlightMax = 64;
constexpr std::size_t kSessionsPerPeer = wg::Keypairs::kMaxPrevious + 2;
constexpr std::size_t kFormerSessionsMax = 8;
constexpr std::size_t kOutboxPerPeer = 16;  // entries that one call may make for each peer
constexpr std::size_t kZeros = 16;          // bytes at the begin of a payload: its ciphertext is the key stream

SecretKey make_private_key(std::uint64_t seed) {
  SeededRandom random(seed);
  return wg::generate_key_pair(random).private_key;
}

std::size_t entries(const wg::DeviceOutbox& outbox) {
  return outbox.datagrams.size() + outbox.sessions_installed.size() + outbox.sessions_retired.size() +
         outbox.sending_sessions.size() + outbox.established.size() + outbox.keepalives.size() + outbox.gave_up.size() +
         outbox.roamed.size() + outbox.peers_removed.size() + outbox.key_log.size() + outbox.drops.size();
}

}  // namespace

void Network::post(const Datagram& datagram) {
  trace.add(static_cast<std::uint64_t>(now.monotonic.time_since_epoch().count()));
  trace.add(datagram.bytes);
  trace.add(datagram.to.port);
  in_flight.push_back(datagram);
  recorded.push_back(datagram);
  if (in_flight.size() > kInFlightMax) in_flight.pop_front();
  if (recorded.size() > kInFlightMax) recorded.pop_front();
}

Host::Host(Network& network, const Endpoint& endpoint, std::uint64_t seed)
    : network_(network),
      endpoint_(endpoint),
      random_(seed),
      first_key_(make_private_key(seed + 1000)),
      device_(std::make_unique<wg::Device>(first_key_, random_)) {
  own_keys_.insert(device_->public_key());
}

// --- changes ---

wg::PeerId Host::add_peer(const PublicKey& key, const std::optional<Endpoint>& endpoint, std::uint16_t keepalive_s) {
  const bool is_own = key == device_->public_key() && key != PublicKey{};  // without a private key: zeros
  const bool is_known = is_own || device_->find_peer(key).has_value();
  const wg::PeerId id = device_->add_peer(network_.now, {key, {}, endpoint, keepalive_s});
  FUZZ_CHECK((id == wg::kNoPeer) == is_known);
  FUZZ_CHECK(is_known || device_->find_peer(key) == id);
  drain();
  return id;
}

void Host::remove_peer(wg::PeerId peer) {
  device_->remove_peer(network_.now, peer);
  drain();
  for (const auto& [index, session] : sessions_) FUZZ_CHECK(session->peer() != peer);
  FUZZ_CHECK(!device_->status(peer) && !device_->sending_session(peer));
  sending_.erase(peer);
  staged_.erase(peer);
}

void Host::set_private_key(const SecretKey& key) {
  device_->set_private_key(network_.now, key);
  own_keys_.insert(device_->public_key());
  FUZZ_CHECK(key.is_zero() || !device_->find_peer(device_->public_key()));
  drain();
}

void Host::set_endpoint(wg::PeerId peer, const Endpoint& endpoint) {
  device_->set_endpoint(network_.now, peer, endpoint);
  drain();
}

void Host::set_persistent_keepalive(wg::PeerId peer, std::uint16_t seconds) {
  device_->set_persistent_keepalive(network_.now, peer, seconds);
  drain();
}

// --- packets ---

std::uint64_t Host::send(wg::PeerId peer) {
  const std::uint64_t message = network_.next_message++;
  transmit(peer, message);
  drain();
  return message;
}

void Host::transmit(wg::PeerId peer, std::uint64_t message) {
  const auto status = device_->status(peer);
  if (!status) return;
  std::vector<std::uint8_t> payload;
  if (message != 0) {
    payload.resize(kZeros);
    ByteWriter out(payload);
    out.u64(message);
    out.bytes(device_->public_key().bytes);
    out.bytes(status->public_key.bytes);
  }
  std::vector<std::uint8_t> bytes(wg::kDataOverhead + payload.size());
  std::copy(payload.begin(), payload.end(), bytes.begin() + wg::kDataHeaderSize);
  const wg::SessionPtr session = sending_[peer];
  if (!session || session->seal(network_.now.monotonic, bytes) != wg::SealResult::ok) {
    if (message == 0) return;
    auto& waiting = staged_[peer];
    waiting.push_back(message);
    if (waiting.size() > wg::kMaxStagedPackets) waiting.pop_front();
    device_->on_packet_staged(network_.now, peer);
    return;
  }
  const auto body = bytes.begin() + wg::kDataHeaderSize;
  FUZZ_CHECK(network_.key_streams.emplace(body, body + kZeros).second);
  if (status->endpoint) network_.post({endpoint_, *status->endpoint, std::move(bytes)});
  device_->on_data_sent(network_.now, session, message == 0);
}

void Host::send_staged(wg::PeerId peer, bool or_keepalive) {
  const auto waiting = std::move(staged_[peer]);
  staged_[peer].clear();
  if (waiting.empty() && or_keepalive) transmit(peer, 0);
  for (const std::uint64_t message : waiting) transmit(peer, message);
}

void Host::on_datagram(const Endpoint& from, std::vector<std::uint8_t> bytes) {
  if (!bytes.empty() && bytes[0] == static_cast<std::uint8_t>(wg::MessageType::data)) return open(from, bytes);
  device_->on_handshake_datagram(network_.now, from, bytes);
  const wg::DeviceOutbox& outbox = device_->outbox();
  FUZZ_CHECK(outbox.drops.size() <= 1);
  if (!outbox.drops.empty()) {
    FUZZ_CHECK(outbox.sessions_installed.empty() && outbox.roamed.empty() && outbox.established.empty());
    FUZZ_CHECK(outbox.drops[0].from == from);
  }
  drain();
}

void Host::open(const Endpoint& from, std::vector<std::uint8_t>& bytes) {
  if (bytes.size() < wg::kDataOverhead) return;
  const auto found = sessions_.find(ByteReader(Bytes(bytes).subspan(wg::kDataReceiverOffset)).u32_le());
  if (found == sessions_.end()) return;
  const wg::SessionPtr session = found->second;
  MutableBytes plaintext;
  const wg::OpenResult result = session->open(network_.now.monotonic, bytes, plaintext);
  network_.trace.add(static_cast<std::uint64_t>(result));
  if (result != wg::OpenResult::ok) return;
  if (!plaintext.empty()) check_payload(*session, plaintext);
  device_->on_data_received(network_.now, session, from, plaintext.empty());
  drain();
}

// It was meant for us, it comes from the very key that the session's peer has, and it comes once.
void Host::check_payload(const wg::Session& session, Bytes plaintext) {
  FUZZ_CHECK(plaintext.size() == kZeros + 8 + 2 * kKeySize);
  ByteReader in(plaintext.subspan(kZeros));
  const std::uint64_t message = in.u64();
  PublicKey sender, receiver;
  in.copy_to(sender.bytes);
  in.copy_to(receiver.bytes);
  const auto status = device_->status(session.peer());
  FUZZ_CHECK(status && status->public_key == sender);
  FUZZ_CHECK(own_keys_.contains(receiver));
  FUZZ_CHECK(received_.insert(message).second);
}

// --- time ---

void Host::on_timer() {
  FUZZ_CHECK(device_->next_deadline() <= network_.now.monotonic);
  device_->on_timer(network_.now);
  drain();
  FUZZ_CHECK(device_->next_deadline() > network_.now.monotonic);
}

void Host::on_needless_timer() {
  const Time deadline = device_->next_deadline();
  if (deadline <= network_.now.monotonic) return;
  device_->on_timer(network_.now);
  FUZZ_CHECK(device_->outbox().empty());
  FUZZ_CHECK(device_->next_deadline() == deadline);
}

void Host::report_late(std::size_t choice) {
  if (former_sessions_.empty()) return;
  const wg::SessionPtr session = former_sessions_[choice % former_sessions_.size()];
  if (choice % 2 == 0) {
    device_->on_data_sent(network_.now, session, choice % 3 == 0);
  } else {
    device_->on_data_received(network_.now, session, std::nullopt, choice % 3 == 0);
  }
  drain();
}

// --- what the Device says ---

void Host::drain() {
  while (!device_->outbox().empty()) {
    const wg::DeviceOutbox outbox = std::move(device_->outbox());
    device_->outbox().clear();
    check_outbox(outbox);
    apply_sessions(outbox);
    for (const auto& datagram : outbox.datagrams) network_.post({endpoint_, datagram.to, datagram.bytes});
    for (const auto& each : outbox.established) send_staged(each.peer, each.as_initiator);
    for (const wg::PeerId peer : outbox.keepalives) transmit(peer, 0);
    for (const wg::PeerId peer : outbox.gave_up) staged_[peer].clear();
    for (const wg::PeerId peer : outbox.peers_removed) {
      FUZZ_CHECK(!device_->status(peer));
      sending_.erase(peer);
      staged_.erase(peer);
    }
    for (const auto& drop : outbox.drops) network_.trace.add(static_cast<std::uint64_t>(drop.reason));
  }
  check_sessions();
}

void Host::check_outbox(const wg::DeviceOutbox& outbox) const {
  FUZZ_CHECK(entries(outbox) <= kOutboxPerPeer * (device_->peers().size() + 2));
  for (const auto& datagram : outbox.datagrams) check_handshake(datagram.bytes);
  for (const auto& each : outbox.established) FUZZ_CHECK(device_->sending_session(each.peer) != nullptr);
  for (const wg::PeerId peer : outbox.keepalives) FUZZ_CHECK(device_->sending_session(peer) != nullptr);
  for (const auto& roamed : outbox.roamed) FUZZ_CHECK(device_->status(roamed.peer).has_value());
}

void Host::check_handshake(Bytes bytes) const {
  std::size_t ephemeral_at = 0;
  switch (static_cast<wg::MessageType>(bytes[0])) {
    case wg::MessageType::initiation:
      FUZZ_CHECK(bytes.size() == sizeof(wg::MessageInitiation));
      ephemeral_at = 8;
      break;
    case wg::MessageType::response:
      FUZZ_CHECK(bytes.size() == sizeof(wg::MessageResponse));
      ephemeral_at = 12;
      break;
    default: FUZZ_CHECK(bytes.size() == sizeof(wg::MessageCookieReply) && bytes[0] == 3); return;
  }
  const Bytes ephemeral = bytes.subspan(ephemeral_at, kKeySize);
  FUZZ_CHECK(network_.ephemeral_keys.emplace(ephemeral.begin(), ephemeral.end()).second);
}

void Host::apply_sessions(const wg::DeviceOutbox& outbox) {
  for (const wg::SessionPtr& session : outbox.sessions_installed) {
    FUZZ_CHECK(sessions_.emplace(session->local_index(), session).second);
  }
  for (const std::uint32_t index : outbox.sessions_retired) {
    const auto found = sessions_.find(index);
    FUZZ_CHECK(found != sessions_.end());
    former_sessions_.push_back(found->second);
    if (former_sessions_.size() > kFormerSessionsMax) former_sessions_.erase(former_sessions_.begin());
    sessions_.erase(found);
  }
  for (const auto& change : outbox.sending_sessions) {
    FUZZ_CHECK(!change.session || change.session->peer() == change.peer);
    sending_[change.peer] = change.session;
  }
}

// The table that the outbox describes is the Device's own, and it is small.
void Host::check_sessions() const {
  FUZZ_CHECK(sessions_.size() <= kSessionsPerPeer * device_->peers().size());
  for (const wg::PeerId peer : device_->peers()) {
    const auto found = sending_.find(peer);
    const wg::SessionPtr sending = found == sending_.end() ? nullptr : found->second;
    FUZZ_CHECK(sending == device_->sending_session(peer));
    FUZZ_CHECK(!sending || sessions_.contains(sending->local_index()));
  }
}

}  // namespace starling::fuzz
