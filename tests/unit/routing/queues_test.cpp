// What is still to be said to, and asked of, one neighbour.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "routing/exchange.h"
#include "routing/flood_queue.h"
#include "routing/neighbor.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};

LsaHandle make(std::uint8_t origin, std::uint64_t sequence) {
  LsaKey key;
  key.origin.bytes.fill(origin);
  return make_lsa(key, sequence, 3600, {}, [](Bytes) { return Signature{}; });
}

Database database_of(int origins) {
  Database database;
  for (int i = 1; i <= origins; i++) database.store(kStart, make(static_cast<std::uint8_t>(i), 7), kStart + 3600s);
  return database;
}

}  // namespace

TEST_CASE("an announcement is repeated with doubling pauses until it is acknowledged") {
  FloodQueue queue;
  std::uint64_t repeated = 0;
  const LsaHandle lsa = make(1, 5);
  queue.push(lsa);
  CHECK(queue.take_due(kStart, 50ms, repeated) == std::vector{lsa});
  CHECK(queue.next_deadline() == kStart + 50ms);
  CHECK(queue.take_due(kStart + 49ms, 50ms, repeated).empty());
  CHECK(queue.take_due(kStart + 50ms, 50ms, repeated) == std::vector{lsa});
  CHECK(queue.next_deadline() == kStart + 150ms);
  CHECK(repeated == 1);
  queue.acknowledge(summarize(*make(1, 4)));  // an older one is no acknowledgement
  CHECK_FALSE(queue.empty());
  queue.acknowledge(summarize(*lsa));
  CHECK(queue.empty());
  CHECK(queue.next_deadline() == kNever);
}

TEST_CASE("a newer announcement takes the place of an older one that waits for its acknowledgement") {
  FloodQueue queue;
  std::uint64_t repeated = 0;
  queue.push(make(1, 5));
  queue.take_due(kStart, 50ms, repeated);
  const LsaHandle newer = make(1, 6);
  queue.push(newer);
  queue.acknowledge(summarize(*make(1, 5)));
  CHECK(queue.take_due(kStart + kFloodSpacing, 50ms, repeated) == std::vector{newer});
  CHECK(queue.size() == 1);
}

TEST_CASE("no more than the window is unacknowledged, and each acknowledgement makes room") {
  FloodQueue queue;
  std::uint64_t repeated = 0;
  for (int i = 1; i <= 200; i++) queue.push(make(static_cast<std::uint8_t>(i), 1));
  CHECK(queue.take_due(kStart, 50ms, repeated).size() == kMaxInFlight);
  CHECK(queue.take_due(kStart + kFloodSpacing, 50ms, repeated).empty());
  queue.acknowledge(summarize(*make(1, 1)));
  CHECK(queue.take_due(kStart + kFloodSpacing, 50ms, repeated).size() == 1);
}

TEST_CASE("the first news goes at once, and what follows within a moment goes together") {
  FloodQueue queue;
  std::uint64_t repeated = 0;
  queue.push(make(1, 1));
  CHECK(queue.is_due(kStart));
  CHECK(queue.take_due(kStart, 50ms, repeated).size() == 1);
  queue.push(make(2, 1));
  queue.push(make(3, 1));
  CHECK(queue.next_deadline() == kStart + kFloodSpacing);
  CHECK_FALSE(queue.is_due(kStart + kFloodSpacing - 1ns));
  CHECK(queue.take_due(kStart + kFloodSpacing - 1ns, 50ms, repeated).empty());
  CHECK(queue.take_due(kStart + kFloodSpacing, 50ms, repeated).size() == 2);
  queue.push(make(4, 1));
  queue.hurry();
  CHECK(queue.take_due(kStart + kFloodSpacing, 50ms, repeated).size() == 1);
}

TEST_CASE("turns go round by key, so what changes all the time keeps nothing else waiting") {
  FloodQueue queue;
  std::uint64_t repeated = 0;
  Time now = kStart;
  for (int i = 1; i <= 200; i++) queue.push(make(static_cast<std::uint8_t>(i), 1));
  std::set<LsaKey> sent;
  for (std::uint64_t sequence = 2; sequence < 6; sequence++, now += kFloodSpacing) {
    for (const LsaHandle& lsa : queue.take_due(now, 50ms, repeated)) {
      sent.insert(lsa->key());
      queue.acknowledge(summarize(*lsa));
    }
    for (std::uint8_t i = 1; i <= 64; i++) queue.push(make(i, sequence));
  }
  CHECK(sent.size() == 200);
}

TEST_CASE("a neighbour whose database is ours has everything but the bare headers") {
  FloodQueue queue;
  std::uint64_t repeated = 0;
  queue.push(make(1, 1));
  queue.take_due(kStart, 50ms, repeated);
  queue.push(make(2, 1));
  queue.push(without_body(*make(3, 1)));
  queue.acknowledge_all();
  CHECK(queue.size() == 1);
  CHECK(queue.take_due(kStart + kFloodSpacing, 50ms, repeated).at(0)->key() == make(3, 1)->key());
}

TEST_CASE("what both sides sent each other is known to be there, and a newer one is not the same") {
  FloodQueue queue;
  std::uint64_t repeated = 0;
  queue.push(make(1, 5));
  CHECK_FALSE(queue.acknowledge(summarize(*make(1, 5))));  // it was not under way yet
  queue.push(make(1, 5));
  queue.take_due(kStart, 50ms, repeated);
  CHECK(queue.acknowledge(summarize(*make(1, 5))));
  queue.push(make(1, 6));
  queue.take_due(kStart + kFloodSpacing, 50ms, repeated);
  CHECK_FALSE(queue.acknowledge(summarize(*make(1, 7))));
  CHECK(queue.empty());
}

TEST_CASE("an announcement that is never acknowledged is given up") {
  FloodQueue queue;
  std::uint64_t repeated = 0;
  queue.push(make(1, 1));
  int sent = 0;
  for (Time at = kStart; !queue.empty(); at = queue.next_deadline())
    sent += static_cast<int>(queue.take_due(at, 50ms, repeated).size());
  CHECK(sent == kMaxTransmissions);
}

TEST_CASE("an exchange asks for what is missing or older here, and for nothing else") {
  Database database = database_of(3);
  Exchange exchange;
  exchange.start();
  REQUIRE(exchange.take_ask(kStart, 50ms));
  Headers headers;
  headers.end = true;
  for (const auto& lsa : {make(1, 7), make(2, 6), make(3, 8), make(4, 1)}) headers.summaries.push_back(summarize(*lsa));
  exchange.on_headers(kStart, headers, database, 50ms);
  CHECK_FALSE(exchange.done());
  CHECK(exchange.take_requests(kStart, 50ms) == std::vector{make(3, 8)->key(), make(4, 1)->key()});
  exchange.on_stored(make(3, 8)->key(), 7);  // still the old one
  CHECK(exchange.wanted_count() == 2);
  exchange.on_stored(make(3, 8)->key(), 9);
  exchange.on_stored(make(4, 1)->key(), 1);
  CHECK(exchange.done());
  CHECK(exchange.next_deadline() == kNever);
}

TEST_CASE("an exchange asks again from where the headers that arrived ended") {
  const Database theirs = database_of(100);
  const Database ours;
  Exchange exchange;
  exchange.start();
  CHECK(exchange.take_ask(kStart, 50ms)->from == LsaKey{});
  const Headers first = theirs.headers_from({});
  const Headers second = theirs.headers_from(first.next);
  const Headers third = theirs.headers_from(second.next);
  exchange.on_headers(kStart, first, ours, 50ms);
  exchange.on_headers(kStart, third, ours, 50ms);  // the second was lost
  CHECK(exchange.next_deadline() == kStart + 50ms);
  CHECK_FALSE(exchange.take_ask(kStart + 49ms, 50ms));
  CHECK(exchange.take_ask(kStart + 50ms, 50ms)->from == first.next);
  LsaKey from = first.next;
  while (exchange.running() && from != LsaKey{}) {
    const Headers headers = theirs.headers_from(from);
    exchange.on_headers(kStart, headers, ours, 50ms);
    if (headers.end) break;
    from = headers.next;
  }
  CHECK(exchange.wanted_count() == 100);
  CHECK(exchange.take_requests(kStart, 50ms).size() == kMaxRequestsInFlight);
}

TEST_CASE("exchanges with several neighbours ask each for another part, and for what one does not send in time") {
  const Database theirs = database_of(100);
  const Database ours;
  Exchange first(0);
  Exchange second(1u << 31);
  for (Exchange* exchange : {&first, &second}) {
    exchange->start();
    exchange->take_ask(kStart, 50ms);
    for (LsaKey from;;) {
      const Headers headers = theirs.headers_from(from);
      exchange->on_headers(kStart, headers, ours, 50ms);
      if (headers.end) break;
      from = headers.next;
    }
  }
  const auto of_first = first.take_requests(kStart, 50ms);
  CHECK(of_first.size() == kMaxRequestsInFlight);
  std::vector<LsaKey> expected;
  first.add_expected(kStart, expected);
  std::sort(expected.begin(), expected.end());
  auto of_second = second.take_requests(kStart, 50ms, expected);
  CHECK(of_second.size() == 100 - kMaxRequestsInFlight);
  std::sort(of_second.begin(), of_second.end());
  for (const LsaKey& key : of_first) CHECK_FALSE(std::binary_search(of_second.begin(), of_second.end(), key));
  // The first neighbour sends nothing, so its part is asked for elsewhere too.
  expected.clear();
  first.add_expected(kStart + 50ms, expected);
  CHECK(expected.empty());
  for (const LsaKey& key : of_second) second.on_stored(key, 7);
  CHECK(second.take_requests(kStart + 50ms, 50ms, expected).size() == kMaxRequestsInFlight);
  for (const LsaKey& key : of_first) {
    second.on_stored(key, 7);
    first.on_stored(key, 7);
  }
  CHECK(second.done());
  CHECK_FALSE(first.done());
  for (const LsaKey& key : of_second) first.on_stored(key, 7);
  CHECK(first.done());
}

TEST_CASE("an exchange ends when the digests agree, and begins afresh when it is started again") {
  const Database theirs = database_of(100);
  const Database ours;
  Exchange exchange;
  exchange.finish();
  CHECK_FALSE(exchange.done());  // it had not begun
  exchange.start();
  exchange.take_ask(kStart, 50ms);
  exchange.on_headers(kStart, theirs.headers_from({}), ours, 50ms);
  exchange.take_requests(kStart, 50ms);
  CHECK(exchange.wants(make(1, 7)->key()));
  exchange.finish();
  CHECK(exchange.done());
  CHECK_FALSE(exchange.wants(make(1, 7)->key()));
  CHECK(exchange.next_deadline() == kNever);
  exchange.start();
  CHECK(exchange.take_ask(kStart, 50ms)->from == LsaKey{});
}

TEST_CASE("a neighbour that promises announcements and never sends them is asked a few times only") {
  const Database ours;
  Exchange exchange;
  exchange.start();
  exchange.take_ask(kStart, 50ms);
  Headers headers;
  headers.end = true;
  headers.summaries.push_back(summarize(*make(9, 1)));
  exchange.on_headers(kStart, headers, ours, 50ms);
  int asked = 0;
  for (Time at = kStart; !exchange.done(); at = exchange.next_deadline())
    asked += static_cast<int>(exchange.take_requests(at, 50ms).size());
  CHECK(asked == kMaxRequestTries);
}

TEST_CASE("a full database asks for nothing that it could not store, and for all that it can replace") {
  Database database;
  LsaKey key;
  for (std::size_t i = 0; i < kMaxLsas; i++) {
    key.origin.bytes[0] = static_cast<std::uint8_t>(i);
    key.origin.bytes[1] = static_cast<std::uint8_t>(i >> 8);
    database.store(kStart, make_lsa(key, 7, 3600, {}, [](Bytes) { return Signature{}; }), kStart + 3600s);
  }
  Exchange exchange;
  exchange.start();
  exchange.take_ask(kStart, 50ms);
  Headers headers;
  headers.end = true;
  headers.summaries = {{key, 8, 0}, summarize(*make(9, 1))};
  exchange.on_headers(kStart, headers, database, 50ms);
  CHECK(exchange.take_requests(kStart, 50ms) == std::vector{key});
}

TEST_CASE("headers that nobody asked for are ignored") {
  const Database theirs = database_of(5);
  const Database ours;
  Exchange exchange;
  exchange.on_headers(kStart, theirs.headers_from({}), ours, 50ms);
  CHECK(exchange.wanted_count() == 0);
}

TEST_CASE("databases that differ are compared again also where one of them never rests") {
  DigestWatch watch;
  DatabaseDigest theirs{};
  const DatabaseDigest ours{};
  int hellos = 0;
  bool due = false;
  for (Time now = kStart; !due && hellos < 1000; now += 100ms) {
    theirs[15] = static_cast<std::uint8_t>(1 + hellos++ % 2);  // changes with every Hello
    due = watch.on_hello(now, theirs, ours);
  }
  CHECK(hellos == kDigestDifferentHellos);
}
