#include "base/traffic_watch.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace std::chrono_literals;
using Notice = TrafficWatch::Notice;

namespace {
constexpr Time kStart{1000s};
}

TEST_CASE("without traffic there is nothing to watch") {
  TrafficWatch watch;
  watch.on_sent(kStart, false);
  CHECK_FALSE(watch.on_received(kStart, false));
  CHECK(watch.next_deadline() == kNever);
  CHECK(watch.on_timer(kStart + 1h) == Notice::none);
}

TEST_CASE("data that finds no answer is told of once, and its end too") {
  TrafficWatch watch;
  watch.on_sent(kStart, true);
  watch.on_sent(kStart + 10ms, true);  // the first one counts
  CHECK(watch.next_deadline() == kStart + kQuietAfter);
  CHECK(watch.on_timer(kStart + kQuietAfter - Duration(1)) == Notice::none);
  CHECK(watch.on_timer(kStart + kQuietAfter) == Notice::quiet);
  watch.on_sent(kStart + 40ms, true);
  CHECK(watch.next_deadline() == kNever);
  CHECK(watch.on_received(kStart + 50ms, false));
  CHECK_FALSE(watch.on_received(kStart + 51ms, false));
  watch.on_sent(kStart + 60ms, true);
  CHECK(watch.next_deadline() == kStart + 60ms + kQuietAfter);
}

TEST_CASE("a sign of life is an answer to data") {
  TrafficWatch watch;
  watch.on_sent(kStart, true);
  CHECK_FALSE(watch.on_received(kStart + 1ms, false));
  CHECK(watch.next_deadline() == kNever);
}

TEST_CASE("when traffic last came is told once") {
  TrafficWatch watch;
  CHECK_FALSE(watch.take_heard().has_value());
  watch.on_received(kStart, true);
  watch.on_received(kStart + 5ms, false);
  CHECK(watch.take_heard() == kStart + 5ms);
  CHECK_FALSE(watch.take_heard().has_value());
  watch.on_received(kStart + 6ms, true);
  CHECK(watch.take_heard() == kStart + 6ms);
}

TEST_CASE("who receives data and has nothing to send owes a sign of life, as long as data comes") {
  TrafficWatch watch;
  watch.on_received(kStart, true);
  watch.on_received(kStart + 5ms, true);
  CHECK(watch.next_deadline() == kStart + kOwedAfter);
  CHECK(watch.on_timer(kStart + kOwedAfter) == Notice::owed);
  watch.on_sent(kStart + kOwedAfter, false);
  CHECK(watch.next_deadline() == kNever);
  watch.on_received(kStart + 20ms, true);
  CHECK(watch.next_deadline() == kStart + 20ms + kOwedAfter);
  watch.on_sent(kStart + 21ms, true);  // its own data is one
  CHECK(watch.next_deadline() == kStart + 21ms + kQuietAfter);
}

TEST_CASE("two ends with a one-way flow between them hear of each other as long as both live") {
  TrafficWatch sender, receiver;
  Time keepalive_at = kNever;
  for (Time now = kStart; now < kStart + 2s; now += 1ms) {
    sender.on_sent(now, true);
    receiver.on_received(now, true);
    if (receiver.on_timer(now) == Notice::owed) {
      receiver.on_sent(now, false);
      keepalive_at = now;
    }
    if (keepalive_at == now) CHECK_FALSE(sender.on_received(now, false));
    CHECK(sender.on_timer(now) == Notice::none);
  }
}
