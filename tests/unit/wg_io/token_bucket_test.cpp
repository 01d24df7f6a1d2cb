#include "wg/io/token_bucket.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::wg;

TEST_CASE("a token bucket gives its burst at once, then its rate, and is full again after a pause") {
  TokenBucket bucket;
  Time now = Time{} + std::chrono::hours(1);
  const auto take_all = [&] {
    std::uint32_t taken = 0;
    while (bucket.take(now)) ++taken;
    return taken;
  };
  CHECK(take_all() == TokenBucket::kBurst);
  now += std::chrono::milliseconds(100);
  CHECK(take_all() == TokenBucket::kPerSecond / 10);
  now += std::chrono::seconds(60);
  CHECK(take_all() == TokenBucket::kBurst);
}
