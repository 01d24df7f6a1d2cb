#include "topologies/lab/sim/flow_probe.h"

#include <algorithm>

namespace starling::sim {

lab::ProbeRecord probe_record_of(const FlowRecord& flow, Time now) {
  lab::ProbeRecord record;
  const auto first_open = std::find_if(flow.packets.rbegin(), flow.packets.rend(), [](const FlowPacket& packet) {
                            return packet.fate != Fate::under_way;
                          }).base();
  for (auto packet = flow.packets.begin(); packet != first_open; ++packet) {
    const bool arrived = packet->fate == Fate::delivered;
    record.packets.push_back(
        {packet->sent_at.time_since_epoch().count(), arrived ? packet->ended_at.time_since_epoch().count() : 0});
  }
  record.end_ns = std::min(flow.ended_at, now).time_since_epoch().count();
  return record;
}

}  // namespace starling::sim
