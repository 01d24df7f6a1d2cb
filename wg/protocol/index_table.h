// Our receiver indices (whitepaper §5.4.2: "sender"): to whom each belongs. Random, so that they tell nothing, and
// never two alike.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/random.h"
#include "wg/tables.h"

namespace starling::wg {

class IndexTable {
 public:
  std::uint32_t allocate(PeerId peer, RandomSource& random) {
    for (;;) {
      const std::uint32_t index = random.u32();
      if (owners_.try_emplace(index, peer).second) return index;
    }
  }
  void release(std::uint32_t index) { owners_.erase(index); }
  std::optional<PeerId> find(std::uint32_t index) const {
    const auto found = owners_.find(index);
    return found == owners_.end() ? std::nullopt : std::optional(found->second);
  }
  std::size_t size() const { return owners_.size(); }

 private:
  std::unordered_map<std::uint32_t, PeerId> owners_;  // never iterated
};

}  // namespace starling::wg
