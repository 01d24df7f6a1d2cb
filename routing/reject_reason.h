// Why a control packet, or an announcement in one, was not taken. Each reason is counted; the names are public (events,
// docs/protocol.md).
#pragma once

#include <cstddef>
#include <cstdint>

namespace starling::routing {

enum class RejectReason : std::uint8_t {
  // packets
  unknown_neighbor,  // no neighbour has this handle
  too_long,          // more than kMaxPacketSize bytes, a path probe more than kMaxProbePacketSize
  truncated,         // ends inside the header or a fixed part
  bad_version,       // not kProtocolVersion
  bad_size,          // the size in the header is not the packet's
  unknown_type,      // no such message
  malformed_tlv,     // a TLV reaches past the end, or has a length that its type does not have
  bad_value,         // a field outside its range
  own_node_id,       // the neighbour claims to be us
  node_id_changed,   // another NodeId in the same instance
  wrong_instance,    // from or for a life that is over
  not_adjacent,      // database traffic from a neighbour that is not two-way
  too_many_answers,  // the neighbour asks faster than we answer
  // announcements
  bad_fragment,        // not 0..kMaxFragments-1
  bad_lifetime,        // 0 or more than kMaxLifetimeS
  bad_sequence,        // 0 or more than kMaxSequence
  bad_body_hash,       // the body is not the one that was signed
  bad_signature,       // not signed by its origin
  malformed_body,      // signed, yet its content breaks the format
  origin_too_fast,     // the origin's token bucket is empty
  forgery_too_often,   // the neighbour sent too many bad signatures of late
  database_full,       // kMaxLsas are stored
  stale,               // older than what we have; answered with ours
  header_without_use,  // a bare header that tells us nothing
  no_grant,            // of an origin that is no member of our network
  bad_grant,           // a grant that our network key did not sign, or that breaks the format
  grant_ended,         // a grant whose time is over
  grant_without_key,   // a grant, and we have no network key
};
inline constexpr std::size_t kRejectReasonCount = static_cast<std::size_t>(RejectReason::grant_without_key) + 1;

const char* to_string(RejectReason reason);  // the enumerator's name

}  // namespace starling::routing
