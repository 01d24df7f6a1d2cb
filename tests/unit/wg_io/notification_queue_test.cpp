#include "wg/io/notification_queue.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::wg;

namespace {

Notification control(PeerId peer, std::size_t size) {
  return {Now{}, ControlNotification{peer, std::vector<std::uint8_t>(size)}};
}

std::vector<Notification> taken_from(NotificationQueue& queue) {
  std::vector<Notification> taken;
  queue.take(taken);
  return taken;
}

}  // namespace

TEST_CASE("a peer that floods the owner with control packets fills its own part of the queue, not the others'") {
  constexpr PeerId kFlooding = 0, kQuiet = 1;
  NotificationQueue queue;
  std::size_t pushed = 0;
  for (std::size_t i = 0; i < 2 * NotificationQueue::kLimit; ++i) pushed += queue.push(control(kFlooding, 100)) ? 1 : 0;
  CHECK(pushed == NotificationQueue::kControlLimit);
  CHECK(queue.push(control(kQuiet, 100)));
  CHECK(queue.push({Now{}, SessionNotification{kFlooding, true}}));
  CHECK(taken_from(queue).size() == NotificationQueue::kControlLimit + 2);
  CHECK(queue.push(control(kFlooding, 100)));  // what was taken counts no more
  std::vector<Notification> taken(5);          // of another time
  queue.take(taken);
  CHECK(taken.size() == 1);
}

TEST_CASE("the control packets of one peer that wait take no more than so many bytes") {
  constexpr PeerId kPeer = 7;
  constexpr std::size_t kSize = 65000;
  NotificationQueue queue;
  std::size_t bytes = 0;
  while (queue.push(control(kPeer, kSize))) {
    bytes += kSize;
    REQUIRE(bytes <= NotificationQueue::kControlBytesLimit);
  }
  CHECK(bytes > NotificationQueue::kControlBytesLimit - kSize);
  CHECK(queue.push(control(kPeer, 10)));  // a small one still fits
}

TEST_CASE("the queue is bounded for all peers together, and the end of the engine is told in any case") {
  NotificationQueue queue;
  const auto session = [](PeerId peer) { return Notification{Now{}, SessionNotification{peer, true}}; };
  PeerId peer = 0;
  while (queue.push(session(peer))) REQUIRE(++peer <= NotificationQueue::kLimit);
  CHECK(!queue.push(control(peer, 10)));
  CHECK(queue.push({Now{}, FatalNotification{"the interface is gone"}}));
  CHECK(taken_from(queue).size() == NotificationQueue::kLimit + 1);
}
