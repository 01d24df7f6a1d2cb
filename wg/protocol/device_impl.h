// The inside of Device (device.h): device.cpp is its calls and timers, device_handshake.cpp the handshake messages,
// device_identity.cpp the private key, device_life.cpp up and down.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "wg/protocol/cookie.h"
#include "wg/protocol/deadline_queue.h"
#include "wg/protocol/device.h"
#include "wg/protocol/handshake_load.h"
#include "wg/protocol/index_table.h"
#include "wg/protocol/peer.h"
#include "wg/protocol/source_limiter.h"

namespace starling::wg {

struct Device::Impl {
  Impl(const SecretKey& private_key, RandomSource& source);

  Peer* find(PeerId id) const { return id < peers.size() ? peers[id].get() : nullptr; }
  Peer* find(const PublicKey& key) const;
  void drop(PeerId peer, DropReason reason, const Endpoint& from) { outbox.drops.push_back({peer, reason, from}); }
  // To be called after everything that may have moved one of the peer's timers.
  void reschedule(Peer& peer);
  void requeue(Peer& peer);  // under what its timers say now

  // Our own key (device_identity.cpp)
  bool has_identity() const { return !local.private_key.is_zero(); }
  void set_identity(const SecretKey& private_key);
  void renew_peer(Now now, Peer& peer);

  // Up and down (device_life.cpp)
  void stop_peer(Peer& peer);
  void begin_persistent_keepalive(Now now, Peer& peer);  // one at once

  // Sessions
  void install_current(Time now, Peer& peer, SessionPtr session);
  void install_next(Time now, Peer& peer, SessionPtr session);
  void retire(const std::vector<SessionPtr>& sessions);
  void set_sending(Peer& peer);
  void clear_sessions(Peer& peer);

  // What timers and data ask for
  void fire(Now now, Peer& peer, Timer timer);
  void send_keepalive(Now now, Peer& peer);
  // A new attempt, unless one is under way; postponed if the last handshake message is younger than REKEY_TIMEOUT.
  void start_handshake(Now now, Peer& peer);
  void retransmit_handshake(Now now, Peer& peer);
  void complete_handshake(Now now, Peer& peer, bool as_initiator);
  void forget_initiation(Peer& peer);
  void follow(Peer& peer, const Endpoint& from);

  // Handshake messages (device_handshake.cpp)
  void send_initiation(Now now, Peer& peer);
  void send_response(Now now, Peer& peer, const Endpoint& to, ResponderState& state);
  void queue(Peer& peer, const Endpoint& to, Bytes message);
  void log_keys(const Peer& peer, const SecretKey& ephemeral_private);
  // Whether a message with a valid mac1 is to be read. Under load it must prove its address first, or a cookie reply
  // goes out that lets it do so the next time; `peer` as far as it is known.
  bool admit(Now now, PeerId peer, const Endpoint& from, Bytes datagram);
  void receive_initiation(Now now, const Endpoint& from, Bytes datagram);
  void receive_response(Now now, const Endpoint& from, Bytes datagram);
  void receive_cookie_reply(Now now, const Endpoint& from, Bytes datagram);

  RandomSource& random;
  KeyPair local;  // zeros: no private key yet
  CookieChecker cookie_checker;
  HandshakeLoad load;
  SourceLimiter sources;
  bool key_log = false;
  std::vector<std::unique_ptr<Peer>> peers;            // by PeerId; null once removed
  std::unordered_map<PublicKey, PeerId> peers_by_key;  // never iterated
  IndexTable indices;
  DeadlineQueue deadlines;
  bool up = true;
  DeviceOutbox outbox;
};

}  // namespace starling::wg
