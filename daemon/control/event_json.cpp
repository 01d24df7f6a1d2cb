#include "daemon/control/event_json.h"

#include <nlohmann/json.hpp>

#include "daemon/control/drop_hints.h"
#include "daemon/control/grey_hints.h"
#include "daemon/control/unreachable_hints.h"

namespace starling::daemon {

using nlohmann::ordered_json;
using routing::Event;
using routing::EventKind;

namespace {

constexpr Duration kWindow = std::chrono::seconds(1);

// Announcements that are turned away in the course of a healthy flood.
bool is_ordinary(std::string_view reason) {
  return reason == "stale" || reason == "header_without_use";
}

EventLevel level_of(const Event& event) {
  switch (event.kind) {
    case EventKind::lsa_accept:
    case EventKind::spf_run: return EventLevel::debug;
    case EventKind::neighbor_state:
      return event.from == routing::NeighborState::full ? EventLevel::warning : EventLevel::info;
    case EventKind::grant_accept:
      return std::string_view(event.reason) == "revoked" ? EventLevel::warning : EventLevel::info;
    case EventKind::lsa_reject: return is_ordinary(event.reason) ? EventLevel::debug : EventLevel::warning;
    case EventKind::link_grey:
    case EventKind::identity_duplicate:
    case EventKind::packet_reject:
    case EventKind::grant_expire:
    case EventKind::grant_missing:
    case EventKind::prefix_more_specific:
    case EventKind::route_refused: return EventLevel::warning;
    default: return EventLevel::info;
  }
}

bool has_text(const char* reason) {
  return reason != nullptr && *reason != '\0';
}

ordered_json announcement_fields(const Event& event, const Names& names) {
  ordered_json fields{
      {"origin", names.node(event.lsa.origin)}, {"fragment", event.lsa.fragment}, {"sequence", event.sequence}};
  if (event.neighbor != routing::kNoNeighbor) fields["neighbor"] = names.neighbor(event.neighbor);
  if (has_text(event.reason)) fields["reason"] = event.reason;
  if (event.kind == EventKind::lsa_reject) fields["hint"] = drop_hint(event.reason);
  if (std::string_view(event.reason) == "no_grant") fields["node_id"] = routing::to_string(event.lsa.origin);
  return fields;
}

ordered_json neighbor_fields(const Event& event, const Names& names) {
  ordered_json fields{{"neighbor", names.neighbor(event.neighbor)},
                      {"from", routing::to_string(event.from)},
                      {"to", routing::to_string(event.to)}};
  if (has_text(event.reason)) fields["reason"] = event.reason;
  return fields;
}

// `count` is bytes or thousandths, by the reason.
ordered_json grey_fields(const Event& event, const Names& names) {
  const bool of_size = is_about_size(event.reason);
  ordered_json fields{{"neighbor", names.neighbor(event.neighbor)}, {"reason", event.reason}};
  if (event.count > 0) fields[of_size ? "carried_bytes" : "loss_permille"] = event.count;
  if (event.kind == EventKind::link_grey) fields["hint"] = grey_hint(event.reason, of_size ? event.count : 0);
  return fields;
}

ordered_json duplicate_fields(const Event& event, const Names& names) {
  return {{"origin", names.node(event.lsa.origin)},
          {"neighbor", names.neighbor(event.neighbor)},
          {"reason", event.reason},
          {"count", event.count},
          {"hint", "give each machine a key of its own (starling keygen), and each peer's `public_key` to match"}};
}

ordered_json spf_fields(const Event& event, std::optional<Duration> duration) {
  ordered_json fields{{"kind", event.reason}, {"reached", event.count}};
  if (duration) fields["duration_us"] = duration->count() / 1000;
  return fields;
}

ordered_json refused_fields(const Event& event, const Names& names) {
  ordered_json fields{{"prefix", event.prefix ? event.prefix->to_string() : ""}};
  if (event.lsa.origin != routing::NodeId{}) fields["origin"] = names.node(event.lsa.origin);
  fields["reason"] = event.reason;
  return fields;
}

// With the whole NodeId: it is what a grant is made out to.
ordered_json grant_fields(const Event& event, const Names& names) {
  ordered_json fields{{"origin", names.node(event.lsa.origin)}, {"node_id", routing::to_string(event.lsa.origin)}};
  if (event.sequence > 0) fields["serial"] = event.sequence;
  if (event.neighbor != routing::kNoNeighbor) fields["neighbor"] = names.neighbor(event.neighbor);
  if (has_text(event.reason)) fields["reason"] = event.reason;
  return fields;
}

ordered_json finding_fields(const Event& event, const Names& names) {
  ordered_json fields{{"prefix", event.prefix ? event.prefix->to_string() : ""},
                      {"origin", names.node(event.lsa.origin)}};
  if (event.inside) fields["inside"] = event.inside->to_string();
  fields["other"] = names.node(event.other);
  if (event.count > 0) fields["hidden"] = event.count;
  return fields;
}

ordered_json packet_reject_fields(const Event& event, const Names& names) {
  return {{"neighbor", names.neighbor(event.neighbor)},
          {"reason", event.reason},
          {"count", event.count},
          {"hint", drop_hint(event.reason)}};
}

const char* drop_event_name(wg::DropReason reason) {
  switch (reason) {
    case wg::DropReason::ingress_source_not_allowed:
    case wg::DropReason::ingress_source_unknown: return "drop.source";
    case wg::DropReason::egress_no_route:
    case wg::DropReason::egress_not_ip: return "drop.destination";
    case wg::DropReason::control_invalid: return "drop.control";
    default: return "drop.tunnel";
  }
}

}  // namespace

ordered_json cause_json(const routing::Cause& cause, const Names& names) {
  switch (cause.kind) {
    case routing::Cause::Kind::none: return cause_none();
    case routing::Cause::Kind::announcement:
      return cause_announcement(names.node(cause.lsa.origin), cause.lsa.fragment, cause.sequence);
    case routing::Cause::Kind::neighbor: return cause_neighbor(names.neighbor(cause.neighbor));
    case routing::Cause::Kind::timer: return cause_timer();
  }
  return cause_none();
}

std::optional<std::uint64_t> EventPublisher::pass_rate_limit(routing::NeighborId neighbor, Time now) {
  Window& window = reject_windows_[neighbor];
  if (window.shown == 0 || now - window.start >= kWindow) {
    window.start = now;
    window.shown = 0;
  }
  if (window.shown >= kRejectEventsPerSecond) {
    ++window.hidden;
    return std::nullopt;
  }
  ++window.shown;
  return std::exchange(window.hidden, 0);
}

void EventPublisher::publish(const Event& event, Now now, std::optional<Duration> spf_duration) {
  ordered_json fields;
  switch (event.kind) {
    case EventKind::route_group:
    case EventKind::route_add:
    case EventKind::route_remove: return;
    case EventKind::neighbor_state: fields = neighbor_fields(event, names_); break;
    case EventKind::link_grey:
    case EventKind::link_healed: fields = grey_fields(event, names_); break;
    case EventKind::neighbor_suspect:
      fields = {{"neighbor", names_.neighbor(event.neighbor)}, {"suspect", event.count != 0}, {"reason", event.reason}};
      break;
    case EventKind::lsa_reject: {
      const auto hidden = pass_rate_limit(event.neighbor, event.at);
      if (!hidden) return;
      fields = announcement_fields(event, names_);
      if (*hidden > 0) fields["hidden"] = *hidden;
      break;
    }
    case EventKind::lsa_originate:
    case EventKind::lsa_accept:
    case EventKind::lsa_withdraw:
    case EventKind::lsa_expire:
    case EventKind::sequence_jump: fields = announcement_fields(event, names_); break;
    case EventKind::identity_duplicate: fields = duplicate_fields(event, names_); break;
    case EventKind::spf_run: fields = spf_fields(event, spf_duration); break;
    case EventKind::route_refused: fields = refused_fields(event, names_); break;
    case EventKind::grant_accept:
    case EventKind::grant_expire:
    case EventKind::grant_missing: fields = grant_fields(event, names_); break;
    case EventKind::prefix_duplicate:
    case EventKind::prefix_more_specific: fields = finding_fields(event, names_); break;
    case EventKind::packet_reject: fields = packet_reject_fields(event, names_); break;
  }
  const char* const name = event.kind == EventKind::packet_reject ? "drop.control" : routing::to_string(event.kind);
  // The event's own moment, on both clocks.
  const Now moment{event.at, now.wall - (now.monotonic - event.at)};
  log_.publish(level_of(event), name, fields, cause_json(event.cause, names_), moment);
}

void EventPublisher::publish_drop(wg::PeerId peer, wg::DropReason reason, std::uint64_t count,
                                  std::optional<IpAddress> source, std::optional<Endpoint> endpoint, Now now) {
  const std::string name = wg::to_string(reason);
  const bool known = peer != wg::kNoPeer;
  ordered_json fields{{"neighbor", nullptr}, {"reason", name}, {"count", count}, {"source", nullptr}};
  if (known) fields["neighbor"] = names_.neighbor(peer);
  if (source) fields["source"] = source->to_string();
  fields["hint"] = drop_hint(name, endpoint ? endpoint->to_string() : "");
  log_.publish(EventLevel::warning, drop_event_name(reason), fields,
               known ? cause_neighbor(names_.neighbor(peer)) : cause_none(), now);
}

// A way that carries less than it was given is slower, no more.
void EventPublisher::publish_unreachable(wg::PeerId peer, const wg::Unreachable& what, Now now) {
  const std::string neighbor = names_.neighbor(peer);
  const std::string meaning = wg::to_string(what.meaning);
  ordered_json fields{{"neighbor", neighbor}, {"endpoint", what.endpoint.to_string()}, {"meaning", meaning}};
  if (what.from) fields["from"] = what.from->to_string();
  if (what.mtu != 0) fields["mtu"] = what.mtu;
  fields["hint"] = unreachable_hint(meaning, what.endpoint, what.mtu);
  log_.publish(wg::is_about_size(what.meaning) ? EventLevel::info : EventLevel::warning, "tunnel.unreachable", fields,
               cause_neighbor(neighbor), now);
}

}  // namespace starling::daemon
