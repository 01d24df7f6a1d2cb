#include "routing/database.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};

LsaHandle make(std::uint8_t origin, std::uint16_t fragment, std::uint64_t sequence) {
  LsaKey key;
  key.origin.bytes.fill(origin);
  key.fragment = fragment;
  return make_lsa(key, sequence, 3600, {}, [](Bytes) { return Signature{}; });
}

void store(Database& database, const LsaHandle& lsa, Time now = kStart) {
  database.store(now, lsa, now + 3600s);
}

}  // namespace

TEST_CASE("the digest depends on what is stored, not on order, age or history") {
  Database a;
  Database b;
  const DatabaseDigest empty = a.digest();
  store(a, make(1, 0, 1));
  store(a, make(2, 0, 1));
  store(a, make(2, 1, 9));
  store(b, make(2, 1, 3));
  store(b, make(2, 1, 9), kStart + 100s);
  store(b, make(2, 0, 1));
  CHECK(a.digest() != b.digest());
  store(b, make(1, 0, 1));
  CHECK(a.digest() == b.digest());
  CHECK(a.live_count() == 3);
  a.expire(kStart + 3600s);
  CHECK(a.digest() == empty);
  CHECK(a.live_count() == 0);
}

TEST_CASE("an announcement expires at its time, leaves its header for one lifetime, and then nothing") {
  Database database;
  const LsaHandle lsa = make(1, 0, 5);
  store(database, lsa);
  CHECK(database.next_expiry() == kStart + 3600s);
  CHECK(database.expire(kStart + 3599s).empty());
  const auto expired = database.expire(kStart + 3600s);
  REQUIRE(expired.size() == 1);
  CHECK(expired[0] == lsa);
  CHECK_FALSE(database.live(lsa->key()));
  REQUIRE(database.find(lsa->key()));
  CHECK(database.find(lsa->key())->tombstone);
  CHECK(database.find(lsa->key())->lsa->header() == lsa->header());
  CHECK_FALSE(database.find(lsa->key())->lsa->has_body());
  CHECK(database.next_expiry() == kStart + 7200s);
  CHECK(database.expire(kStart + 7200s).empty());
  CHECK_FALSE(database.find(lsa->key()));
  CHECK(database.next_expiry() == kNever);
}

TEST_CASE("a copy may prolong an announcement only up to one lifetime from when it first came") {
  Database database;
  const LsaHandle lsa = make(1, 0, 5);
  database.store(kStart, lsa, kStart + 60s);
  database.extend(lsa->key(), kStart + 30s);
  CHECK(database.next_expiry() == kStart + 60s);
  database.extend(lsa->key(), kStart + 100s);
  CHECK(database.next_expiry() == kStart + 100s);
  database.extend(lsa->key(), kStart + 9999s);
  CHECK(database.next_expiry() == kStart + 3600s);
  database.expire(kStart + 3600s);
  database.extend(lsa->key(), kStart + 99999s);
  CHECK(database.next_expiry() == kStart + 7200s);
}

TEST_CASE("what expired may return while no copy of it can be older than one lifetime, and no longer") {
  Database database;
  const LsaHandle lsa = make(1, 0, 5);
  database.store(kStart, lsa, kStart + 60s);
  CHECK_FALSE(database.may_return(*database.find(lsa->key()), kStart));  // it is there
  database.expire(kStart + 60s);
  CHECK(database.may_return(*database.find(lsa->key()), kStart + 60s));
  CHECK(database.may_return(*database.find(lsa->key()), kStart + 3540s));
  CHECK_FALSE(database.may_return(*database.find(lsa->key()), kStart + 3541s));
  database.store(kStart + 100s, lsa, kStart + 9999s);
  CHECK(database.live(lsa->key()));
  CHECK(database.next_expiry() == kStart + 3600s);
}

TEST_CASE("walking the headers from key to key lists every live announcement once, in order") {
  Database database;
  for (std::uint8_t origin = 1; origin <= 30; origin++) {
    for (std::uint16_t fragment = 0; fragment < 3; fragment++) store(database, make(origin, fragment, origin));
  }
  database.store(kStart, make(31, 0, 1), kStart + 1s);
  database.expire(kStart + 1s);  // a tombstone, not listed
  std::vector<LsaSummary> listed;
  LsaKey from;
  int packets = 0;
  while (true) {
    const Headers headers = database.headers_from(from);
    packets++;
    CHECK(headers.from == from);
    listed.insert(listed.end(), headers.summaries.begin(), headers.summaries.end());
    if (headers.end) break;
    CHECK(from < headers.next);
    from = headers.next;
  }
  CHECK(packets == static_cast<int>((90 + kSummariesPerHeaders - 1) / kSummariesPerHeaders));
  REQUIRE(listed.size() == 90);
  for (std::size_t i = 1; i < listed.size(); i++) CHECK(listed[i - 1].key < listed[i].key);
}

TEST_CASE("the successor of a key is the next one, also across origins") {
  LsaKey key;
  key.origin.bytes[31] = 0xff;
  key.fragment = 0xffff;
  const LsaKey next = successor(key);
  CHECK(key < next);
  CHECK(next.fragment == 0);
  CHECK(next.origin.bytes[31] == 0);
  CHECK(next.origin.bytes[30] == 1);
}

TEST_CASE("an origin's bucket outlives its announcements' replacement and refills with time") {
  Database database;
  NodeId origin;
  origin.bytes.fill(1);
  int accepted = 0;
  for (std::uint64_t sequence = 1; sequence <= 1000; sequence++) {
    if (!database.origin_may(origin, kStart)) continue;
    store(database, make(1, 0, sequence));
    database.count_origin(origin, kStart);
    accepted++;
  }
  CHECK(accepted == kOriginBurst);
  CHECK(database.origin_may(origin, kStart + kOriginPerToken));
}

TEST_CASE("the database says when it is full") {
  Database database;
  for (std::size_t i = 0; i < kMaxLsas; i++) {
    LsaKey key;
    key.origin.bytes[0] = static_cast<std::uint8_t>(i);
    key.origin.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    CHECK_FALSE(database.full());
    store(database, make_lsa(key, 1, 3600, {}, [](Bytes) { return Signature{}; }));
  }
  CHECK(database.full());
}
