#include "routing/origin_rates.h"

#include <doctest/doctest.h>

#include <map>

#include "base/random.h"
#include "base/token_bucket.h"
#include "routing/limits.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

NodeId node(std::uint32_t number) {
  NodeId id;
  std::memcpy(id.bytes.data() + 4, &number, sizeof number);
  return id;
}

}  // namespace

TEST_CASE("the rates of many origins are those of as many token buckets") {
  OriginRates rates(99);
  std::map<std::uint32_t, TokenBucket> twin;
  SeededRandom random(1);
  Time now{1000s};
  int refused = 0;
  for (int i = 0; i < 200'000; i++) {
    now += std::chrono::milliseconds(random.below(2));
    // One in two is of an origin that is too fast.
    const auto number = static_cast<std::uint32_t>(random.below(2) == 0 ? 7 : random.below(3000));
    const auto bucket = twin.try_emplace(number, kOriginBurst, kOriginPerToken).first;
    const bool may = bucket->second.available(now);
    REQUIRE(rates.may(node(number), now) == may);
    refused += !may;
    if (may) {
      bucket->second.charge(now);
      rates.count(node(number), now);
    }
    rates.sweep(now);
  }
  CHECK(refused > 1000);
}

TEST_CASE("the clock of the rates may turn over") {
  OriginRates rates(5);
  const Time late{std::chrono::milliseconds(0xffff'ff00u)};
  for (std::uint32_t i = 0; i < kOriginBurst; i++) rates.count(node(1), late);
  CHECK_FALSE(rates.may(node(1), late));
  CHECK_FALSE(rates.may(node(1), late + kOriginPerToken - 1ms));
  CHECK(rates.may(node(1), late + kOriginPerToken));
  CHECK_FALSE(rates.may(node(1), late - 1s));
}
