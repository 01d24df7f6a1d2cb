// What happened to the kernel's routes, as events of docs/control.md.
#pragma once

#include <map>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemon/control/event_log.h"
#include "daemon/control/names.h"
#include "daemon/egress_plan.h"
#include "daemon/kernel_routes.h"
#include "routing/event.h"

namespace starling::daemon {

class RouteEvents {
 public:
  // All must outlive this.
  RouteEvents(EventLog& log, const Names& names, const EgressPlan& plan) : log_(log), names_(names), plan_(plan) {}

  // `table` is where protected routes are.
  void publish(const RouteOutcome& outcome, std::uint32_t table, const routing::Cause& cause, Now now);

 private:
  nlohmann::ordered_json describe(const Prefix& prefix) const;

  EventLog& log_;
  const Names& names_;
  const EgressPlan& plan_;
  // As last told; a removed route is described as it was.
  std::map<Prefix, nlohmann::ordered_json> told_;
};

}  // namespace starling::daemon
