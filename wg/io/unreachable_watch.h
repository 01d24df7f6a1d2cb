// How often the owner hears of ICMP errors about one peer: whoever forges them, or a filter on the way, decides how
// many there are. Time is an argument.
#pragma once

#include <array>
#include <optional>

#include "base/time.h"
#include "wg/unreachable.h"

namespace starling::wg {

inline constexpr Duration kUnreachableInterval = std::chrono::seconds(1);  // between two notifications about a peer
inline constexpr Duration kUnreachableCalm = std::chrono::seconds(60);     // without one of its meaning: it is news

class UnreachableWatch {
 public:
  struct Verdict {
    bool notify = false;
    bool is_news = false;  // the first of this meaning since the peer was well, or after a calm
  };

  Verdict on_error(Time now, UnreachableMeaning meaning) {
    std::optional<Time>& last = last_[static_cast<std::size_t>(meaning)];
    const bool is_news = !last || now - *last >= kUnreachableCalm;
    last = now;
    if (!is_news && notified_ && now - *notified_ < kUnreachableInterval) return {};
    notified_ = now;
    return {true, is_news};
  }
  // The tunnel carries packets.
  void on_well() { last_ = {}; }

 private:
  std::array<std::optional<Time>, kUnreachableMeaningCount> last_{};
  std::optional<Time> notified_;
};

}  // namespace starling::wg
