// What the packet paths know of each peer: where to send, with which session, what waits, what was counted. Indexed by
// PeerId, which is dense. Engine's thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "base/token_bucket.h"
#include "base/traffic_watch.h"
#include "wg/io/ancillary.h"
#include "wg/io/unreachable_watch.h"
#include "wg/protocol/session.h"
#include "wg/tables.h"

namespace starling::wg {

// Of control packets that wait for a handshake only the newest are worth keeping.
inline constexpr std::size_t kControlStagedLimit = 4;  // packets

struct PeerPath {
  PeerId id = kNoPeer;
  PublicKey public_key;
  IpAddress link_local;  // its address inside the tunnel
  bool control = false;
  TrafficWatch watch;  // where control packets are in use
  std::optional<Endpoint> endpoint;
  // To which of our addresses its newest authenticated datagram came: sent from there, or a peer behind NAT or a
  // firewall would not know the answer for one. Nothing: the kernel's choice.
  std::optional<LocalAddress> source;
  SessionPtr session;  // to send with; null: none

  std::deque<std::vector<std::uint8_t>> staged;          // inner packets, oldest first
  std::deque<std::vector<std::uint8_t>> staged_control;  // inner packets, oldest first

  std::uint64_t rx_bytes = 0;  // data messages with their overhead; handshakes are the Device's to count
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_packets = 0;  // inner packets
  std::uint64_t tx_packets = 0;

  // ICMP errors from 192.0.0.8: 50 at once, 100/s. Of each peer, so that none uses up the others' share.
  TokenBucket anonymous_errors{50, std::chrono::milliseconds(10)};

  UnreachableWatch unreachable;  // of its endpoint

  bool can_send() const { return session != nullptr && endpoint.has_value(); }
  bool has_staged() const { return !staged.empty() || !staged_control.empty(); }
};

class PeerTable {
 public:
  PeerPath& add(PeerId id) {
    if (peers_.size() <= id) peers_.resize(std::size_t{id} + 1);
    peers_[id] = std::make_unique<PeerPath>();
    peers_[id]->id = id;
    return *peers_[id];
  }
  void remove(PeerId id) {
    if (id < peers_.size()) peers_[id].reset();
  }
  PeerPath* find(PeerId id) { return id < peers_.size() ? peers_[id].get() : nullptr; }

  template <typename Function>
  void for_each(Function function) {
    for (const auto& peer : peers_) {
      if (peer) function(*peer);
    }
  }

 private:
  std::vector<std::unique_ptr<PeerPath>> peers_;
};

}  // namespace starling::wg
