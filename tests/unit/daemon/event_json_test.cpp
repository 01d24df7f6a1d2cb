#include "daemon/control/event_json.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

using namespace starling;
using namespace starling::daemon;
using namespace std::chrono_literals;
using nlohmann::ordered_json;
using routing::Event;
using routing::EventKind;
using routing::NeighborState;

namespace {

const Now kNow{Time(10s), WallTime(1769860800s)};

routing::NodeId node(std::uint8_t first) {
  routing::NodeId id;
  id.bytes[0] = first;
  return id;
}

struct Fixture {
  Names names{[](routing::NeighborId id) { return std::string(1, static_cast<char>('a' + id)); },
              [](const routing::NodeId& id) { return std::string(1, static_cast<char>(id.bytes[0])); }};
  EventLog log{"a"};
  EventPublisher publisher{log, names};

  // The event as it was published; null if it was not.
  ordered_json publish(const Event& event, std::optional<Duration> spf_duration = std::nullopt) {
    const std::size_t before = log.remembered().size();
    publisher.publish(event, kNow, spf_duration);
    if (log.remembered().size() == before) return {};
    return ordered_json::parse(*log.remembered().back());
  }

  // Without the envelope.
  std::string own_fields(const Event& event, std::optional<Duration> spf_duration = std::nullopt) {
    ordered_json all = publish(event, spf_duration);
    for (const char* key : {"time", "mono_ns", "node", "event", "level", "cause"}) all.erase(key);
    return all.dump();
  }
};

Event of_kind(EventKind kind) {
  Event event{};
  event.kind = kind;
  event.at = Time(9s);
  event.lsa = {node('d'), 2};
  event.sequence = 77;
  event.neighbor = 1;
  event.reason = "because";
  return event;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "A neighbour that leaves Full is a warning with both states and the reason") {
  Event event = of_kind(EventKind::neighbor_state);
  event.from = NeighborState::full;
  event.to = NeighborState::down;
  event.cause = {.kind = routing::Cause::Kind::neighbor, .lsa = {}, .sequence = 0, .neighbor = 1};
  const ordered_json published = publish(event);
  CHECK(published["event"] == "neighbor.state");
  CHECK(published["level"] == "warning");
  CHECK(published["cause"].dump() == R"({"kind":"neighbor","neighbor":"b"})");
  CHECK(own_fields(event) == R"({"neighbor":"b","from":"Full","to":"Down","reason":"because"})");
  event.from = NeighborState::exchange;
  event.to = NeighborState::full;
  CHECK(publish(event)["level"] == "info");
}

TEST_CASE_FIXTURE(Fixture, "An event carries the moment at which it happened, on both clocks") {
  const ordered_json published = publish(of_kind(EventKind::lsa_originate));
  CHECK(published["mono_ns"] == 9'000'000'000);
  CHECK(published["time"] == "2026-01-31T11:59:59.000000Z");
}

TEST_CASE_FIXTURE(Fixture, "Announcements are named by origin, fragment and sequence") {
  for (const EventKind kind : {EventKind::lsa_originate, EventKind::lsa_accept, EventKind::lsa_withdraw,
                               EventKind::lsa_expire, EventKind::sequence_jump}) {
    CHECK(own_fields(of_kind(kind)) ==
          R"({"origin":"d","fragment":2,"sequence":77,"neighbor":"b","reason":"because"})");
  }
  Event own = of_kind(EventKind::lsa_originate);
  own.neighbor = routing::kNoNeighbor;
  own.reason = "";
  CHECK(own_fields(own) == R"({"origin":"d","fragment":2,"sequence":77})");
  CHECK(publish(of_kind(EventKind::lsa_accept))["level"] == "debug");
}

TEST_CASE_FIXTURE(Fixture, "A run of SPF tells of what kind it was, and its duration where the host measured it") {
  Event event = of_kind(EventKind::spf_run);
  event.count = 4;
  event.reason = "incremental";
  CHECK(own_fields(event, 35us) == R"({"kind":"incremental","reached":4,"duration_us":35})");
  event.reason = "full";
  CHECK(own_fields(event) == R"({"kind":"full","reached":4})");
}

TEST_CASE_FIXTURE(Fixture, "The cause names the announcement that started it") {
  Event event = of_kind(EventKind::spf_run);
  event.cause = {.kind = routing::Cause::Kind::announcement, .lsa = {node('c'), 1}, .sequence = 5, .neighbor = 0};
  CHECK(publish(event)["cause"].dump() == R"({"kind":"announcement","origin":"c","fragment":1,"sequence":5})");
  event.cause.kind = routing::Cause::Kind::timer;
  CHECK(publish(event)["cause"].dump() == R"({"kind":"timer"})");
}

TEST_CASE_FIXTURE(Fixture, "Route changes of the core wait for the daemon to say that engine and kernel followed") {
  for (const EventKind kind : {EventKind::route_group, EventKind::route_add, EventKind::route_remove}) {
    CHECK(publish(of_kind(kind)).is_null());
  }
}

TEST_CASE_FIXTURE(Fixture, "A refused prefix is a warning with its reason") {
  Event event = of_kind(EventKind::route_refused);
  event.prefix = Prefix::parse("8.8.8.0/24");
  event.reason = "not_in_accept";
  CHECK(own_fields(event) == R"({"prefix":"8.8.8.0/24","origin":"d","reason":"not_in_accept"})");
  CHECK(publish(event)["level"] == "warning");
}

TEST_CASE_FIXTURE(Fixture, "A rejected control packet is drop.control with a hint") {
  Event event = of_kind(EventKind::packet_reject);
  event.reason = "own_node_id";
  event.count = 9;
  const ordered_json published = publish(event);
  CHECK(published["event"] == "drop.control");
  CHECK(published["count"] == 9);
  CHECK(published["neighbor"] == "b");
  CHECK(published["hint"].get<std::string>().find("share one private key") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "A neighbour that sends rejected announcements without end cannot flood the log") {
  Event event = of_kind(EventKind::lsa_reject);
  event.reason = "bad_signature";
  std::uint32_t shown = 0;
  for (int i = 0; i < 1000; ++i) shown += publish(event).is_null() ? 0 : 1;
  CHECK(shown == kRejectEventsPerSecond);
  event.neighbor = 2;
  CHECK_FALSE(publish(event).is_null());  // each neighbour has a limit of its own
  event.neighbor = 1;
  event.at += 1s;
  const ordered_json next = publish(event);
  CHECK(next["hidden"] == 1000 - kRejectEventsPerSecond);
  CHECK(next["level"] == "warning");
  CHECK_FALSE(publish(event).contains("hidden"));
}

TEST_CASE_FIXTURE(Fixture, "Announcements turned away in a healthy flood are no warning") {
  Event event = of_kind(EventKind::lsa_reject);
  event.reason = "stale";
  CHECK(publish(event)["level"] == "debug");
}

TEST_CASE_FIXTURE(Fixture, "Every drop of the engine becomes a documented event with a hint") {
  std::set<std::string> names_seen;
  for (std::size_t i = 0; i < wg::kDropReasonCount; ++i) {
    const auto reason = static_cast<wg::DropReason>(i);
    publisher.publish_drop(1, reason, 3, IpAddress::parse("10.0.0.1"), Endpoint::parse("192.0.2.1:5"), kNow);
    const auto event = ordered_json::parse(*log.remembered().back());
    CAPTURE(event.dump());
    names_seen.insert(event["event"]);
    CHECK(event["reason"] == wg::to_string(reason));
    CHECK(event["level"] == "warning");
    CHECK(event["count"] == 3);
    CHECK(event["source"] == "10.0.0.1");
    CHECK_FALSE(event["hint"].get<std::string>().empty());
    CHECK(event["cause"].dump() == R"({"kind":"neighbor","neighbor":"b"})");
  }
  CHECK(names_seen == std::set<std::string>{"drop.source", "drop.destination", "drop.tunnel", "drop.control"});
}

TEST_CASE_FIXTURE(Fixture, "What the underlay says names the peer, the place, who says it and what would help") {
  wg::Unreachable what{wg::UnreachableMeaning::port, *Endpoint::parse("198.18.0.2:7000"),
                       IpAddress::parse("198.18.0.9"), 0, true};
  publisher.publish_unreachable(1, what, kNow);
  auto event = ordered_json::parse(*log.remembered().back());
  CHECK(event["event"] == "tunnel.unreachable");
  CHECK(event["level"] == "warning");
  for (const char* key : {"time", "mono_ns", "node", "event", "level", "cause"}) event.erase(key);
  CHECK(
      event.dump() ==
      R"({"neighbor":"b","endpoint":"198.18.0.2:7000","meaning":"port","from":"198.18.0.9","hint":"nobody listens on )"
      R"(UDP port 7000 of 198.18.0.2: is WireGuard running there, and is this its `listen_port`?"})");
  what = {wg::UnreachableMeaning::too_big, what.endpoint, {}, 1280, true};
  publisher.publish_unreachable(1, what, kNow);
  event = ordered_json::parse(*log.remembered().back());
  CHECK(event["level"] == "info");
  CHECK(event["mtu"] == 1280);
  CHECK_FALSE(event.contains("from"));
}

TEST_CASE_FIXTURE(Fixture, "Every meaning of what the underlay says has a hint of its own") {
  std::set<std::string> hints;
  for (std::size_t i = 0; i < wg::kUnreachableMeaningCount; ++i) {
    const wg::Unreachable what{
        static_cast<wg::UnreachableMeaning>(i), *Endpoint::parse("[2001:db8::2]:7000"), {}, 0, true};
    publisher.publish_unreachable(1, what, kNow);
    const std::string hint = ordered_json::parse(*log.remembered().back())["hint"];
    CAPTURE(hint);
    CHECK(hint.size() > 20);
    CHECK(hints.insert(hint).second);
  }
}

TEST_CASE_FIXTURE(Fixture, "A drop of no known peer has no neighbour") {
  publisher.publish_drop(wg::kNoPeer, wg::DropReason::bad_mac1, 1, std::nullopt, std::nullopt, kNow);
  const auto event = ordered_json::parse(*log.remembered().back());
  CHECK(event["neighbor"].is_null());
  CHECK(event["source"].is_null());
  CHECK(event["cause"]["kind"] == "none");
}

TEST_CASE_FIXTURE(Fixture, "A grant is named by the whole NodeId of its holder, and a revocation is a warning") {
  Event event = of_kind(EventKind::grant_accept);
  event.reason = "new";
  const std::string id = routing::to_string(event.lsa.origin);
  CHECK(own_fields(event) == R"({"origin":"d","node_id":")" + id + R"(","serial":77,"neighbor":"b","reason":"new"})");
  CHECK(publish(event)["level"] == "info");
  event.reason = "revoked";
  CHECK(publish(event)["level"] == "warning");
  CHECK(publish(of_kind(EventKind::grant_expire))["event"] == "grant.expire");
  Event stranger = of_kind(EventKind::lsa_reject);
  stranger.reason = "no_grant";
  CHECK(publish(stranger)["node_id"] == id);
}

TEST_CASE_FIXTURE(Fixture, "Duplicates and foreign more-specifics name both nodes and both prefixes") {
  Event event = of_kind(EventKind::prefix_more_specific);
  event.prefix = Prefix::parse("10.1.0.0/16");
  event.inside = Prefix::parse("10.0.0.0/8");
  event.other = node('e');
  CHECK(own_fields(event) == R"({"prefix":"10.1.0.0/16","origin":"d","inside":"10.0.0.0/8","other":"e"})");
  CHECK(publish(event)["level"] == "warning");
  event.kind = EventKind::prefix_duplicate;
  event.inside.reset();
  event.count = 3;
  CHECK(own_fields(event) == R"({"prefix":"10.1.0.0/16","origin":"d","other":"e","hidden":3})");
  CHECK(publish(event)["level"] == "info");
}
