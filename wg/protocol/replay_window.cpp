#include "wg/protocol/replay_window.h"

#include <algorithm>
#include <limits>

namespace starling::wg {

bool ReplayWindow::accept(std::uint64_t counter) {
  constexpr std::uint64_t kWords = kBits / kWordBits;
  if (counter == std::numeric_limits<std::uint64_t>::max()) return false;  // next_ could not pass it
  const std::uint64_t word = counter / kWordBits;
  if (counter >= next_) {
    // The window is a ring of words. Those entered now still hold the bits of a round ago.
    const std::uint64_t newest_word = next_ == 0 ? 0 : (next_ - 1) / kWordBits;
    const std::uint64_t entered = std::min(word - newest_word, kWords);
    for (std::uint64_t i = 1; i <= entered; i++) words_[(newest_word + i) % kWords] = 0;
    next_ = counter + 1;
  } else if (next_ - 1 - counter > kUsableBits) {
    return false;
  }
  const std::uint64_t bit = std::uint64_t{1} << (counter % kWordBits);
  std::uint64_t& bits = words_[word % kWords];
  if ((bits & bit) != 0) return false;
  bits |= bit;
  return true;
}

}  // namespace starling::wg
