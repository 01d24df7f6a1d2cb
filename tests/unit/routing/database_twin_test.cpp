// The database against a naive twin, and its size.
#include <doctest/doctest.h>
#include <malloc.h>

#include <map>

#include "base/random.h"
#include "routing/database.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

LsaHandle make(std::uint64_t origin, std::uint16_t fragment, std::uint64_t sequence, std::uint32_t lifetime_s) {
  LsaKey key;
  std::memcpy(key.origin.bytes.data(), &origin, sizeof origin);
  key.fragment = fragment;
  return make_lsa(key, sequence, lifetime_s, {}, [](Bytes) { return Signature{}; });
}

// As plain as can be.
class Twin {
 public:
  struct Entry {
    LsaHandle lsa;
    Time expires_at, latest;
    bool tombstone = false;
  };

  void store(Time now, const LsaHandle& lsa, Time expires_at) {
    Time latest = now + std::chrono::seconds(lsa->header().lifetime_s);
    const auto old = entries.find(lsa->key());
    if (old != entries.end() && old->second.lsa->header() == lsa->header()) latest = old->second.latest;
    entries[lsa->key()] = {lsa, std::min(expires_at, latest), latest, false};
  }
  void extend(const LsaKey& key, Time expires_at) {
    const auto found = entries.find(key);
    if (found == entries.end() || found->second.tombstone) return;
    found->second.expires_at = std::max(found->second.expires_at, std::min(expires_at, found->second.latest));
  }
  std::size_t expire(Time now) {
    std::size_t expired = 0;
    for (auto entry = entries.begin(); entry != entries.end();) {
      const auto [key, value] = *entry;
      if (value.expires_at > now) {
        ++entry;
      } else if (value.tombstone) {
        entry = entries.erase(entry);
      } else {
        expired++;
        entry->second.tombstone = true;
        entry->second.expires_at = now + std::chrono::seconds(value.lsa->header().lifetime_s);
        ++entry;
      }
    }
    return expired;
  }
  Time next_expiry() const {
    Time next = kNever;
    for (const auto& [key, entry] : entries) next = std::min(next, entry.expires_at);
    return next;
  }

  std::map<LsaKey, Entry> entries;
};

void check_same(const Database& database, const Twin& twin) {
  REQUIRE(database.next_expiry() == twin.next_expiry());
  auto expected = twin.entries.begin();
  Database fresh;
  for (const auto& [key, entry] : database.entries()) {
    REQUIRE(expected != twin.entries.end());
    REQUIRE(key == expected->first);
    REQUIRE(entry.tombstone == expected->second.tombstone);
    REQUIRE(entry.expires_at == expected->second.expires_at);
    REQUIRE(entry.latest_expiry == expected->second.latest);
    REQUIRE(entry.lsa->header() == expected->second.lsa->header());
    REQUIRE(database.find(key) == &entry);
    if (!entry.tombstone) fresh.store({}, entry.lsa, kNever);
    ++expected;
  }
  REQUIRE(expected == twin.entries.end());
  REQUIRE(database.digest() == fresh.digest());
  REQUIRE(database.live_count() == fresh.live_count());
}

LsaKey some_key(SeededRandom& random) {
  return make(random.below(60), static_cast<std::uint16_t>(random.below(3)), 1, 1)->key();
}

// What a container takes of the heap is seen where the allocator counts; sanitizers replace it by one that does not.
[[maybe_unused]] std::size_t heap_bytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

TEST_CASE("the database does what a plain map does, through stores, removals, prolongations and expiries") {
  for (std::uint64_t seed = 1; seed <= 5; seed++) {
    SeededRandom random(seed);
    Database database(random.u64());
    Twin twin;
    Time now{1000s};
    for (int i = 0; i < 4000; i++) {
      switch (random.below(8)) {
        case 0: now += std::chrono::seconds(random.below(200)); break;
        case 1: {
          const LsaKey key = some_key(random);
          const Time until = now + std::chrono::seconds(random.below(2000));
          database.extend(key, until);
          twin.extend(key, until);
          break;
        }
        case 2: {
          const LsaKey key = some_key(random);
          database.remove(key);
          twin.entries.erase(key);
          break;
        }
        case 3: now = std::max(now, std::min(database.next_expiry(), now + 100s)); [[fallthrough]];
        case 4: CHECK(database.expire(now).size() == twin.expire(now)); break;
        default: {
          const LsaHandle lsa = make(random.below(60), static_cast<std::uint16_t>(random.below(3)), 1 + random.below(3),
                                     static_cast<std::uint32_t>(60 + random.below(1000)));
          const Time until = now + std::chrono::seconds(1 + random.below(1000));
          database.store(now, lsa, until);
          twin.store(now, lsa, until);
        }
      }
      if (i % 16 == 0) check_same(database, twin);
    }
    check_same(database, twin);
  }
}

TEST_CASE("a database of 5,000 announcements takes at most 80 bytes for each, whenever they are replaced") {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  MESSAGE("not measured: the sanitizer's allocator does not count");
#else
  constexpr std::size_t kCount = 5000;
  const Time start{1000s};
  std::vector<LsaHandle> lsas, later;
  for (std::size_t i = 0; i < kCount; i++) lsas.push_back(make(i * 0x9e3779b97f4a7c15u, 0, 1, 3600));
  for (const LsaHandle& lsa : lsas)
    later.push_back(make_lsa(lsa->key(), 2, 3600, {}, [](Bytes) { return Signature{}; }));
  const std::size_t before = heap_bytes();
  Database database(7);
  for (const LsaHandle& lsa : lsas) {
    database.store(start, lsa, start + 3600s);
    database.count_origin(lsa->key().origin, start);
  }
  database.expire(start + 60s);  // the rates of origins at rest are forgotten
  const std::size_t fresh = heap_bytes() - before;
  CHECK(database.entries().size() == kCount);
  for (int round = 1; round <= 3; round++) {
    for (const LsaHandle& lsa : round % 2 == 1 ? later : lsas) {
      database.store(start + round * 600s, lsa, start + round * 600s + 3600s);
    }
  }
  const std::size_t replaced = heap_bytes() - before;
  const double per_entry = static_cast<double>(fresh) / kCount,
               later_per_entry = static_cast<double>(replaced) / kCount;
  CAPTURE(per_entry);
  CAPTURE(later_per_entry);
  CHECK(fresh <= 80 * kCount);
  CHECK(replaced <= 80 * kCount);
#endif
}
