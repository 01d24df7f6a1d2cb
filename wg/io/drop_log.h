// Counts every dropped packet by peer and reason, and decides when a person is told: the first at once, then at most
// one report a second per peer and reason, with the count since the last. Time is an argument. One thread only.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "base/time.h"
#include "wg/drop_reason.h"
#include "wg/io/backend.h"
#include "wg/tables.h"

namespace starling::wg {

inline constexpr Duration kDropReportInterval = std::chrono::seconds(1);

class DropLog {
 public:
  DropLog() {
    slots_.resize(1);
    slots_[0] = std::make_unique<Slot>();
  }

  void add_peer(PeerId peer);
  // Its counters read zero from here on; nothing more is reported of it.
  void remove_peer(PeerId peer);

  // `peer` may be kNoPeer. What a peer that was removed still causes counts as of no known peer.
  void record(Time now, const DropReport& drop);
  // Counts without ever telling anyone.
  void count_silently(PeerId peer, DropReason reason, std::uint64_t count = 1);

  // When the next report is due; kNever if nothing waits.
  Time next_deadline() const { return next_deadline_; }
  // The reports that are due at `now`, appended to `out`.
  void take_due(Time now, std::vector<DropReport>& out);

  DropCounters counters(PeerId peer) const;

 private:
  struct Tally {
    std::uint64_t total = 0;
    std::uint64_t unreported = 0;
    std::optional<Time> reported;  // when last
    std::optional<IpAddress> address;
    std::uint16_t port = 0;
    int error = 0;
  };
  using Slot = std::array<Tally, kDropReasonCount>;
  struct Waiting {
    PeerId peer;
    DropReason reason;
  };

  Tally* find(PeerId peer, DropReason reason);  // null if there is no such peer
  Tally& find_or_unknown(PeerId& peer, DropReason reason);
  static Time due(const Tally& tally) { return tally.reported ? *tally.reported + kDropReportInterval : Time{}; }

  std::vector<std::unique_ptr<Slot>> slots_{};  // [0] no peer, [1 + peer]; a removed peer's is null and costs no more
  std::vector<Waiting> waiting_;                // those with unreported drops
  Time next_deadline_ = kNever;
};

}  // namespace starling::wg
