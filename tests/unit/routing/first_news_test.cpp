#include "routing/first_news.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{1000s};
constexpr NeighborId kSender = 7;

LsaHandle announcement(std::uint16_t fragment, std::size_t links) {
  LsaContent content;
  content.attributes = NodeAttributes{"n", {}, true, false};
  content.links.resize(links);
  return make_lsa({{}, fragment}, 1, kLifetimeS, content, [](Bytes) { return Signature{}; });
}

}  // namespace

TEST_CASE("a new node without links waits, everything else goes at once") {
  FirstNews news;
  CHECK(news.next_deadline() == kNever);
  CHECK_FALSE(news.keeps(kStart, true, announcement(0, 1), kSender));
  CHECK_FALSE(news.keeps(kStart, true, announcement(1, 0), kSender));
  CHECK_FALSE(news.keeps(kStart, false, announcement(0, 0), kSender));     // what it had it may have lost
  CHECK_FALSE(news.keeps(kStart, true, announcement(0, 0), kNoNeighbor));  // our own
  const LsaHandle withdrawal = make_lsa({{}, 0}, 1, kLifetimeS, {}, [](Bytes) { return Signature{}; });
  REQUIRE(withdrawal->is_withdrawal());
  CHECK_FALSE(news.keeps(kStart, true, withdrawal, kSender));
  CHECK(news.next_deadline() == kNever);

  const LsaHandle bare = announcement(0, 0);
  CHECK(news.keeps(kStart, true, bare, kSender));
  CHECK(news.keeps(kStart + 1ms, true, announcement(0, 0), kSender));
  CHECK(news.next_deadline() == kStart + kFirstNewsDelay);
  CHECK_FALSE(news.is_due(kStart + kFirstNewsDelay - 1ns));
  REQUIRE(news.is_due(kStart + kFirstNewsDelay));
  const FirstNews::Waiting waiting = news.take();
  CHECK(waiting.lsa == bare);
  CHECK(waiting.from == kSender);
  CHECK(news.next_deadline() == kStart + 1ms + kFirstNewsDelay);
}

TEST_CASE("not more of them wait than are stored") {
  FirstNews news;
  const LsaHandle bare = announcement(0, 0);
  for (std::size_t i = 0; i < kMaxFirstNews; i++) REQUIRE(news.keeps(kStart, true, bare, kSender));
  CHECK_FALSE(news.keeps(kStart, true, bare, kSender));
}
