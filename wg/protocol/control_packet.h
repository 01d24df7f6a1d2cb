// The envelope of the routing protocol inside a tunnel (docs/protocol.md): an ordinary IPv6/UDP packet between the two
// key-derived link-local addresses (link_local.h), both ports the control port, hop limit 255 (RFC 5082), traffic class
// CS6, flow label 0, with a UDP checksum.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ip.h"

namespace starling::wg {

inline constexpr std::size_t kControlEnvelopeSize = 48;        // bytes: IPv6 header 40, UDP header 8
inline constexpr std::uint8_t kControlTrafficClass = 48 << 2;  // DSCP CS6
inline constexpr std::uint8_t kControlHopLimit = 255;

// Who talks to whom through one tunnel, seen from this node.
struct ControlChannel {
  IpAddress local;   // our link-local address
  IpAddress remote;  // the peer's
  std::uint16_t port = 0;
};

// The inner packet that carries `payload` (at most 65535 − 8 bytes, else std::invalid_argument) to the peer, in place
// of what `packet` held.
void write_control_packet(const ControlChannel& channel, Bytes payload, std::vector<std::uint8_t>& packet);
std::vector<std::uint8_t> make_control_packet(const ControlChannel& channel, Bytes payload);

enum class ControlVerdict : std::uint8_t {
  not_control,  // an ordinary packet
  control,      // `payload` is for the router
  invalid,      // UDP to the control port, to or from a link-local address, and not exactly such an envelope:
                // DropReason::control_invalid
};

struct ParsedControlPacket {
  ControlVerdict verdict = ControlVerdict::not_control;
  Bytes packet;   // only if control: without the padding
  Bytes payload;  // a view into it
};

// `packet` is the plaintext of a data message of the peer; padding behind it is allowed.
ParsedControlPacket parse_control_packet(const ControlChannel& channel, Bytes packet);

}  // namespace starling::wg
