// The messages between two neighbours as values, and their encoding (docs/protocol.md, "Messages"). A packet is a
// header, a fixed part that depends on the type, and TLVs. Decoding is total: any bytes give a message or a reason.
//
// Every packet names the life (instance) of its sender and the life of the receiver that the sender has heard, 0 if
// none. That makes each packet a three-way check and keeps a restarted router from being answered as its former self.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "routing/limits.h"
#include "routing/lsa.h"
#include "routing/reject_reason.h"
#include "routing/tlv.h"
#include "routing/types.h"

namespace starling::routing {

enum class MessageType : std::uint8_t {
  hello = 1,
  ask = 2,
  headers = 3,
  request = 4,
  update = 5,
  ack = 6,
  path_probe = 7,
  path_answer = 8
};

struct Envelope {
  std::uint64_t instance = 0;       // the sender's life
  std::uint64_t peer_instance = 0;  // the receiver's life as the sender knows it; 0: not heard
};

// The keepalive. Times are microseconds of the sender's monotonic clock modulo 2^32 (RFC 9616).
struct Hello {
  std::uint32_t sequence = 0;
  std::uint32_t timestamp_us = 0;
  std::uint32_t echo_timestamp_us = 0;  // of the peer's newest Hello
  std::uint32_t echo_hold_us = 0;       // how long ago that one arrived
  bool has_echo = false;
  std::uint32_t interval_us = 0;
  std::uint8_t multiplier = 0;
  NeighborState state = NeighborState::down;  // in which the sender holds the receiver
  bool goodbye = false;                       // the sender stops now
  bool probe = false;                         // the sender waits for an answer: a Hello at once
  bool answer = false;                        // to a probe
  std::uint8_t lateness_ms = 0;               // how late the sender's own timers were of late; 255: that or more
  NodeId node;
  std::array<std::uint8_t, 16> digest{};

  friend bool operator==(const Hello&, const Hello&) = default;
};

// What is stored under a key, in short.
struct LsaSummary {
  LsaKey key;
  std::uint64_t sequence = 0;
  std::uint64_t tag = 0;  // Lsa::tag
  friend bool operator==(const LsaSummary&, const LsaSummary&) = default;
};

// "Which announcements do you have, from this key on?" Answered by one or several Headers.
struct Ask {
  LsaKey from;
  friend bool operator==(const Ask&, const Ask&) = default;
};

// All announcements that the sender has with from <= key < next; without bound above if `end`.
struct Headers {
  LsaKey from;
  LsaKey next;
  bool end = false;
  std::vector<LsaSummary> summaries;
  friend bool operator==(const Headers&, const Headers&) = default;
};

struct Request {
  std::vector<LsaKey> keys;
  friend bool operator==(const Request&, const Request&) = default;
};

// An announcement as it arrived: nothing of it is verified yet. `body` and `wire` (as Lsa::wire, but for the remaining
// lifetime) are views into the packet.
struct ReceivedLsa {
  LsaHeader header;
  Signature signature;
  std::uint32_t remaining_ms = 0;
  bool has_body = false;
  Bytes body;
  Bytes wire;
};

struct Update {
  std::vector<ReceivedLsa> lsas;
};

struct Ack {
  std::vector<LsaSummary> summaries;
  friend bool operator==(const Ack&, const Ack&) = default;
};

// A packet of a chosen size that is sent as data is, to see whether it arrives.
struct PathProbe {
  std::uint32_t number = 0;  // counts up
  std::uint16_t size = 0;    // bytes of the whole packet
  friend bool operator==(const PathProbe&, const PathProbe&) = default;
};

// Which of them arrived.
struct PathAnswer {
  std::uint32_t newest = 0;   // the largest number
  std::uint32_t history = 0;  // bit n: the one of number newest - n arrived
  friend bool operator==(const PathAnswer&, const PathAnswer&) = default;
};

struct Message {
  Envelope envelope;
  std::variant<Hello, Ask, Headers, Request, Update, Ack, PathProbe, PathAnswer> content;
};

Result<Message, RejectReason> decode_message(Bytes packet);
// Whether nothing is lost if this packet is handed in only when there is something else to do, or silence to judge: an
// ordinary Hello of a neighbour that holds us in Full.
bool can_wait(Bytes packet);

// In the memory of `room`, whose content goes.
std::vector<std::uint8_t> encode(const Envelope& envelope, const Hello& hello, std::vector<std::uint8_t> room = {});
std::vector<std::uint8_t> encode(const Envelope& envelope, const Ask& ask);
// Of `size` bytes, or of the next size that there is (24, then 27 and up).
std::vector<std::uint8_t> encode(const Envelope& envelope, const PathProbe& probe);
std::vector<std::uint8_t> encode(const Envelope& envelope, const PathAnswer& answer);

inline constexpr std::size_t kMessageHeaderSize = 20;  // bytes
inline constexpr std::size_t kHelloPacketSize = kMessageHeaderSize + 72;
inline constexpr std::size_t kSummarySize = 50;       // bytes, without the TLV header
inline constexpr std::size_t kKeySizeOnWire = 34;     // bytes of a key
inline constexpr std::size_t kInnerHeadersSize = 48;  // bytes of IPv6 and UDP headers around a message

// How many fit one packet.
inline constexpr std::size_t kSummariesPerHeaders =
    (kMaxPacketSize - kMessageHeaderSize - 2 * kKeySizeOnWire - 1) / (kTlvHeaderSize + kSummarySize);
inline constexpr std::size_t kSummariesPerAck = (kMaxPacketSize - kMessageHeaderSize) / (kTlvHeaderSize + kSummarySize);
inline constexpr std::size_t kKeysPerRequest =
    (kMaxPacketSize - kMessageHeaderSize) / (kTlvHeaderSize + kKeySizeOnWire);

// These must fit one packet (std::length_error otherwise).
std::vector<std::uint8_t> encode(const Envelope& envelope, const Headers& headers);
std::vector<std::uint8_t> encode(const Envelope& envelope, const Request& request);
std::vector<std::uint8_t> encode(const Envelope& envelope, const Ack& ack);

// Fills Update packets with announcements, starting a new one when the next does not fit.
class UpdatePacker {
 public:
  UpdatePacker(const Envelope& envelope, std::vector<std::vector<std::uint8_t>>& packets)
      : envelope_(envelope), packets_(packets) {}
  void add(const Lsa& lsa, std::uint32_t remaining_ms);

 private:
  Envelope envelope_;
  std::vector<std::vector<std::uint8_t>>& packets_;
  bool open_ = false;
};

LsaSummary summarize(const Lsa& lsa);

}  // namespace starling::routing
