// The routing module's and the engine's events as events of docs/control.md: name, level, fields and cause, with names
// in place of handles, rate-limited where a hostile or broken neighbour decides how many there are.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "base/time.h"
#include "daemon/control/event_log.h"
#include "daemon/control/names.h"
#include "routing/event.h"
#include "wg/drop_reason.h"
#include "wg/tables.h"
#include "wg/unreachable.h"

namespace starling::daemon {

// At most this many rejected announcements a second and neighbour are shown one by one; the next one shown says how
// many were not.
inline constexpr std::uint32_t kRejectEventsPerSecond = 5;

nlohmann::ordered_json cause_json(const routing::Cause& cause, const Names& names);

class EventPublisher {
 public:
  // Both must outlive this.
  EventPublisher(EventLog& log, const Names& names) : log_(log), names_(names) {}

  // route_group, route_add and route_remove are not published: the daemon says egress.swap, route.install and
  // route.remove itself, when engine and kernel have followed. `spf_duration` is what the host measured around the
  // call that ran SPF; it is left out where unknown.
  void publish(const routing::Event& event, Now now, std::optional<Duration> spf_duration = std::nullopt);

  // BackendObserver::on_drop, which is rate-limited already. `endpoint` of the peer, if known, makes the hint better.
  void publish_drop(wg::PeerId peer, wg::DropReason reason, std::uint64_t count, std::optional<IpAddress> source,
                    std::optional<Endpoint> endpoint, Now now);
  // BackendObserver::on_unreachable, where it is news.
  void publish_unreachable(wg::PeerId peer, const wg::Unreachable& what, Now now);

 private:
  struct Window {
    Time start{};
    std::uint32_t shown = 0;
    std::uint64_t hidden = 0;
  };
  // How many were hidden before this one; nothing if this one is to be hidden.
  std::optional<std::uint64_t> pass_rate_limit(routing::NeighborId neighbor, Time now);

  EventLog& log_;
  const Names& names_;
  std::map<routing::NeighborId, Window> reject_windows_;
};

}  // namespace starling::daemon
