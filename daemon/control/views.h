// What `starling show` shows, as JSON (docs/control.md): read from the live router and the live engine at the moment of
// the question, never from a copy that could have gone stale.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "base/time.h"
#include "daemon/control/names.h"
#include "wg/tables.h"

namespace starling::routing {
class Router;
}
namespace starling::wg {
class Backend;
}

namespace starling::daemon {

// A stock WireGuard peer (`routing: false`), whose `allowed_ips` we announce.
struct StaticPeer {
  wg::PeerId peer = wg::kNoPeer;
  std::vector<Prefix> prefixes;
};

// What decides whether transit takes the engine's fast path, beyond what the engine itself knows.
struct TransitReport {
  bool offered = false;                    // `transit` of the configuration
  std::optional<std::string> obstacle_v4;  // why not; nothing: it does
  std::optional<std::string> obstacle_v6;
  std::size_t kernel_routes = 0;  // that are watched
  // The machine's forward chains whose policy is to drop, read when asked.
  std::function<std::vector<std::string>()> dropping_chains = {};
};

struct ViewContext {
  const routing::Router& router;
  const wg::Backend& backend;
  const Names& names;
  std::vector<StaticPeer> static_peers;
  std::vector<Prefix> own_prefixes;  // announced for ourselves, without those of static peers
  Time started{};
  Now now{};
  // Why the kernel lacks a route that the engine carries; nothing where it has it.
  std::function<std::optional<std::string>(const Prefix&)> route_trouble = {};
  TransitReport transit = {};
};

// "status", "neighbors", "routes", "lsdb", "grants", "tunnels", "egress", "ingress", "transit"
const std::vector<std::string_view>& view_names();

// The answer to {"command":"drain"} and {"command":"undrain"}.
nlohmann::json drain_view(const routing::Router& router);

nlohmann::json status_view(const ViewContext& context);
nlohmann::json neighbors_view(const ViewContext& context);
nlohmann::json routes_view(const ViewContext& context);
nlohmann::json lsdb_view(const ViewContext& context);
nlohmann::json grants_view(const ViewContext& context);
nlohmann::json tunnels_view(const ViewContext& context);
nlohmann::json egress_view(const ViewContext& context);
nlohmann::json ingress_view(const ViewContext& context);
nlohmann::json transit_view(const ViewContext& context);

// The answer to {"command":"show","what":W}; an error lists what would be right. Fit to be a ControlServer::Handler.
Result<nlohmann::json> answer_request(const ViewContext& context, const nlohmann::json& request);

}  // namespace starling::daemon
