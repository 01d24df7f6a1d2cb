// Names and small values of the routing module.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/key.h"

namespace starling::routing {

// A router's Ed25519 public key, derived from its WireGuard private key (identity.h). Printed as hex; people see names.
struct NodeId {
  std::array<std::uint8_t, 32> bytes{};
  friend auto operator<=>(const NodeId&, const NodeId&) = default;
  // By words: two that differ nearly always do in the first, and nothing compares more often than this.
  friend bool operator==(const NodeId& a, const NodeId& b) {
    std::array<std::uint64_t, 4> left, right;
    std::memcpy(left.data(), a.bytes.data(), sizeof left);
    std::memcpy(right.data(), b.bytes.data(), sizeof right);
    return left[0] == right[0] && left[1] == right[1] && left[2] == right[2] && left[3] == right[3];
  }
};
std::string to_string(const NodeId& id);     // 64 hex digits
std::string short_string(const NodeId& id);  // the first 8 hex digits, for logs where no name is known

struct Signature {
  std::array<std::uint8_t, 64> bytes{};
  friend auto operator<=>(const Signature&, const Signature&) = default;
};

// A neighbour's handle, chosen by whoever adds it (the daemon uses the engine's PeerId). Local to one router.
using NeighborId = std::uint32_t;
inline constexpr NeighborId kNoNeighbor = ~NeighborId{0};

// Cost of a link, or of a path as the sum of its links'. 1..kMaxLinkMetric for a link; a path saturates at
// kUnreachable.
using Metric = std::uint32_t;
inline constexpr Metric kMaxLinkMetric = 0xffffff;
inline constexpr Metric kUnreachable = 0xffffffff;
inline constexpr Metric kDefaultCost = 10;

// Neighbour states (docs/protocol.md; the transitions are one table in neighbor_table.h).
enum class NeighborState : std::uint8_t { down, init, exchange, full };
const char* to_string(NeighborState state);  // "Down", "Init", "Exchange", "Full"

// A link-state announcement's name: each origin may have several fragments.
struct LsaKey {
  NodeId origin;
  std::uint16_t fragment = 0;
  friend auto operator<=>(const LsaKey&, const LsaKey&) = default;
};

// UDP port of the protocol inside the tunnels ("STAR" on a telephone's keys). Link-local only, never on the underlay.
inline constexpr std::uint16_t kControlPort = 7827;

// Signing and verifying are handed in, so that the simulator can remember results (49-53 µs each would eat every large
// run) and so that the core has no secret. Both must be pure functions. `verify` may be called for anything a peer
// sent.
using SignFunction = std::function<Signature(Bytes message)>;
using VerifyFunction = std::function<bool(const NodeId& signer, Bytes message, const Signature& signature)>;

}  // namespace starling::routing

template <>
struct std::hash<starling::routing::NodeId> {
  std::size_t operator()(const starling::routing::NodeId& id) const noexcept {
    std::size_t value;
    std::memcpy(&value, id.bytes.data(), sizeof value);  // keys are uniform already
    return value;
  }
};
