// Which slot of a table holds something, found by its hash: open addressing with linear probing over four bytes a cell,
// 5 to 11 bytes an entry whatever its key. A cell is the slot's number, of `kBits` bits, and as many bits of the hash
// as are left: with 16 a probe that misses reads nothing but cells, so that an index of thousands of announcements
// stays in the cache; with 32 there is no limit that a table could reach, and nothing of the hash.
//
// Invariants: at least a quarter of the cells is empty; no cell is ever marked as deleted (a removal moves up what
// follows). The order of cells is never looked at, so nothing depends on the hash.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace starling::routing {

template <int kBits>
class SlotIndex {
  static_assert(kBits >= 16 && kBits <= 32);

 public:
  static constexpr std::uint32_t kNone = 0xffffffff >> (32 - kBits);  // no slot: all are smaller

  // `holds(slot)`: whether it holds what is looked for. Asked only where the bits of the hash that are kept agree.
  template <typename Holds>
  std::uint32_t find(std::uint64_t hash, const Holds& holds) const {
    if (cells_.empty()) return kNone;
    for (std::size_t at = home(hash); cells_[at] != kEmpty; at = following(at)) {
      if ((cells_[at] & ~kNone) == tag(hash) && holds(cells_[at] & kNone)) return cells_[at] & kNone;
    }
    return kNone;
  }

  // Room for so many, if it is still empty.
  void reserve(std::size_t count) {
    if (count_ > 0) return;
    std::size_t size = kFirstSize;
    while (count * 4 > size * 3) size *= 2;
    cells_.assign(size, kEmpty);
  }

  // `hash_of(slot)` for any slot that is in the index. The new one must not be in it.
  template <typename HashOf>
  void insert(std::uint64_t hash, std::uint32_t slot, const HashOf& hash_of) {
    if ((count_ + 1) * 4 > cells_.size() * 3) grow(hash_of);
    put(tag(hash) | slot, home(hash));
    count_++;
  }

  // The slot must be in the index.
  template <typename HashOf>
  void erase(std::uint64_t hash, std::uint32_t slot, const HashOf& hash_of) {
    std::size_t hole = home(hash);
    while (cells_[hole] != (tag(hash) | slot)) hole = following(hole);
    for (std::size_t at = following(hole); cells_[at] != kEmpty; at = following(at)) {
      const std::size_t wanted = home(hash_of(cells_[at] & kNone));
      if (((at - wanted) & mask()) < ((at - hole) & mask())) continue;  // its home lies behind the hole
      cells_[hole] = cells_[at];
      hole = at;
    }
    cells_[hole] = kEmpty;
    count_--;
  }

 private:
  static constexpr std::uint32_t kEmpty = 0xffffffff;
  static constexpr std::size_t kFirstSize = 16;

  std::size_t mask() const { return cells_.size() - 1; }
  std::size_t home(std::uint64_t hash) const { return static_cast<std::size_t>(hash) & mask(); }
  std::size_t following(std::size_t at) const { return (at + 1) & mask(); }
  // In place beside the slot's number, from the end of the hash that homes are not taken from.
  static std::uint32_t tag(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 48 << kBits); }

  void put(std::uint32_t cell, std::size_t at) {
    while (cells_[at] != kEmpty) at = following(at);
    cells_[at] = cell;
  }

  template <typename HashOf>
  void grow(const HashOf& hash_of) {
    std::vector<std::uint32_t> old(cells_.empty() ? kFirstSize : cells_.size() * 2, kEmpty);
    old.swap(cells_);
    for (const std::uint32_t cell : old) {
      if (cell != kEmpty) put(cell, home(hash_of(cell & kNone)));
    }
  }

  std::vector<std::uint32_t> cells_;  // a power of two of them, at most three quarters used
  std::size_t count_ = 0;
};

}  // namespace starling::routing
