#include "topologies/lab/probe_record.h"

#include <algorithm>

namespace starling::lab {

std::uint64_t ProbeRecord::received() const {
  return static_cast<std::uint64_t>(
      std::count_if(packets.begin(), packets.end(), [](const ProbePacket& packet) { return packet.received_ns != 0; }));
}

std::vector<Outage> ProbeRecord::outages() const {
  std::vector<Outage> found;
  std::optional<std::int64_t> last_good_ns;
  std::optional<Outage> open;
  for (const ProbePacket& packet : packets) {
    if (packet.received_ns == 0) {
      if (!open) open = Outage{last_good_ns, packet.sent_ns, end_ns, false, 0};
      open->lost++;
      continue;
    }
    last_good_ns = packet.sent_ns;
    if (!open) continue;
    open->end_ns = packet.sent_ns;
    open->recovered = true;
    found.push_back(*open);
    open.reset();
  }
  if (open) found.push_back(*open);
  return found;
}

std::int64_t ProbeRecord::longest_outage_ns() const {
  std::int64_t longest = 0;
  for (const Outage& outage : outages()) longest = std::max(longest, outage.length_ns());
  return longest;
}

}  // namespace starling::lab
