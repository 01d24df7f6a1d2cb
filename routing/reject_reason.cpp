#include "routing/reject_reason.h"

namespace starling::routing {

const char* to_string(RejectReason reason) {
  switch (reason) {
    case RejectReason::unknown_neighbor: return "unknown_neighbor";
    case RejectReason::too_long: return "too_long";
    case RejectReason::truncated: return "truncated";
    case RejectReason::bad_version: return "bad_version";
    case RejectReason::bad_size: return "bad_size";
    case RejectReason::unknown_type: return "unknown_type";
    case RejectReason::malformed_tlv: return "malformed_tlv";
    case RejectReason::bad_value: return "bad_value";
    case RejectReason::own_node_id: return "own_node_id";
    case RejectReason::node_id_changed: return "node_id_changed";
    case RejectReason::wrong_instance: return "wrong_instance";
    case RejectReason::not_adjacent: return "not_adjacent";
    case RejectReason::too_many_answers: return "too_many_answers";
    case RejectReason::bad_fragment: return "bad_fragment";
    case RejectReason::bad_lifetime: return "bad_lifetime";
    case RejectReason::bad_sequence: return "bad_sequence";
    case RejectReason::bad_body_hash: return "bad_body_hash";
    case RejectReason::bad_signature: return "bad_signature";
    case RejectReason::malformed_body: return "malformed_body";
    case RejectReason::origin_too_fast: return "origin_too_fast";
    case RejectReason::forgery_too_often: return "forgery_too_often";
    case RejectReason::database_full: return "database_full";
    case RejectReason::stale: return "stale";
    case RejectReason::header_without_use: return "header_without_use";
    case RejectReason::no_grant: return "no_grant";
    case RejectReason::bad_grant: return "bad_grant";
    case RejectReason::grant_ended: return "grant_ended";
    case RejectReason::grant_without_key: return "grant_without_key";
  }
  return "unknown";
}

}  // namespace starling::routing
