// The WireGuard protocol of one interface: peers, handshakes, timers, keypairs (whitepaper §5 and §6). Sans-I/O: time,
// randomness and handshake datagrams come in, an outbox goes out. It never sees payload: data messages are opened and
// sealed by whoever owns the sockets with the Sessions that this class hands out (session.h), and reported here in
// batches.
//
// The contract of every sans-I/O core in Starling:
//   * every input carries its time; times never decrease;
//   * after every call the caller drains outbox() and asks next_deadline() again;
//   * next_deadline() is exact: the earliest moment at which on_timer would do something; calls before it change
//   nothing;
//   * hostile input is a counted, named drop, never an exception.
// One thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/random.h"
#include "base/time.h"
#include "wg/drop_reason.h"
#include "wg/protocol/session.h"
#include "wg/tables.h"

namespace starling::wg {

struct DevicePeerConfig {
  PublicKey public_key;
  SecretKey preshared_key;  // zeros: none (whitepaper §5.2: equivalent)
  std::optional<Endpoint> endpoint;
  std::uint16_t persistent_keepalive_s = 0;
};

// What is to be done outside, in order within each list. Drained by the caller after every call.
struct DeviceOutbox {
  // Handshake messages (initiation 148 bytes, response 92, cookie reply 64): send as they are. `peer` may be kNoPeer
  // (cookie reply).
  struct Datagram {
    PeerId peer;
    Endpoint to;
    std::vector<std::uint8_t> bytes;
  };
  std::vector<Datagram> datagrams;

  // Install in the table that maps a data message's receiver index to its session; then retire those that are listed.
  // Retired sessions may be in use by a worker for a moment longer; shared ownership covers that.
  std::vector<SessionPtr> sessions_installed;
  std::vector<std::uint32_t> sessions_retired;  // local indices

  // The session with which to send to this peer changed; null when there is none.
  struct SendingSession {
    PeerId peer;
    SessionPtr session;
  };
  std::vector<SendingSession> sending_sessions;

  // A handshake completed (a new session that can send): seal what is staged, or a keepalive if nothing is and this
  // side was the initiator (the responder may not send before the first data message, whitepaper §5.1; the list then
  // holds the peer once it may).
  struct Established {
    PeerId peer;
    bool as_initiator;
  };
  std::vector<Established> established;

  // Send an empty data message with the sending session and report it as sent. One entry per keepalive.
  std::vector<PeerId> keepalives;
  // The handshake was given up after REKEY_ATTEMPT_TIME (18 initiations): drop what is staged.
  std::vector<PeerId> gave_up;
  // The peer is elsewhere: a data message or the answer to our initiation came from there, or any authentic message
  // while its endpoint was not known.
  struct Roamed {
    PeerId peer;
    Endpoint endpoint;
  };
  std::vector<Roamed> roamed;
  // Peers that set_private_key removed, because their public key became our own.
  std::vector<PeerId> peers_removed;

  // The secrets of a handshake that we took part in, by which a recording of it can be read; only after
  // set_key_log(true). One entry per initiation or response of ours, each with an ephemeral key of its own.
  struct KeyLogEntry {
    SecretKey local_static;
    PublicKey remote_static;
    SecretKey local_ephemeral;
    SecretKey preshared_key;  // zeros: none
  };
  std::vector<KeyLogEntry> key_log;

  struct Drop {
    PeerId peer;  // may be kNoPeer
    DropReason reason;
    Endpoint from;
  };
  std::vector<Drop> drops;

  bool empty() const;
  void clear();
};

struct DevicePeerStatus {
  PeerId id = kNoPeer;
  PublicKey public_key;
  bool has_preshared_key = false;
  std::optional<Endpoint> endpoint;
  std::uint16_t persistent_keepalive_s = 0;
  std::optional<WallTime> last_handshake;
  std::uint32_t unanswered_initiations = 0;
  std::uint64_t handshake_rx_bytes = 0;  // data is counted by whoever moves it
  std::uint64_t handshake_tx_bytes = 0;
};

class Device {
 public:
  // `random` must outlive the Device. An all-zero private key means "none yet": until there is one no handshake begins
  // and what comes in is DropReason::no_private_key; peers that want a handshake wait for it.
  Device(const SecretKey& private_key, RandomSource& random);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  const PublicKey& public_key() const;  // zeros without a private key

  // Another private key (zeros: none). A peer that has our new public key is removed (outbox().peers_removed). Sessions
  // stop sending and only receive what is under way; handshakes that are under way are forgotten; for peers that had
  // either, and an endpoint, a handshake starts at once. What is known of peers' timestamps stays, so that no old
  // initiation is new again. The same key again changes nothing.
  void set_private_key(Now now, const SecretKey& private_key);

  // Down, a device has no session, handshake or timer and begins none; what it knows of its peers stays. Up again,
  // peers with a persistent keepalive send one at once. Up at first.
  void set_up(Now now, bool up);

  // Whether the secrets of handshakes go to outbox().key_log. Off at first.
  void set_key_log(bool on);

  // kNoPeer if the key is there already or is our own.
  PeerId add_peer(Now now, const DevicePeerConfig& config);
  void remove_peer(Now now, PeerId peer);
  std::optional<PeerId> find_peer(const PublicKey& key) const;
  void set_preshared_key(Now now, PeerId peer, const SecretKey& key);
  void set_endpoint(Now now, PeerId peer, const Endpoint& endpoint);  // may start the handshake that waited for it
  void set_persistent_keepalive(Now now, PeerId peer, std::uint16_t seconds);  // 0→n sends one at once

  // A datagram whose first byte is 1, 2 or 3. Anything else is malformed here.
  void on_handshake_datagram(Now now, const Endpoint& from, Bytes datagram);
  // More of them wait than can be read in time, whatever the machine: under load from now on, for kUnderLoadTime.
  void on_handshakes_piled_up(Now now);

  // A packet waits for this peer and there is no session that can send: start a handshake unless one is under way. If
  // the last handshake message went out less than REKEY_TIMEOUT ago it starts when that time is over, unless a session
  // came up by then; without an endpoint it starts when there is one. A peer whose public key is of low order can have
  // none and is given up at once.
  void on_packet_staged(Now now, PeerId peer);

  // A batch of data messages sealed with `session` was sent. `keepalives_only`: none had a payload.
  void on_data_sent(Now now, const SessionPtr& session, bool keepalives_only);

  // A batch of authentic data messages was opened with `session`; `from` is the outer source of the newest, or nothing
  // where roaming must not follow it (it came through our own TUN). `keepalives_only`: none had a payload.
  void on_data_received(Now now, const SessionPtr& session, std::optional<Endpoint> from, bool keepalives_only);

  void on_timer(Now now);
  Time next_deadline() const;
  // The same for whoever may ask after every packet: not after next_deadline(), and perhaps before it, since deadlines
  // that traffic moves away are looked at when they come. on_timer is to be called then.
  Time next_look() const;

  DeviceOutbox& outbox();

  // Null when there is none that may send at this moment.
  SessionPtr sending_session(PeerId peer) const;
  std::optional<DevicePeerStatus> status(PeerId peer) const;
  std::vector<PeerId> peers() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling::wg
