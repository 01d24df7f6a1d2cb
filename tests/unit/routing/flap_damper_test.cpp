#include "routing/flap_damper.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

TEST_CASE("what has never gone may always come") {
  FlapDamper<int> damper;
  for (int i = 0; i < 100; i++) {
    CHECK(damper.may_come_at(1) == Time{});
    damper.on_come(Time{1000s}, 1);
  }
  CHECK(damper.size() == 0);
}

TEST_CASE("what comes and goes may come again at once some times, and then rarely") {
  FlapDamper<int> damper;
  Time now{1000s};
  for (std::uint32_t i = 0; i < kFlapBurst; i++) {
    damper.on_gone(now, 1);
    CHECK(damper.may_come_at(1) <= now);
    damper.on_come(now, 1);
  }
  damper.on_gone(now, 1);
  CHECK(damper.may_come_at(1) == now + kFlapPerToken);
  CHECK(damper.may_come_at(2) <= now);  // others do not pay for it
  now += kFlapPerToken;
  CHECK(damper.may_come_at(1) == now);
  damper.on_come(now, 1);
  now += kFlapPerToken * (kFlapBurst + 1);  // rested
  CHECK(damper.may_come_at(1) <= now - kFlapPerToken * kFlapBurst);
}

TEST_CASE("the damper forgets what has rested") {
  FlapDamper<int> damper;
  Time now{1000s};
  for (int i = 0; i < 10'000; i++) {
    now += 1s;
    damper.on_gone(now, i);
    damper.on_come(now, i);
  }
  CHECK(damper.size() <= 256);
}
