#include "wg/io/notification_queue.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::wg;

namespace {

bool push_control(NotificationQueue& queue, PeerId peer, std::size_t size) {
  return queue.push_control(Now{}, peer, std::vector<std::uint8_t>(size), false);
}

std::vector<Notification> taken_from(NotificationQueue& queue) {
  Notifications taken;
  queue.take(taken);
  return taken.list;
}

}  // namespace

TEST_CASE("a peer that floods the owner with control packets fills its own part of the queue, not the others'") {
  constexpr PeerId kFlooding = 0, kQuiet = 1;
  NotificationQueue queue;
  std::size_t pushed = 0;
  for (std::size_t i = 0; i < 2 * NotificationQueue::kLimit; ++i) pushed += push_control(queue, kFlooding, 100) ? 1 : 0;
  CHECK(pushed == NotificationQueue::kControlLimit);
  CHECK(push_control(queue, kQuiet, 100));
  CHECK(queue.push({Now{}, SessionNotification{kFlooding, true}}));
  CHECK(taken_from(queue).size() == NotificationQueue::kControlLimit + 2);
  CHECK(push_control(queue, kFlooding, 100));             // what was taken counts no more
  Notifications taken{std::vector<Notification>(5), {}};  // of another time
  queue.take(taken);
  CHECK(taken.list.size() == 1);
}

TEST_CASE("control packets come out in order, each with its own payload") {
  struct Observer final : BackendObserver {
    void on_control_packet(Now, PeerId peer, Bytes payload) override {
      heard.emplace_back(peer, std::string(payload.begin(), payload.end()));
    }
    void on_session(Now, PeerId peer, bool) override { heard.emplace_back(peer, "session"); }
    void on_endpoint(Now, PeerId, const Endpoint&) override {}
    void on_unreachable(Now, PeerId, const Unreachable&) override {}
    void on_drop(Now, const DropReport&) override {}
    void on_warning(Now, const std::string&) override {}
    void on_fatal(Now, const std::string&) override {}
    std::vector<std::pair<PeerId, std::string>> heard;
  } observer;
  const auto say = [](NotificationQueue& queue, PeerId peer, const std::string& text) {
    return queue.push_control(Now{}, peer, std::vector<std::uint8_t>(text.begin(), text.end()), true);
  };
  NotificationQueue queue;
  Notifications taken;
  for (int time = 0; time < 2; ++time) {
    observer.heard.clear();
    CHECK(say(queue, 3, "first"));
    CHECK(queue.push({Now{}, SessionNotification{1, true}}));
    CHECK(say(queue, 1, ""));
    CHECK(say(queue, 3, "last"));
    queue.take(taken);
    CHECK(say(queue, 2, "of the next time"));
    taken.deliver(observer);
    CHECK(observer.heard ==
          std::vector<std::pair<PeerId, std::string>>{{3, "first"}, {1, "session"}, {1, ""}, {3, "last"}});
    queue.take(taken);
  }
}

TEST_CASE("the control packets of one peer that wait take no more than so many bytes") {
  constexpr PeerId kPeer = 7;
  constexpr std::size_t kSize = 65000;
  NotificationQueue queue;
  std::size_t bytes = 0;
  while (push_control(queue, kPeer, kSize)) {
    bytes += kSize;
    REQUIRE(bytes <= NotificationQueue::kControlBytesLimit);
  }
  CHECK(bytes > NotificationQueue::kControlBytesLimit - kSize);
  CHECK(push_control(queue, kPeer, 10));  // a small one still fits
}

TEST_CASE("the queue is bounded for all peers together, and the end of the engine is told in any case") {
  NotificationQueue queue;
  const auto session = [](PeerId peer) { return Notification{Now{}, SessionNotification{peer, true}}; };
  PeerId peer = 0;
  while (queue.push(session(peer))) REQUIRE(++peer <= NotificationQueue::kLimit);
  CHECK(!push_control(queue, peer, 10));
  CHECK(queue.push({Now{}, FatalNotification{"the interface is gone"}}));
  CHECK(taken_from(queue).size() == NotificationQueue::kLimit + 1);
}
