#include "wg/protocol/source_limiter.h"

#include <map>

#include "base/random.h"
#include "doctest/doctest.h"

using namespace starling;
using namespace starling::wg;
using namespace std::chrono_literals;

namespace {

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

IpAddress numbered(std::uint32_t number) {
  const auto byte = [&](int shift) { return static_cast<std::uint8_t>(number >> shift); };
  return IpAddress::v4({byte(24), byte(16), byte(8), byte(0)});
}

int admitted(SourceLimiter& limiter, Time now, const IpAddress& source, int tries) {
  int count = 0;
  for (int i = 0; i < tries; i++) count += limiter.admit(now, source) ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a source has 5 at once, one more every 50 ms, and 5 again after 250 ms") {
  SourceLimiter limiter;
  const IpAddress source = address("192.0.2.1");
  Time now(1000s);
  CHECK(admitted(limiter, now, source, 10) == 5);
  CHECK(admitted(limiter, now + 49ms, source, 10) == 0);
  CHECK(admitted(limiter, now + 50ms, source, 10) == 1);
  CHECK(admitted(limiter, now + 300ms, source, 10) == 5);
}

TEST_CASE("over ten seconds a source that never stops has 5 and 20 a second") {
  SourceLimiter limiter;
  int count = 0;
  for (Time now(1000s); now < Time(1010s); now += 1ms) count += admitted(limiter, now, address("192.0.2.1"), 1);
  CHECK(count == 5 + 20 * 10 - 1);  // the last is due at the end
}

TEST_CASE("IPv4 sources are single addresses, IPv6 sources are /64s") {
  SourceLimiter limiter;
  const Time now(1000s);
  CHECK(admitted(limiter, now, address("192.0.2.1"), 10) == 5);
  CHECK(admitted(limiter, now, address("192.0.2.2"), 10) == 5);
  CHECK(admitted(limiter, now, address("2001:db8::1"), 3) == 3);
  CHECK(admitted(limiter, now, address("2001:db8::ffff:ffff:ffff:ffff"), 10) == 2);
  CHECK(admitted(limiter, now, address("2001:db8:0:1::1"), 10) == 5);
}

TEST_CASE("at most 8192 sources are remembered; more are refused until others were silent for 250 to 500 ms") {
  SourceLimiter limiter;
  const Time now(1000s);
  for (std::uint32_t i = 0; i < 20000; i++) {
    REQUIRE(limiter.admit(now, numbered(i)) == (i < SourceLimiter::kMaxSources));
    REQUIRE(limiter.size() <= SourceLimiter::kMaxSources);
  }
  CHECK(limiter.admit(now, numbered(1)));  // those that are known are served
  CHECK_FALSE(limiter.admit(now + 249ms, numbered(30000)));
  CHECK(limiter.admit(now + 500ms, numbered(30000)));
  CHECK(limiter.size() == 1);
}

TEST_CASE("forgetting makes no difference: the limiter decides as its naive twin, which never forgets") {
  SeededRandom random(1);
  SourceLimiter limiter;
  std::map<IpAddress, TokenBucket> twin;
  Time now(1000s);
  int refused = 0;
  for (int i = 0; i < 40'000; i++) {
    now += Duration(random.below(static_cast<std::uint64_t>(Duration(random.below(100) == 0 ? 300ms : 1ms).count())));
    const IpAddress source = numbered(static_cast<std::uint32_t>(random.below(40)));
    const bool expected = twin.try_emplace(source, TokenBucket(kSourceBurst, kSourceInterval)).first->second.take(now);
    REQUIRE(limiter.admit(now, source) == expected);
    refused += expected ? 0 : 1;
  }
  CHECK(refused > 1000);
}
