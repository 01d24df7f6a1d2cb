// Which of up to 2^32 - 1 slots holds something, found by its hash: SlotIndex (slot_index.h) for tables that outgrow
// it. Four bytes a cell and nothing of the hash in it, so an entry costs 5 to 11 bytes whatever its key.
//
// Invariants: at least a quarter of the cells is empty; no cell is ever marked as deleted (a removal moves up what
// follows). The order of cells is never looked at, so nothing depends on the hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starling::routing {

class WideIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;

  // `same(slot)` says whether the key of that slot is the one wanted.
  template <typename Same>
  std::uint32_t find(std::uint64_t hash, Same same) const {
    if (cells_.empty()) return kNone;
    std::size_t at = hash & mask();
    while (cells_[at] != kNone && !same(cells_[at])) at = (at + 1) & mask();
    return cells_[at];
  }

  // `hash_of(slot)` gives the hash of a slot that is in the index already. The slot must not be.
  template <typename HashOf>
  void insert(std::uint64_t hash, std::uint32_t slot, HashOf hash_of) {
    if ((used_ + 1) * 4 > cells_.size() * 3) grow(hash_of);
    place(hash, slot);
    used_++;
  }

  // The slot must be in the index.
  template <typename HashOf>
  void erase(std::uint64_t hash, std::uint32_t slot, HashOf hash_of) {
    std::size_t hole = hash & mask();
    while (cells_[hole] != slot) hole = (hole + 1) & mask();
    for (std::size_t at = (hole + 1) & mask(); cells_[at] != kNone; at = (at + 1) & mask()) {
      const std::size_t home = hash_of(cells_[at]) & mask();
      if (((at - home) & mask()) < ((at - hole) & mask())) continue;  // its home lies behind the hole
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole] = kNone;
    used_--;
  }

 private:
  static constexpr std::size_t kFirstSize = 16;

  std::size_t mask() const { return cells_.size() - 1; }

  void place(std::uint64_t hash, std::uint32_t slot) {
    std::size_t at = hash & mask();
    while (cells_[at] != kNone) at = (at + 1) & mask();
    cells_[at] = slot;
  }

  template <typename HashOf>
  void grow(HashOf hash_of) {
    std::vector<std::uint32_t> old(cells_.empty() ? kFirstSize : cells_.size() * 2, kNone);
    old.swap(cells_);
    for (const std::uint32_t slot : old) {
      if (slot != kNone) place(hash_of(slot), slot);
    }
  }

  std::vector<std::uint32_t> cells_;  // a power of two of them, at most three quarters used
  std::size_t used_ = 0;
};

// Room for `size` elements without the doubling of std::vector: with thousands of routers in one process, what is
// reserved and not used counts.
template <typename T>
void resize_tightly(std::vector<T>& list, std::size_t size, const T& value = T()) {
  if (size > list.capacity()) list.reserve(size + size / 16 + 8);
  list.resize(size, value);
}

}  // namespace starling::routing
