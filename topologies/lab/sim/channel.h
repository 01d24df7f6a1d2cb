// One direction of a link: when a packet that is put on it arrives, if at all. Delay, jitter, loss, duplication,
// reordering, a rate with a queue before it, a largest size, and the ways in which such a thing fails: closed
// (everything vanishes) and clogged (everything waits).
//
// Invariant: what happens follows from the arguments and the random source alone; a property that is zero draws
// nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/random.h"
#include "base/time.h"

namespace starling::sim {

// Packets that the engine sends ahead of all others (docs/protocol.md), and everyone's traffic.
enum class Precedence : std::uint8_t { control, data };

inline constexpr std::size_t kOuterOverhead = 60;  // bytes that WireGuard, UDP and IPv4 add to a packet on the wire

struct Quality {
  Duration delay = std::chrono::milliseconds(1);
  Duration jitter{};  // at random up to this much more, so packets overtake each other
  std::uint32_t loss_permille = 0;
  std::uint32_t duplicate_permille = 0;
  std::uint32_t reorder_permille = 0;     // held back for up to ten delays more
  std::uint64_t rate_bits_per_s = 0;      // 0: no limit
  std::uint32_t queue_size = 256 * 1024;  // bytes that may wait where there is a limit
  std::uint32_t mtu = 65535;              // bytes of an inner packet; a longer one vanishes

  friend bool operator==(const Quality&, const Quality&) = default;
};

class Channel {
 public:
  Quality quality;
  bool open = true;      // false: what is sent vanishes, and what is under way too
  Time clogged_until{};  // nothing arrives before

  // The moments at which copies of a packet arrive.
  struct Arrivals {
    std::array<Time, 2> at{};
    int count = 0;
  };
  // `size`: bytes of the inner packet.
  Arrivals send(Time now, std::size_t size, Precedence precedence, RandomSource& random);

 private:
  // When the last bit is on the wire; kNever if the queue is full.
  Time leave(Time now, std::size_t size, Precedence precedence);

  Time control_free_at_{};  // the line has sent all control packets that wait
  Time free_at_{};          // and all others
};

}  // namespace starling::sim
