// Trying the way of the data: Hellos are small and go ahead, so they say little about it. Probes are packets of a
// chosen size, sent as data is; the other end tells which of them arrived. The search for the largest size that passes
// follows packetization-layer path MTU discovery (RFC 8899).
//
// Invariants: one probe of full size at a time, and no other before it was answered or had its time; what arrived is
// believed however late the answer is. All sizes are bytes of the packet inside the tunnel.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/random.h"
#include "base/time.h"
#include "routing/limits.h"
#include "routing/messages.h"

namespace starling::routing {

struct ProbeToSend {
  std::uint32_t number = 0;
  std::uint16_t size = 0;
};

// The sending side of one link.
class PathProber {
 public:
  struct Pace {
    Duration interval{};    // while all is well, up to kPathProbeJitterPercent earlier
    Duration unanswered{};  // until the next try
  };

  // `full_size`: the tunnel's MTU.
  explicit PathProber(std::uint16_t full_size) : full_size_(std::max(full_size, kMinProbeSize)) {}

  void start(Time now);  // the first probe is due at once; nothing is known any more
  void stop();
  void set_full_size(std::uint16_t size) { full_size_ = std::max(size, kMinProbeSize); }
  // What is to be sent now: nothing before next_deadline().
  std::vector<ProbeToSend> take_due(Time now, const Pace& pace, RandomSource& random);
  void on_answer(const PathAnswer& answer);
  Time next_deadline() const { return next_at_; }

  // Of the newest probes of full size that had their time, since the start; at most kProbesRemembered.
  std::size_t lost_in_a_row(Time now) const;
  std::size_t lost_of(std::size_t newest, Time now) const;

  // While those of full size are lost: whether smaller ones pass; and the largest size known to pass, once the search
  // for it has ended.
  bool passes_smaller() const { return carried_ > 0; }
  std::optional<std::uint16_t> carried_size() const;

 private:
  struct Probe {
    std::uint32_t number = 0;
    bool arrived = false;
  };
  struct Trial {
    std::uint16_t size = 0;
    std::uint32_t number = 0;
    std::uint8_t tries = 0;
    bool arrived = false;
  };

  std::size_t kept() const { return std::min(sent_, probes_.size()); }
  const Probe& newest(std::size_t age) const { return probes_[(sent_ - 1 - age) % probes_.size()]; }
  // How many of the newest are still to be waited for: the very newest, or none.
  std::size_t pending(Time now) const { return sent_ > 0 && now < next_at_ && !newest(0).arrived ? 1 : 0; }
  bool search_is_over() const { return carried_ > 0 && refused_ - carried_ <= kProbeSizeStep; }
  std::uint16_t next_trial_size() const;
  void search(std::vector<ProbeToSend>& due);

  std::uint16_t full_size_;
  std::uint32_t number_ = 0;  // of the newest probe
  std::array<Probe, kProbesRemembered> probes_{};
  std::size_t sent_ = 0;  // of full size
  Time next_at_ = kNever;
  Time after_answer_ = kNever;  // when the next is due once the newest is answered
  std::optional<Trial> trial_;  // of another size: the search is under way, or over
  std::uint16_t carried_ = 0;   // the largest size that arrived in this search
  std::uint16_t refused_ = 0;   // the smallest that was tried in vain
};

// The receiving side: which of the other end's probes arrived.
class ArrivedProbes {
 public:
  PathAnswer on_probe(std::uint32_t number);
  void reset() { answer_.reset(); }

 private:
  std::optional<PathAnswer> answer_;
};

}  // namespace starling::routing
