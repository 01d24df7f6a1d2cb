// Which of up to 65,535 slots holds something, found by its hash: open addressing with linear probing over four bytes a
// cell, so that an index of thousands of announcements stays in the cache, and a probe that misses reads nothing else.
//
// Invariants: at least a quarter of the cells is empty; no cell is ever marked as deleted (a removal moves up what
// follows).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starling::routing {

class SlotIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffff;  // no slot

  // `holds(slot)`: whether it holds what is looked for. Asked only where 16 bits of the hash agree.
  template <typename Holds>
  std::uint32_t find(std::uint64_t hash, const Holds& holds) const {
    if (cells_.empty()) return kNone;
    for (std::size_t at = home(hash); cells_[at].used; at = following(at)) {
      if (cells_[at].tag == tag(hash) && holds(std::uint32_t{cells_[at].used} - 1)) return cells_[at].used - 1u;
    }
    return kNone;
  }

  // `hash_of(slot)` for any slot that is in the index. The new one must not be in it.
  template <typename HashOf>
  void insert(std::uint64_t hash, std::uint32_t slot, const HashOf& hash_of) {
    if ((count_ + 1) * 4 > cells_.size() * 3) grow(hash_of);
    put(hash, slot);
    count_++;
  }

  template <typename HashOf>
  void erase(std::uint64_t hash, std::uint32_t slot, const HashOf& hash_of) {
    std::size_t hole = home(hash);
    while (cells_[hole].used != slot + 1) hole = following(hole);
    for (std::size_t at = following(hole); cells_[at].used; at = following(at)) {
      const std::size_t wanted = home(hash_of(std::uint32_t{cells_[at].used} - 1));
      if (((at - wanted) & mask()) < ((at - hole) & mask())) continue;
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole] = {};
    count_--;
  }

 private:
  struct Cell {
    std::uint16_t tag = 0;
    std::uint16_t used = 0;  // the slot + 1; 0: empty
  };

  std::size_t mask() const { return cells_.size() - 1; }
  std::size_t home(std::uint64_t hash) const { return static_cast<std::size_t>(hash) & mask(); }
  std::size_t following(std::size_t at) const { return (at + 1) & mask(); }
  static std::uint16_t tag(std::uint64_t hash) { return static_cast<std::uint16_t>(hash >> 48); }

  void put(std::uint64_t hash, std::uint32_t slot) {
    std::size_t at = home(hash);
    while (cells_[at].used) at = following(at);
    cells_[at] = {tag(hash), static_cast<std::uint16_t>(slot + 1)};
  }

  template <typename HashOf>
  void grow(const HashOf& hash_of) {
    std::vector<Cell> old(cells_.empty() ? 16 : cells_.size() * 2);
    old.swap(cells_);
    for (const Cell& cell : old) {
      if (cell.used) put(hash_of(std::uint32_t{cell.used} - 1), cell.used - 1u);
    }
  }

  std::vector<Cell> cells_;  // a power of two
  std::size_t count_ = 0;
};

}  // namespace starling::routing
