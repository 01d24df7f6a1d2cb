#include "base/token_bucket.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace std::chrono_literals;

TEST_CASE("a token bucket gives its burst, then one token per interval, and says exactly when") {
  const Time start = Time{} + 1h;
  TokenBucket bucket(3, 100ms);
  for (int i = 0; i < 3; i++) CHECK(bucket.take(start));
  CHECK_FALSE(bucket.take(start));
  CHECK(bucket.next_at() == start + 100ms);
  CHECK_FALSE(bucket.take(start + 99ms));
  CHECK(bucket.take(start + 100ms));
  CHECK_FALSE(bucket.take(start + 100ms));
  int taken = 0;
  while (bucket.take(start + 10s)) taken++;
  CHECK(taken == 3);
}
