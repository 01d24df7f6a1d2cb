// What a Device keeps for one peer. Bounded: at most six indices (a handshake under way and five sessions).
#pragma once

#include <cstdint>
#include <optional>

#include "base/ip.h"
#include "base/time.h"
#include "wg/protocol/cookie.h"
#include "wg/protocol/keypairs.h"
#include "wg/protocol/noise.h"
#include "wg/protocol/tai64n.h"
#include "wg/protocol/timers.h"
#include "wg/tables.h"

namespace starling::wg {

struct Peer {
  Peer(PeerId peer, RemoteStatic remote_static)
      : id(peer), remote(std::move(remote_static)), cookies(remote.public_key) {}

  const PeerId id;
  RemoteStatic remote;
  std::optional<Endpoint> endpoint;
  std::uint16_t persistent_keepalive_s = 0;

  CookieGenerator cookies;
  Keypairs keypairs;
  Timers timers;
  Time queued_deadline = kNever;  // as the Device's DeadlineQueue has it: not after that of `timers`

  // The handshake
  std::optional<InitiatorState> initiation;  // sent by us and not answered; holds an index
  bool handshake_wanted = false;             // as soon as the endpoint is known, and our private key
  bool sent_last_minute_handshake = false;   // for the present session
  std::uint32_t initiations_sent = 0;        // in the present attempt
  std::optional<Time> last_handshake_sent;   // initiation or response
  Tai64n last_timestamp_sent;
  Tai64n greatest_timestamp_received;
  std::optional<Time> last_initiation_consumed;

  std::optional<WallTime> last_handshake;  // completed
  std::uint64_t handshake_rx_bytes = 0;
  std::uint64_t handshake_tx_bytes = 0;
};

}  // namespace starling::wg
