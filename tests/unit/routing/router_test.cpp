// One Router, its neighbour played by hand.
#include "routing/router.h"

#include <doctest/doctest.h>

#include "base/random.h"
#include "routing/identity.h"
#include "routing/limits.h"
#include "routing/messages.h"

using namespace starling;
using namespace starling::routing;
using namespace std::chrono_literals;

namespace {

const Now kStart{Time(1000s), WallTime(1'700'000'000s)};
constexpr NeighborId kNeighbor = 4;

RouterConfig some_config(const Identity& identity, Duration hello_phase = {}) {
  RouterConfig config;
  config.hello_phase = hello_phase;
  config.id = identity.id();
  config.name = "a";
  config.announced = {Prefix::parse("10.1.0.0/16").value()};
  return config;
}

struct Fixture {
  Identity identity{SecretKey{Bytes(std::array<std::uint8_t, 32>{1})}};
  SeededRandom random{1};
  Router router;
  std::uint64_t instance = 0;
  std::uint32_t sequence = 0;

  explicit Fixture(Duration hello_phase = {})
      : router(
            some_config(identity, hello_phase), [this](Bytes message) { return identity.sign(message); },
            verify_signature, random) {
    router.add_neighbor(kStart, kNeighbor, {});
    router.start(kStart);
    instance = decode_message(router.outbox().packets.at(0).bytes).value().envelope.instance;
  }
  // `echo`: when we sent what it says it has heard.
  void hello(Now now, std::uint64_t peer_instance = 5, std::optional<Time> echo = std::nullopt) {
    Hello hello;
    hello.sequence = sequence++;
    hello.has_echo = echo.has_value();
    if (echo) hello.echo_timestamp_us = static_cast<std::uint32_t>(echo->time_since_epoch() / 1us);
    hello.interval_us = 100'000;
    hello.multiplier = 3;
    hello.node.bytes.fill(9);
    router.on_packet(now, kNeighbor, encode(Envelope{peer_instance, instance}, hello));
  }
  NeighborState state() const { return router.neighbors().at(0).state; }
};

// When Hellos were sent within a while, by a host that is up to `late_max_ms` late each time.
std::vector<Time> hellos_sent(Fixture& fixture, bool is_heard, Duration length, std::uint64_t late_max_ms) {
  SeededRandom random(7);
  std::vector<Time> sent;
  fixture.router.outbox().clear();
  for (Time now = kStart.monotonic; now < kStart.monotonic + length;) {
    now = std::max(now, fixture.router.next_deadline()) + std::chrono::milliseconds(random.below(late_max_ms + 1));
    if (is_heard) fixture.hello({now, kStart.wall});
    fixture.router.on_timer({now, kStart.wall});
    for (const auto& packet : fixture.router.outbox().packets) {
      const auto message = decode_message(packet.bytes).value();
      const Hello* hello = std::get_if<Hello>(&message.content);
      if (hello && !hello->probe && !hello->answer) sent.push_back(now);
    }
    fixture.router.outbox().clear();
  }
  return sent;
}

// Calls it when it wants to be, until it takes the neighbour for dead; when that was.
Time until_down(Fixture& fixture) {
  Time at{};
  while (fixture.state() == NeighborState::exchange) {
    at = fixture.router.next_deadline();
    fixture.router.on_timer({at, kStart.wall});
  }
  return at;
}

}  // namespace

TEST_CASE("nothing is sent before the start, nothing after the shutdown") {
  Identity identity{SecretKey{Bytes(std::array<std::uint8_t, 32>{1})}};
  SeededRandom random(1);
  Router router(
      some_config(identity), [&](Bytes message) { return identity.sign(message); }, verify_signature, random);
  router.add_neighbor(kStart, 1, {});
  CHECK(router.outbox().empty());
  CHECK(router.next_deadline() == kNever);
  router.start(kStart);
  CHECK(router.outbox().packets.size() == 1);
  router.outbox().clear();
  router.shut_down(kStart + 1s);
  REQUIRE(router.outbox().packets.size() == 1);
  CHECK(std::get<Hello>(decode_message(router.outbox().packets[0].bytes).value().content).goodbye);
  router.outbox().clear();
  router.on_timer(kStart + 10s);
  CHECK(router.outbox().empty());
  CHECK(router.next_deadline() == kNever);
}

TEST_CASE("the time during which the router was not called is not silence of its neighbours") {
  Fixture fixture;
  fixture.hello(kStart);
  REQUIRE(fixture.state() == NeighborState::exchange);
  const Time due = fixture.router.next_deadline();
  CHECK(due < kStart.monotonic + 300ms);
  fixture.router.on_timer(kStart + 2s);  // nearly two seconds late
  CHECK(fixture.state() == NeighborState::exchange);
  // Doubt would have begun 210 ms after the Hello.
  const Duration lateness = (kStart.monotonic + 2s) - due;
  const Time doubt_at = kStart.monotonic + 210ms + lateness;
  CHECK(fixture.router.next_judgement() == doubt_at);
  const Time at = until_down(fixture);
  CHECK(at > doubt_at + kProbeBurst);  // who was that late gives more time
  CHECK(at <= doubt_at + 3 * kMaxLateness);
  CHECK(fixture.state() == NeighborState::down);
}

TEST_CASE("a call before the deadline does nothing at all") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.outbox().clear();
  const Time due = fixture.router.next_deadline();
  fixture.router.on_timer({due - Duration(1), kStart.wall});
  CHECK(fixture.router.outbox().empty());
  CHECK(fixture.router.next_deadline() == due);
  fixture.router.on_timer({due, kStart.wall});
  CHECK_FALSE(fixture.router.outbox().empty());
  CHECK(fixture.router.next_deadline() > due);
}

TEST_CASE(
    "Hellos go at the multiples of their interval and the phase on the machine's clock, also where the host is late") {
  Duration phase{};
  SUBCASE("without a phase") {}
  SUBCASE("with one") {
    phase = 42ms;
  }
  const auto check = [&](const std::vector<Time>& sent, Duration interval, std::size_t count) {
    CHECK(sent.size() >= count - 1);
    CHECK(sent.size() <= count + 1);
    for (std::size_t i = 1; i < sent.size(); i++) {
      CHECK((sent[i].time_since_epoch() - phase) % interval <= 30ms);
      CHECK((sent[i].time_since_epoch() - phase) / interval == (sent[i - 1].time_since_epoch() - phase) / interval + 1);
    }
  };
  Fixture heard(phase);
  heard.hello(kStart + 37ms);  // the former ones at the slow pace
  check(hellos_sent(heard, true, 10s, 30), 100ms, 100);
  Fixture unheard(phase);
  check(hellos_sent(unheard, false, 30s, 30), 1s, 30);
}

TEST_CASE("packets of a life that is over, or for one, are refused") {
  Fixture fixture;
  fixture.hello(kStart);
  const auto rejected = [&] {
    return fixture.router.statistics().rejected[static_cast<std::size_t>(RejectReason::wrong_instance)];
  };
  fixture.router.on_packet(kStart, kNeighbor, encode(Envelope{6, fixture.instance}, Ask{}));
  CHECK(rejected() == 1);
  fixture.router.on_packet(kStart, kNeighbor, encode(Envelope{5, fixture.instance + 1}, Ask{}));
  CHECK(rejected() == 2);
  fixture.router.on_packet(kStart, kNeighbor, encode(Envelope{5, fixture.instance}, Ask{}));
  CHECK(rejected() == 2);
}

TEST_CASE("a Hello that a newer one overtook does not undo what the newer one said") {
  Fixture fixture;
  Hello older;
  older.sequence = fixture.sequence++;
  older.interval_us = 100'000;
  older.multiplier = 3;
  older.node.bytes.fill(9);
  fixture.hello(kStart);
  REQUIRE(fixture.state() == NeighborState::exchange);
  fixture.router.on_packet(kStart + 1ms, kNeighbor, encode(Envelope{5, 0}, older));
  CHECK(fixture.state() == NeighborState::exchange);
  older.sequence = fixture.sequence++;
  fixture.router.on_packet(kStart + 2ms, kNeighbor, encode(Envelope{5, 0}, older));
  CHECK(fixture.state() == NeighborState::init);
}

TEST_CASE("another instance ends the adjacency at once, also when its first Hello already names us") {
  Fixture fixture;
  fixture.hello(kStart);
  REQUIRE(fixture.state() == NeighborState::exchange);
  fixture.router.outbox().clear();
  fixture.hello(kStart + 1ms, 6);
  REQUIRE(fixture.router.outbox().events.size() >= 2);
  CHECK(fixture.router.outbox().events[0].to == NeighborState::init);
  CHECK(std::string(fixture.router.outbox().events[0].reason) == "restarted");
  CHECK(fixture.router.outbox().events[1].to == NeighborState::exchange);
}

TEST_CASE("questions are answered only as fast as the limit allows") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.outbox().clear();
  for (int i = 0; i < 1000; i++)
    fixture.router.on_packet(kStart, kNeighbor, encode(Envelope{5, fixture.instance}, Ask{}));
  CHECK(fixture.router.outbox().packets.size() == kAnswerBurst);
}

namespace {

// What the router sent of late, of this kind.
std::size_t take_hellos(Fixture& fixture, bool Hello::*flag) {
  std::size_t count = 0;
  for (const auto& packet : fixture.router.outbox().packets) {
    const auto message = decode_message(packet.bytes);
    const Hello* hello = std::get_if<Hello>(&message->content);
    if (hello != nullptr && hello->*flag) count++;
  }
  fixture.router.outbox().clear();
  return count;
}

// Why it is suspect, as told last.
std::string take_suspicion(Fixture& fixture) {
  std::string reason;
  for (const Event& event : fixture.router.outbox().events) {
    if (event.kind == EventKind::neighbor_suspect && event.count != 0) reason = event.reason;
  }
  fixture.router.outbox().clear();
  return reason;
}

// The events of the neighbour, as words.
std::string take_events(Fixture& fixture) {
  std::string words;
  for (const Event& event : fixture.router.outbox().events) {
    if (event.kind == EventKind::neighbor_suspect) words += event.count != 0 ? "suspect " : "trusted ";
    if (event.kind == EventKind::neighbor_state) words += std::string(to_string(event.to)) + " ";
  }
  fixture.router.outbox().clear();
  return words;
}

}  // namespace

TEST_CASE("data without an answer is followed by probes at once, suspicion at the third, and Down after all") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.outbox().clear();
  const Now quiet = kStart + 30ms;
  fixture.router.on_quiet(quiet, kNeighbor);
  CHECK(take_hellos(fixture, &Hello::probe) == 1);
  std::string words;
  std::size_t probes = 1;
  for (Time at = fixture.router.next_deadline(); fixture.state() == NeighborState::exchange;
       at = fixture.router.next_deadline()) {
    CHECK(at <= quiet.monotonic + 50ms);
    fixture.router.on_timer({at, {}});
    if (at == quiet.monotonic + 20ms) CHECK(fixture.router.neighbors()[0].suspect);
    if (at < quiet.monotonic + 20ms) CHECK_FALSE(fixture.router.neighbors()[0].suspect);
    RouterOutbox outbox = fixture.router.outbox();
    words += take_events(fixture);
    fixture.router.outbox() = std::move(outbox);
    probes += take_hellos(fixture, &Hello::probe);
  }
  CHECK(words == "suspect Down ");
  CHECK(probes == kProbes);
}

TEST_CASE("a suspicion says what it began with") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.outbox().clear();
  const auto run_until = [&](Time until) {
    while (fixture.router.next_deadline() <= until) fixture.router.on_timer({fixture.router.next_deadline(), {}});
  };
  SUBCASE("data that found no answer") {
    fixture.router.on_quiet(kStart + 30ms, kNeighbor);
    run_until(kStart.monotonic + 50ms);
    CHECK(take_suspicion(fixture) == "no answer to data");
  }
  SUBCASE("what ICMP said") {
    fixture.router.on_unreachable(kStart + 30ms, kNeighbor);
    fixture.router.on_quiet(kStart + 40ms, kNeighbor);
    run_until(kStart.monotonic + 50ms);
    CHECK(take_suspicion(fixture) == "icmp");
  }
  SUBCASE("silence") {
    run_until(kStart.monotonic + 230ms);
    CHECK(take_suspicion(fixture) == "silence");
  }
}

TEST_CASE("what ICMP says begins a doubt, which an answer ends, and once a second at most") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.outbox().clear();
  std::size_t doubts = 0;
  // Forged all the time, and the neighbour is there all the time.
  for (Duration passed = 0ms; passed < 3s; passed += 1ms) {
    const Now now = kStart + 1ms + passed;
    while (fixture.router.next_deadline() <= now.monotonic) {
      fixture.router.on_timer({fixture.router.next_deadline(), now.wall});
    }
    const bool calm = fixture.router.next_judgement() > now.monotonic + 100ms;
    fixture.router.on_unreachable(now, kNeighbor);
    if (calm && fixture.router.next_judgement() <= now.monotonic + 100ms) doubts++;
    if (passed % 5ms == 4ms) fixture.hello(now);
  }
  CHECK(doubts == 3);
  CHECK(fixture.state() == NeighborState::exchange);
  CHECK(fixture.router.neighbors()[0].times_suspect == 0);
  CHECK(take_hellos(fixture, &Hello::probe) == 3);
}

TEST_CASE("what ICMP says of a peer that is no neighbour, or of none, means nothing") {
  Fixture fixture;
  fixture.router.outbox().clear();
  const Time due = fixture.router.next_deadline();
  fixture.router.on_unreachable(kStart, kNeighbor);
  fixture.router.on_unreachable(kStart, 99);
  CHECK(fixture.router.outbox().empty());
  CHECK(fixture.router.next_deadline() == due);
}

TEST_CASE("an answer ends the doubt of data without one, and the suspicion with it, and so does traffic") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.on_quiet(kStart + 30ms, kNeighbor);
  while (fixture.router.next_deadline() <= kStart.monotonic + 60ms)
    fixture.router.on_timer({fixture.router.next_deadline(), {}});
  REQUIRE(fixture.router.neighbors()[0].suspect);
  fixture.router.outbox().clear();
  SUBCASE("a Hello that echoes a probe") {
    fixture.hello(kStart + 61ms, 5, kStart.monotonic + 40ms);
  }
  SUBCASE("traffic, as the host says") {
    fixture.router.on_heard(kStart + 61ms, kNeighbor);
  }
  CHECK_FALSE(fixture.router.neighbors()[0].suspect);
  CHECK(fixture.router.next_judgement() == kStart.monotonic + 61ms + 210ms);
  CHECK(take_events(fixture) == "trusted ");
}

TEST_CASE("a Hello of a neighbour that has not heard us since our data found no answer does not end the doubt") {
  Fixture fixture;
  fixture.hello(kStart, 5, kStart.monotonic - 5ms);
  fixture.router.on_quiet(kStart + 30ms, kNeighbor);
  fixture.hello(kStart + 45ms, 5, kStart.monotonic + 29ms);
  CHECK(fixture.router.next_judgement() < kStart.monotonic + 80ms);
  while (fixture.state() != NeighborState::down) fixture.router.on_timer({fixture.router.next_deadline(), {}});
  CHECK(fixture.router.neighbors()[0].since == kStart.monotonic + 80ms);
}

TEST_CASE("whatever is heard ends the doubt of a neighbour that was silent") {
  Fixture fixture;
  fixture.hello(kStart);
  while (fixture.router.next_deadline() <= kStart.monotonic + 240ms)
    fixture.router.on_timer({fixture.router.next_deadline(), {}});
  REQUIRE(fixture.router.neighbors()[0].suspect);
  SUBCASE("a Hello that echoes nothing") {
    fixture.hello(kStart + 241ms);
  }
  SUBCASE("traffic, as the host says") {
    fixture.router.on_heard(kStart + 241ms, kNeighbor);
  }
  SUBCASE("traffic that came before the burst, as the host says late") {
    fixture.router.on_heard(kStart + 200ms, kNeighbor);
  }
  CHECK_FALSE(fixture.router.neighbors()[0].suspect);
  CHECK(fixture.router.next_judgement() >= kStart.monotonic + 410ms);
}

TEST_CASE("traffic is as good as Hellos for ten detection times, and then no more") {
  Fixture fixture;
  fixture.hello(kStart);
  Time now = kStart.monotonic;
  while (fixture.state() == NeighborState::exchange) {
    now += 1ms;
    fixture.router.on_heard({now, {}}, kNeighbor);
    while (fixture.router.next_deadline() <= now) fixture.router.on_timer({fixture.router.next_deadline(), {}});
  }
  CHECK(now - kStart.monotonic >= 10 * 300ms + 210ms);
  CHECK(now - kStart.monotonic <= 10 * 300ms + 310ms);
}

TEST_CASE("what arrived before the data that found no answer does not end the doubt") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.on_quiet(kStart + 30ms, kNeighbor);
  fixture.hello(kStart + 3ms);  // handed in late
  CHECK(fixture.router.next_judgement() == kStart.monotonic + 40ms);
}

TEST_CASE("a probe is answered at once, as often as the limit allows") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.outbox().clear();
  Hello probe;
  probe.interval_us = 100'000;
  probe.multiplier = 3;
  probe.node.bytes.fill(9);
  probe.probe = true;
  for (int i = 0; i < 1000; i++) {
    probe.sequence = fixture.sequence++;
    fixture.router.on_packet(kStart + 1ms, kNeighbor, encode(Envelope{5, fixture.instance}, probe));
  }
  CHECK(take_hellos(fixture, &Hello::answer) == kProbeAnswerBurst);
}

TEST_CASE("a router that is late itself asks once more before it judges") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.on_quiet(kStart + 30ms, kNeighbor);
  for (int i = 0; i < 4; i++) fixture.router.on_timer({fixture.router.next_deadline(), {}});
  REQUIRE(fixture.router.next_deadline() == kStart.monotonic + 80ms);
  fixture.router.outbox().clear();
  fixture.router.on_timer(kStart + 95ms);
  CHECK(fixture.state() == NeighborState::exchange);
  CHECK(take_hellos(fixture, &Hello::probe) == 1);
  fixture.router.on_timer({fixture.router.next_judgement(), {}});
  CHECK(fixture.state() == NeighborState::down);
}

TEST_CASE(
    "who is told that its packets were carried late asks for longer, as if it had been late itself, and says so") {
  Fixture fixture;
  fixture.hello(kStart);
  const Time due = fixture.router.next_deadline();
  fixture.router.on_late(kStart.monotonic + 10ms, 40ms);
  CHECK(fixture.router.next_deadline() == due);
  fixture.router.outbox().clear();
  fixture.router.on_quiet(kStart + 30ms, kNeighbor);
  REQUIRE(fixture.router.outbox().packets.size() == 1);
  const auto probe = decode_message(fixture.router.outbox().packets[0].bytes);
  CHECK(std::get<Hello>(probe->content).lateness_ms == 40);
  const Time at = until_down(fixture);
  // Three times as long, less what has been forgotten of it in 20 ms.
  CHECK(at <= kStart.monotonic + 30ms + 3 * 40ms);
  CHECK(at >= kStart.monotonic + 30ms + 3 * 39ms);
}

TEST_CASE("the longest lateness is told as such, also with what happened before it was learned") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.on_late(kStart.monotonic + 90ms, 1s);
  fixture.router.outbox().clear();
  fixture.router.on_quiet(kStart + 30ms, kNeighbor);
  REQUIRE(fixture.router.outbox().packets.size() == 1);
  const auto probe = decode_message(fixture.router.outbox().packets[0].bytes);
  CHECK(std::get<Hello>(probe->content).lateness_ms == 255);
}

TEST_CASE("who learns during a doubt that it is late asks for as much longer as if it had known before") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.on_quiet(kStart + 30ms, kNeighbor);
  for (int i = 0; i < 3; i++) fixture.router.on_timer({fixture.router.next_deadline(), {}});
  REQUIRE(fixture.router.next_deadline() == kStart.monotonic + 70ms);
  fixture.router.on_late(kStart.monotonic + 70ms, 100ms);
  fixture.router.outbox().clear();
  const Time at = until_down(fixture);
  CHECK(at >= kStart.monotonic + 30ms + 3 * 98ms);
  CHECK(at <= kStart.monotonic + 30ms + 4 * 100ms);
  CHECK(take_hellos(fixture, &Hello::probe) >= 4);  // asked meanwhile, too
}

TEST_CASE("a packet that waited in a queue counts from when it arrived") {
  Fixture fixture;
  fixture.hello(kStart);
  REQUIRE(fixture.state() == NeighborState::exchange);
  const auto run_until = [&](Time until) {
    while (fixture.router.next_deadline() <= until) fixture.router.on_timer({fixture.router.next_deadline(), {}});
  };
  run_until(kStart.monotonic + 250ms);
  fixture.hello(kStart + 200ms);  // handed in after calls with later times
  run_until(kStart.monotonic + 460ms - Duration(1));
  CHECK(fixture.state() == NeighborState::exchange);
  run_until(kStart.monotonic + 460ms);  // 210 ms of silence, 50 ms of probes
  CHECK(fixture.state() == NeighborState::down);
}

TEST_CASE("a neighbour that is removed hears a goodbye and nothing after it") {
  Fixture fixture;
  fixture.hello(kStart);
  fixture.router.outbox().clear();
  fixture.router.remove_neighbor(kStart + 1ms, kNeighbor);
  REQUIRE_FALSE(fixture.router.outbox().packets.empty());
  const auto last = decode_message(fixture.router.outbox().packets.back().bytes).value();
  CHECK(std::get<Hello>(last.content).goodbye);
  CHECK(fixture.router.neighbors().empty());
}

TEST_CASE("a packet of an unknown neighbour is counted and dropped") {
  Fixture fixture;
  fixture.router.on_packet(kStart, 99, encode(Envelope{5, 0}, Ask{}));
  CHECK(fixture.router.statistics().rejected[static_cast<std::size_t>(RejectReason::unknown_neighbor)] == 1);
}

TEST_CASE("what does not fit our fragments is said once") {
  Fixture fixture;
  std::vector<Prefix> prefixes;
  for (int i = 0; i < 30'000; i++) {
    const auto high = static_cast<std::uint8_t>(i / 256);
    prefixes.emplace_back(IpAddress::v4({10, 0, high, static_cast<std::uint8_t>(i % 256)}), 32);
  }
  fixture.router.outbox().clear();
  fixture.router.set_announced(kStart + 10s, prefixes);
  int told = 0;
  for (const Event& event : fixture.router.outbox().events) told += std::string(event.reason) == "fragments_full";
  CHECK(told == 1);
}

TEST_CASE("a configuration that makes no sense is refused") {
  Identity identity{SecretKey{Bytes(std::array<std::uint8_t, 32>{1})}};
  SeededRandom random(1);
  const auto make = [&](const RouterConfig& config) { Router router(config, nullptr, verify_signature, random); };
  RouterConfig config = some_config(identity);
  CHECK_NOTHROW(make(config));
  config.name = "";
  CHECK_THROWS_AS(make(config), std::invalid_argument);
  config.name = "a b";
  CHECK_THROWS_AS(make(config), std::invalid_argument);
  config = some_config(identity);
  config.hello.interval = 9ms;
  CHECK_THROWS_AS(make(config), std::invalid_argument);
  config = some_config(identity);
  config.hello.multiplier = 1;
  CHECK_THROWS_AS(make(config), std::invalid_argument);
  Fixture fixture;
  CHECK_THROWS_AS(fixture.router.add_neighbor(kStart, kNeighbor, {}), std::invalid_argument);
}
