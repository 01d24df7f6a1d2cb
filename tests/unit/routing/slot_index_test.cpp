#include "routing/slot_index.h"

#include <doctest/doctest.h>

#include <map>

#include "base/random.h"

using namespace starling;
using namespace starling::routing;

TEST_CASE_TEMPLATE("a slot index finds what a map would find, through insertions, removals and hashes that meet", Index,
                   SlotIndex<16>, SlotIndex<32>) {
  SeededRandom random(3);
  Index index;
  std::map<std::uint64_t, std::uint32_t> twin;  // hash → slot
  std::vector<std::uint64_t> hash_in(500);
  const auto hash_of = [&](std::uint32_t slot) { return hash_in[slot]; };
  const auto find = [&](std::uint64_t hash) {
    return index.find(hash, [&](std::uint32_t slot) { return hash_in[slot] == hash; });
  };
  std::vector<std::uint32_t> free;
  for (std::uint32_t slot = 0; slot < hash_in.size(); slot++) free.push_back(slot);
  for (int i = 0; i < 20'000; i++) {
    // Few homes and few tags, so that chains are long and wrap around the end.
    const std::uint64_t hash = random.below(40) | random.below(8) << 48 | random.below(4) << 32;
    const auto known = twin.find(hash);
    REQUIRE(find(hash) == (known == twin.end() ? Index::kNone : known->second));
    if (known != twin.end()) {
      index.erase(hash, known->second, hash_of);
      free.push_back(known->second);
      twin.erase(known);
    } else if (!free.empty()) {
      const std::uint32_t slot = free.back();
      free.pop_back();
      hash_in[slot] = hash;
      index.insert(hash, slot, hash_of);
      twin[hash] = slot;
    }
  }
  for (const auto& [hash, slot] : twin) CHECK(find(hash) == slot);
}

TEST_CASE_TEMPLATE("an empty slot index finds nothing", Index, SlotIndex<16>, SlotIndex<32>) {
  CHECK(Index().find(7, [](std::uint32_t) { return true; }) == Index::kNone);
}
