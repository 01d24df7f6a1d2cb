#include "daemon/peer_endpoints.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::daemon;
using namespace std::chrono_literals;

namespace {

const Time kStart{1000s};

}  // namespace

TEST_CASE("a name is asked for at once, and again with growing patience while the peer is silent") {
  PeerEndpoints endpoints;
  endpoints.add(1, {"host.example", 7000}, kStart);
  CHECK(endpoints.next_deadline() == kStart);
  REQUIRE(endpoints.on_timer(kStart).questions.size() == 1);
  CHECK(endpoints.next_deadline() == kStart + kEndpointRetryMin);
  CHECK_MESSAGE(endpoints.on_timer(kStart + kEndpointRetryMin).questions.empty(), "one question at a time");
  CHECK_FALSE(endpoints.on_resolved(1, {}));
  Time now = kStart;
  Duration longest{};
  for (int i = 0; i < 10; i++) {
    const Time next = endpoints.next_deadline();
    longest = std::max(longest, next - now);
    now = next;
    CHECK(endpoints.on_timer(now).questions.size() == 1);
    endpoints.on_resolved(1, {});
  }
  CHECK(longest == kEndpointRetryMax);
}

TEST_CASE("the addresses of a name are tried in turn") {
  PeerEndpoints endpoints;
  endpoints.add(1, {"host.example", 7000}, kStart);
  const std::vector<Endpoint> found{*Endpoint::parse("192.0.2.1:7000"), *Endpoint::parse("[2001:db8::1]:7000")};
  CHECK(endpoints.on_resolved(1, found) == found[0]);
  CHECK(endpoints.on_resolved(1, found) == found[1]);
  CHECK(endpoints.on_resolved(1, found) == found[0]);
}

TEST_CASE("a peer that answers is left alone, and looked for when it falls silent") {
  PeerEndpoints endpoints;
  endpoints.add(1, {"host.example", 7000}, kStart);
  endpoints.on_timer(kStart);
  endpoints.set_answering(1, true, kStart + 1s);
  CHECK_MESSAGE(!endpoints.on_resolved(1, {*Endpoint::parse("192.0.2.1:7000")}), "a late answer moves nobody");
  CHECK(endpoints.next_deadline() == kNever);
  CHECK(endpoints.on_timer(kStart + 1h).questions.empty());
  endpoints.set_answering(1, false, kStart + 2h);
  CHECK(endpoints.next_deadline() == kStart + 2h + kEndpointRetryMin);
}

TEST_CASE("a peer with a plain address that has roamed and fallen silent is looked for there again") {
  PeerEndpoints endpoints;
  endpoints.add(1, {"192.0.2.1", 7000}, kStart);
  const auto due = endpoints.on_timer(kStart);
  CHECK(due.questions.empty());
  REQUIRE(due.settings.size() == 1);
  CHECK(due.settings[0].endpoint == *Endpoint::parse("192.0.2.1:7000"));
}

TEST_CASE("answers for peers that nobody knows are ignored") {
  PeerEndpoints endpoints;
  CHECK_FALSE(endpoints.on_resolved(5, {*Endpoint::parse("192.0.2.1:7000")}));
  CHECK(endpoints.configured(5) == nullptr);
}

TEST_CASE("a peer whose place someone else says is not looked for any more") {
  PeerEndpoints endpoints;
  endpoints.add(1, {"host.example", 7000}, kStart);
  REQUIRE(endpoints.on_timer(kStart).questions.size() == 1);
  endpoints.forget(1);
  CHECK(endpoints.next_deadline() == kNever);
  CHECK_FALSE(endpoints.on_resolved(1, {*Endpoint::parse("192.0.2.1:7000")}));  // asked before
  endpoints.set_answering(1, false, kStart);
  CHECK(endpoints.next_deadline() == kNever);
  CHECK(endpoints.configured(1) == nullptr);
}
