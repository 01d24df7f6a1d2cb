// {"command":"grant","grants":["…",…]} of docs/control.md: grants that somebody hands to a running daemon.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "routing/lsa.h"

namespace starling::routing {
class Router;
}

namespace starling::daemon {

// All of them, or what is wrong with the first that this router would not take: no grant, not of its network, over, or
// older than the one that it has.
Result<std::vector<routing::LsaHandle>> checked_grants(const routing::Router& router, const nlohmann::json& request,
                                                       WallTime now);

}  // namespace starling::daemon
