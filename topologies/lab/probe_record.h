// What became of a probe's packets.
//
// An outage is a run of packets that were sent and never arrived. It lasts from the moment when the first of them was
// sent to the moment when the next one that did arrive was sent. Both are send times, so neither the path's delay nor a
// late receiver counts; one lost packet is an outage of one interval. A run that lasts to the end counts to the end.
// Packets that overtake others are no outage.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace starling::lab {

struct ProbePacket {
  std::int64_t sent_ns = 0;
  std::int64_t received_ns = 0;  // 0: has not arrived
};

struct Outage {
  std::optional<std::int64_t> last_good_ns;  // when the packet before was sent
  std::int64_t first_lost_ns = 0;
  std::int64_t end_ns = 0;  // when the next good one was sent, or the end
  bool recovered = false;
  std::uint64_t lost = 0;

  std::int64_t length_ns() const { return end_ns - first_lost_ns; }
};

struct ProbeRecord {
  std::vector<ProbePacket> packets;  // by sequence number
  std::int64_t end_ns = 0;           // when the last one's interval was over

  std::uint64_t received() const;
  std::vector<Outage> outages() const;  // in order
  std::int64_t longest_outage_ns() const;
};

}  // namespace starling::lab
