#include "daemon/control/views.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/date.h"
#include "daemon/control/version.h"
#include "routing/router.h"
#include "wg/io/backend.h"

namespace starling::daemon {

using nlohmann::json;

namespace {

std::int64_t milliseconds(Duration span) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(span).count();
}

template <typename Ids, typename Name>
json names_of(const Ids& ids, const Name& name) {
  json list = json::array();
  for (const auto& id : ids) list.push_back(name(id));
  return list;
}

json neighbor_or_null(const Names& names, routing::NeighborId id) {
  return id == routing::kNoNeighbor ? json() : json(names.neighbor(id));
}

json statistics_json(const routing::RouterStatistics& statistics) {
  return {{"packets_received", statistics.packets_received},
          {"packets_sent", statistics.packets_sent},
          {"packets_rejected", statistics.packets_rejected},
          {"bytes_received", statistics.bytes_received},
          {"bytes_sent", statistics.bytes_sent},
          {"lsas_accepted", statistics.lsas_accepted},
          {"lsas_rejected", statistics.lsas_rejected},
          {"lsas_originated", statistics.lsas_originated},
          {"retransmissions", statistics.retransmissions},
          {"spf_runs", statistics.spf_runs},
          {"spf_full_runs", statistics.spf_full_runs},
          {"signatures_verified", statistics.signatures_verified}};
}

json drops_json(const wg::DropCounters& drops) {
  json named = json::object();
  for (std::size_t i = 0; i < drops.size(); ++i) {
    if (drops[i] > 0) named[wg::to_string(static_cast<wg::DropReason>(i))] = drops[i];
  }
  return named;
}

json endpoint_json(const std::optional<Endpoint>& endpoint) {
  return endpoint ? json(endpoint->to_string()) : json();
}

// Every row of `routes` has these keys.
json route_row(const Prefix& prefix, const char* status) {
  return {{"prefix", prefix.to_string()},
          {"origins", json::array()},
          {"metric", nullptr},
          {"next_hops", json::array()},
          {"backup", nullptr},
          {"backup_kind", nullptr},
          {"status", status},
          {"reason", nullptr},
          {"note", nullptr}};
}

using RouteRows = std::multimap<Prefix, json>;

// The engine has its own table; packets of this machine find the way only if the kernel's has it too.
void note_trouble(const ViewContext& context, const Prefix& prefix, json& row) {
  const auto trouble = context.route_trouble ? context.route_trouble(prefix) : std::nullopt;
  if (!trouble) return;
  row["status"] = "failed";
  row["reason"] = *trouble;
}

void add_own_routes(const ViewContext& context, RouteRows& rows) {
  const std::string self = context.names.node(context.router.config().id);
  std::set<Prefix> taken;
  for (const StaticPeer& peer : context.static_peers) {
    for (const Prefix& prefix : peer.prefixes) {
      json row = route_row(prefix, "static");
      row["origins"] = {self};
      row["next_hops"] = {context.names.neighbor(peer.peer)};
      note_trouble(context, prefix, row);
      rows.emplace(prefix, std::move(row));
      taken.insert(prefix);
    }
  }
  for (const Prefix& prefix : context.own_prefixes) {
    if (!taken.insert(prefix).second) continue;
    json row = route_row(prefix, "own");
    row["origins"] = {self};
    rows.emplace(prefix, std::move(row));
  }
}

void add_learned_routes(const ViewContext& context, RouteRows& rows) {
  std::map<std::uint32_t, routing::RouteGroup> groups;
  for (routing::RouteGroup& group : context.router.groups()) groups.emplace(group.id, std::move(group));
  for (const routing::Route& route : context.router.routes()) {
    const routing::RouteGroup& group = groups[route.group];
    json row = route_row(route.prefix, group.members.empty() ? "unreachable" : "installed");
    row["origins"] = names_of(group.origins, context.names.node);
    if (group.metric != routing::kUnreachable) row["metric"] = group.metric;
    row["next_hops"] = names_of(group.members, context.names.neighbor);
    row["backup"] = neighbor_or_null(context.names, group.backup);
    if (group.backup != routing::kNoNeighbor) row["backup_kind"] = routing::to_string(group.backup_kind);
    note_trouble(context, route.prefix, row);
    rows.emplace(route.prefix, std::move(row));
  }
}

// One row for each prefix that others announce and that `accept` refuses, with all its origins.
void add_refused_routes(const ViewContext& context, RouteRows& rows) {
  std::map<Prefix, json> refused;
  for (const routing::LsaView& lsa : context.router.database(context.now)) {
    if (lsa.key.origin == context.router.config().id) continue;
    for (const routing::LsaPrefixView& announced : lsa.prefixes) {
      if (announced.verdict == routing::ImportVerdict::accepted) continue;
      json& row = refused.try_emplace(announced.prefix, route_row(announced.prefix, "refused")).first->second;
      row["reason"] = routing::to_string(announced.verdict);
      row["origins"].push_back(context.names.node(lsa.key.origin));
    }
  }
  for (auto& [prefix, row] : refused) rows.emplace(prefix, std::move(row));
}

// What else is known of a prefix that is used: who else announces it, inside whose it lies, that no grant allows it.
std::string note_of(const ViewContext& context, const routing::PrefixFinding& finding) {
  const auto list = [&](const std::vector<routing::NodeId>& nodes) {
    std::set<std::string> names;
    for (const routing::NodeId& node : nodes) names.insert(context.names.node(node));
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  };
  switch (finding.kind) {
    case routing::PrefixFinding::Kind::duplicate: return "announced by " + list(finding.origins);
    case routing::PrefixFinding::Kind::more_specific:
      return list(finding.origins) + " inside " + finding.inside->to_string() + " of " + list(finding.inside_origins);
    case routing::PrefixFinding::Kind::not_granted: return "not granted to " + list(finding.origins);
  }
  return {};
}

// On the row of the prefix that is used, or our own; a refused one has its reason.
void add_notes(const ViewContext& context, RouteRows& rows) {
  for (const routing::PrefixFinding& finding : context.router.prefix_findings()) {
    const auto [first, last] = rows.equal_range(finding.prefix);
    const auto row = std::find_if(first, last, [](const auto& entry) { return entry.second["status"] != "refused"; });
    if (row == last) continue;
    json& note = row->second["note"];
    note = (note.is_null() ? "" : note.get<std::string>() + "; ") + note_of(context, finding);
  }
}

// Null without a network key, and without a grant.
json granted_until(const routing::Router& router) {
  const auto grant = router.own_grant();
  return grant && !grant->revoked ? json(date_text(grant->until_s)) : json();
}

json duplicates_json(const ViewContext& context) {
  json list = json::array();
  for (const routing::DuplicateView& view : context.router.duplicates(context.now)) {
    list.push_back({{"ourselves", view.ourselves},
                    {"neighbor", context.names.neighbor(view.neighbor)},
                    {"since_ms", milliseconds(context.now.monotonic - view.since)},
                    {"last_ms", milliseconds(context.now.monotonic - view.last)},
                    {"signs", view.signs}});
  }
  return list;
}

std::string state_of(const routing::GrantView& view) {
  if (view.grant.revoked) return "revoked";
  return view.present ? "member" : "absent";
}

}  // namespace

const std::vector<std::string_view>& view_names() {
  static const std::vector<std::string_view> kNames{"status",  "neighbors", "routes",  "lsdb",   "grants",
                                                    "tunnels", "egress",    "ingress", "transit"};
  return kNames;
}

json drain_view(const routing::Router& router) {
  const std::vector<routing::NeighborView> neighbors = router.neighbors();
  return {{"drained", router.drained()},
          {"neighbors_full", std::count_if(neighbors.begin(), neighbors.end(),
                                           [](const auto& n) { return n.state == routing::NeighborState::full; })},
          {"unacknowledged", router.unacknowledged()}};
}

json status_view(const ViewContext& context) {
  const routing::Router& router = context.router;
  const wg::BackendStatus backend = context.backend.status();
  const std::vector<routing::NeighborView> neighbors = router.neighbors();
  return {{"name", router.config().name},
          {"node", routing::to_string(router.config().id)},
          {"public_key", to_base64(backend.public_key)},
          {"interface", backend.interface},
          {"listen_port", backend.listen_port},
          {"version", version()},
          {"mono_ns", context.now.monotonic.time_since_epoch().count()},
          {"uptime_ms", milliseconds(context.now.monotonic - context.started)},
          {"digest", to_hex(router.digest())},
          {"network_key", router.config().network_key ? json(to_base64(router.config().network_key->bytes)) : json()},
          {"granted_until", granted_until(router)},
          {"drained", router.drained()},
          {"duplicates", duplicates_json(context)},
          {"neighbors_full", std::count_if(neighbors.begin(), neighbors.end(),
                                           [](const auto& n) { return n.state == routing::NeighborState::full; })},
          {"lsas", router.database(context.now).size()},
          {"routes", router.routes().size()},
          {"statistics", statistics_json(router.statistics())}};
}

json neighbors_view(const ViewContext& context) {
  std::map<wg::PeerId, std::optional<Endpoint>> endpoints;
  for (const wg::PeerStatus& peer : context.backend.status().peers) endpoints[peer.id] = peer.endpoint;
  json list = json::array();
  for (const routing::NeighborView& neighbor : context.router.neighbors()) {
    json row{{"name", context.names.neighbor(neighbor.id)},
             {"public_key", to_base64(neighbor.wireguard_key)},
             {"node", neighbor.node ? json(routing::to_string(*neighbor.node)) : json()},
             {"state", routing::to_string(neighbor.state)},
             {"since_ms", milliseconds(context.now.monotonic - neighbor.since)},
             {"cost", neighbor.cost},
             {"obstacle", *neighbor.obstacle != '\0' ? json(neighbor.obstacle) : json()},
             {"manual", neighbor.cost_is_manual},
             {"rtt_us", nullptr},
             {"loss_permille", neighbor.loss_permille},
             {"grey", nullptr},
             {"carried_bytes", nullptr},
             {"endpoint", endpoint_json(endpoints[neighbor.id])},
             {"detection_ms", milliseconds(neighbor.detection_time)},
             {"hellos_sent", neighbor.hellos_sent},
             {"hellos_received", neighbor.hellos_received},
             {"times_down", neighbor.times_down},
             {"suspect", neighbor.suspect},
             {"times_suspect", neighbor.times_suspect}};
    if (neighbor.round_trip) row["rtt_us"] = neighbor.round_trip->count() / 1000;
    if (neighbor.grey != routing::GreyReason::none) row["grey"] = routing::to_string(neighbor.grey);
    if (neighbor.carried_size) row["carried_bytes"] = *neighbor.carried_size;
    list.push_back(std::move(row));
  }
  return list;
}

json routes_view(const ViewContext& context) {
  RouteRows rows;
  add_own_routes(context, rows);
  add_learned_routes(context, rows);
  add_refused_routes(context, rows);
  add_notes(context, rows);
  json list = json::array();
  for (auto& [prefix, row] : rows) list.push_back(std::move(row));
  return list;
}

json lsdb_view(const ViewContext& context) {
  json list = json::array();
  for (const routing::LsaView& lsa : context.router.database(context.now)) {
    json links = json::array();
    for (const routing::LsaLinkView& link : lsa.links) {
      links.push_back({{"neighbor", context.names.node(link.neighbor)},
                       {"metric", link.metric},
                       {"manual", link.manual},
                       {"two_way", link.two_way}});
    }
    json prefixes = json::array();
    for (const routing::LsaPrefixView& announced : lsa.prefixes) {
      prefixes.push_back(
          {{"prefix", announced.prefix.to_string()}, {"verdict", routing::to_string(announced.verdict)}});
    }
    list.push_back({{"origin", context.names.node(lsa.key.origin)},
                    {"node", routing::to_string(lsa.key.origin)},
                    {"fragment", lsa.key.fragment},
                    {"sequence", lsa.sequence},
                    {"remaining_s", lsa.remaining_s},
                    {"reachable", lsa.reachable},
                    {"transit", lsa.transit},
                    {"drained", lsa.drained},
                    {"public_key", to_base64(lsa.wireguard_key)},
                    {"links", std::move(links)},
                    {"prefixes", std::move(prefixes)}});
  }
  return list;
}

json grants_view(const ViewContext& context) {
  json list = json::array();
  for (const routing::GrantView& view : context.router.grants()) {
    json prefixes = json::array();
    for (const routing::PrefixPattern& right : view.grant.rights) prefixes.push_back(right.to_string());
    list.push_back({{"name", view.name.empty() ? json() : json(view.name)},
                    {"node", routing::to_string(view.grant.holder)},
                    {"state", state_of(view)},
                    {"serial", view.grant.serial},
                    {"until", date_text(view.grant.until_s)},
                    {"prefixes", std::move(prefixes)}});
  }
  return list;
}

json tunnels_view(const ViewContext& context) {
  std::set<routing::NeighborId> routed;
  for (const routing::NeighborView& neighbor : context.router.neighbors()) routed.insert(neighbor.id);
  const wg::BackendStatus status = context.backend.status();
  json list = json::array();
  for (const wg::PeerStatus& peer : status.peers) {
    json row{{"name", context.names.neighbor(peer.id)},
             {"public_key", to_base64(peer.public_key)},
             {"endpoint", endpoint_json(peer.endpoint)},
             {"routing", routed.contains(peer.id)},
             {"last_handshake_s", nullptr},
             {"rx_bytes", peer.rx_bytes},
             {"tx_bytes", peer.tx_bytes},
             {"rx_packets", peer.rx_packets},
             {"tx_packets", peer.tx_packets},
             {"unanswered_initiations", peer.unanswered_initiations},
             {"drops", drops_json(peer.drops)}};
    if (peer.last_handshake) {
      // A wall clock that was set back must not make a handshake of the future.
      const Duration age = std::max(context.now.wall - *peer.last_handshake, Duration::zero());
      row["last_handshake_s"] = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    }
    list.push_back(std::move(row));
  }
  list.push_back({{"name", nullptr}, {"drops", drops_json(status.drops)}});
  return list;
}

json egress_view(const ViewContext& context) {
  wg::EgressDescription egress = context.backend.egress();
  std::sort(egress.entries.begin(), egress.entries.end(),
            [](const auto& a, const auto& b) { return a.prefix < b.prefix; });
  json list = json::array();
  for (const wg::EgressEntry& entry : egress.entries) {
    const wg::NextHopGroup& group = egress.groups.at(entry.group);
    list.push_back({{"prefix", entry.prefix.to_string()},
                    {"next_hops", names_of(group.members, context.names.neighbor)},
                    {"backup", neighbor_or_null(context.names, group.backup)}});
  }
  return list;
}

json ingress_view(const ViewContext& context) {
  wg::IngressDescription ingress = context.backend.ingress();
  std::sort(ingress.entries.begin(), ingress.entries.end(),
            [](const auto& a, const auto& b) { return a.prefix < b.prefix; });
  json list = json::array();
  for (const wg::IngressEntry& entry : ingress.entries) {
    list.push_back({{"prefix", entry.prefix.to_string()},
                    {"allowed", names_of(ingress.sets.at(entry.set), context.names.neighbor)}});
  }
  return list;
}

json transit_view(const ViewContext& context) {
  const wg::TransitDescription live = context.backend.transit();
  const auto family_row = [&](Family family, const std::optional<std::string>& obstacle) {
    const std::optional<IpAddress>& source = family == Family::ipv4 ? live.source_v4 : live.source_v6;
    json punts = json::array();
    for (const Prefix& prefix : live.punts)
      if (prefix.family() == family) punts.push_back(prefix.to_string());
    return json{{"family", family == Family::ipv4 ? "ipv4" : "ipv6"},
                {"fast_path", live.fast_path && !obstacle},
                {"reason", obstacle ? json(*obstacle) : json()},
                {"source", source ? json(source->to_string()) : json()},
                {"punts", std::move(punts)}};
  };
  const TransitReport& report = context.transit;
  return {{"offered", report.offered},
          {"families",
           json::array({family_row(Family::ipv4, report.obstacle_v4), family_row(Family::ipv6, report.obstacle_v6)})},
          {"kernel_routes", report.kernel_routes},
          {"dropping_chains", report.dropping_chains ? report.dropping_chains() : std::vector<std::string>{}}};
}

Result<json> answer_request(const ViewContext& context, const json& request) {
  if (request.value("command", "") != "show") {
    return Error{
        R"(unknown command; say {"command":"show","what":W}, {"command":"watch"}, {"command":"capture"}, {"command":"drain"}, {"command":"undrain"} or {"command":"grant"})"};
  }
  const auto what = request.find("what");
  using View = json (*)(const ViewContext&);
  static const std::map<std::string_view, View> kViews{
      {"status", status_view}, {"neighbors", neighbors_view}, {"routes", routes_view},
      {"lsdb", lsdb_view},     {"grants", grants_view},       {"tunnels", tunnels_view},
      {"egress", egress_view}, {"ingress", ingress_view},     {"transit", transit_view}};
  if (what != request.end() && what->is_string()) {
    const auto view = kViews.find(what->get_ref<const std::string&>());
    if (view != kViews.end()) return view->second(context);
  }
  std::string choices;
  for (const std::string_view name : view_names()) choices += (choices.empty() ? "" : ", ") + std::string(name);
  return Error{"`what` is one of " + choices};
}

}  // namespace starling::daemon
