// Is there still someone at the other end of a tunnel that carries traffic? Data that is sent wants to be answered by
// something, whatever it is; who receives data and has nothing to say owes a sign of life. So one-way flows are
// answered as two-way flows are, a dead neighbour is noticed within kQuietAfter, and a tunnel without traffic costs
// nothing.
//
// Traffic is data and those signs of life. Control packets are no part of it: whoever says Hello may hear nothing, and
// the answer to data would be missed for it.
//
// Sans-I/O: whoever carries the packets (engine or simulator) reports them and asks for the deadline. Exact: on_timer
// before next_deadline() does nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace starling {

// A sign of life is owed sooner than half of what its absence is noticed after: one may get lost.
inline constexpr Duration kQuietAfter = std::chrono::milliseconds(25);
inline constexpr Duration kOwedAfter = std::chrono::milliseconds(12);

class TrafficWatch {
 public:
  enum class Notice : std::uint8_t {
    none,
    quiet,  // data was sent, and nothing was heard for kQuietAfter; said once, until something is heard
    owed,   // data came, and nothing was sent for kOwedAfter: send a sign of life
  };

  // `data`: a packet that is someone's; else a sign of life.
  void on_sent(Time now, bool data) {
    owed_at_ = kNever;
    if (data && !told_ && quiet_at_ == kNever) quiet_at_ = now + kQuietAfter;
  }
  // True if this ends a silence that on_timer has told of.
  bool on_received(Time now, bool data) {
    const bool ends = told_;
    told_ = false;
    heard_at_ = now;
    quiet_at_ = kNever;
    if (data && owed_at_ == kNever) owed_at_ = now + kOwedAfter;
    return ends;
  }

  // When traffic last came, if that is news since this was last asked.
  std::optional<Time> take_heard() {
    const std::optional<Time> heard = heard_at_;
    heard_at_.reset();
    return heard;
  }

  Time next_deadline() const { return quiet_at_ < owed_at_ ? quiet_at_ : owed_at_; }
  // Of several that are due, one; the other with the next call.
  Notice on_timer(Time now) {
    if (owed_at_ <= now) {
      owed_at_ = kNever;
      return Notice::owed;
    }
    if (quiet_at_ > now) return Notice::none;
    quiet_at_ = kNever;
    told_ = true;
    return Notice::quiet;
  }

 private:
  Time quiet_at_ = kNever;
  Time owed_at_ = kNever;
  std::optional<Time> heard_at_;
  bool told_ = false;
};

}  // namespace starling
