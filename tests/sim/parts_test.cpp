// The simulator's parts, each by itself.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "topologies/lab/sim/arguments.h"
#include "topologies/lab/sim/build.h"
#include "topologies/lab/sim/channel.h"
#include "topologies/lab/sim/deadlines.h"
#include "topologies/lab/sim/distribution.h"
#include "topologies/lab/sim/generator.h"
#include "topologies/lab/sim/sweep.h"
#include "topologies/lab/topology_parser.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;

namespace {

constexpr Time kStart{10s};

// Draws nothing, and says so if it is asked.
class NoRandom final : public RandomSource {
 public:
  void fill(std::span<std::uint8_t>) override { FAIL("drew something"); }
};

lab::Topology made(std::string_view shape, std::uint64_t seed = 1, bool mixed = false) {
  auto topology = generate(shape, {seed, mixed});
  if (!topology) FAIL(topology.error().message);
  return std::move(*topology);
}

bool is_connected(const lab::Topology& topology) {
  std::set<std::size_t> reached{0};
  for (bool grew = true; grew;) {
    grew = false;
    for (const lab::Link& link : topology.links) {
      if (reached.contains(link.a) == reached.contains(link.b)) continue;
      reached.insert({link.a, link.b});
      grew = true;
    }
  }
  return reached.size() == topology.nodes.size();
}

}  // namespace

TEST_CASE("a channel without faults delays, and draws nothing at random") {
  Channel channel;
  channel.quality.delay = 3ms;
  NoRandom random;
  const auto arrivals = channel.send(kStart, 100, Precedence::data, random);
  REQUIRE(arrivals.count == 1);
  CHECK(arrivals.at[0] == kStart + 3ms);
}

TEST_CASE("a closed channel and one with a smaller MTU carry nothing, a clogged one carries late") {
  NoRandom random;
  Channel closed;
  closed.open = false;
  CHECK(closed.send(kStart, 100, Precedence::data, random).count == 0);
  Channel narrow;
  narrow.quality.mtu = 1000;
  CHECK(narrow.send(kStart, 1001, Precedence::control, random).count == 0);
  CHECK(narrow.send(kStart, 1000, Precedence::control, random).count == 1);
  Channel clogged;
  clogged.clogged_until = kStart + 1s;
  CHECK(clogged.send(kStart, 100, Precedence::data, random).at[0] == kStart + 1s);
  CHECK(clogged.send(kStart + 2s, 100, Precedence::data, random).at[0] == kStart + 2s + 1ms);
}

TEST_CASE("a rate spaces packets, lets control packets pass those of others, and drops what does not fit its queue") {
  NoRandom random;
  Channel channel;
  channel.quality.delay = 0ms;
  channel.quality.rate_bits_per_s = 8'000'000;  // a byte a microsecond
  channel.quality.queue_size = 2 * 1060;
  const auto arrival = [&](Precedence precedence) {
    const auto arrivals = channel.send(kStart, 1000, precedence, random);
    return arrivals.count == 0 ? kNever : arrivals.at[0];
  };
  CHECK(arrival(Precedence::data) == kStart + 1060us);
  CHECK(arrival(Precedence::data) == kStart + 2120us);
  CHECK(arrival(Precedence::control) == kStart + 1060us);
  CHECK(arrival(Precedence::data) == kNever);
}

TEST_CASE("loss, duplication and reordering happen as often as they should") {
  SeededRandom random(1);
  Channel channel;
  channel.quality.loss_permille = 100;
  channel.quality.duplicate_permille = 50;
  channel.quality.reorder_permille = 200;
  int lost = 0, doubled = 0, late = 0;
  for (int i = 0; i < 10'000; i++) {
    const auto arrivals = channel.send(kStart, 100, Precedence::data, random);
    lost += arrivals.count == 0;
    doubled += arrivals.count == 2;
    late += arrivals.count > 0 && arrivals.at[0] > kStart + 1ms;
  }
  CHECK(std::abs(lost - 1000) < 100);
  CHECK(std::abs(doubled - 450) < 80);
  CHECK(std::abs(late - 1800) < 150);
}

TEST_CASE("the earliest deadline is always that of an ordered set") {
  SeededRandom random(7);
  Deadlines deadlines;
  std::set<std::pair<Time, std::uint32_t>> twin;
  for (std::uint32_t node = 0; node < 50; node++) {
    deadlines.add();
    twin.insert({kNever, node});
  }
  for (int i = 0; i < 20'000; i++) {
    const auto node = static_cast<std::uint32_t>(random.below(50));
    const Time at = random.below(5) == 0 ? kNever : Time(Duration(static_cast<Duration::rep>(random.below(100))));
    twin.erase({deadlines.of(node), node});
    twin.insert({at, node});
    deadlines.set(node, at);
    REQUIRE(deadlines.first_at() == twin.begin()->first);
    REQUIRE(deadlines.first() == twin.begin()->second);
  }
}

TEST_CASE("quantiles are values that were seen, by nearest rank") {
  Distribution distribution;
  CHECK(distribution.median() == 0);
  for (int i = 100; i >= 1; i--) distribution.add(i);
  CHECK(distribution.min() == 1);
  CHECK(distribution.median() == 50);
  CHECK(distribution.quantile(0.95) == 95);
  CHECK(distribution.quantile(0.99) == 99);
  CHECK(distribution.max() == 100);
  Distribution one;
  one.add(3);
  CHECK(one.quantile(0.95) == 3);
}

TEST_CASE("generated topologies have as many nodes and links as their rule says, and are connected") {
  CHECK(made("grid:3x5").nodes.size() == 15);
  CHECK(made("grid:3x5").links.size() == 22);
  CHECK(made("ring:9").links.size() == 9);
  CHECK(made("line:9").links.size() == 8);
  CHECK(made("random:40,3").links.size() == 60);
  CHECK(made("fat-tree:4").nodes.size() == 20);
  CHECK(made("fat-tree:4").links.size() == 32);
  for (const char* shape : {"grid:3x5", "ring:9", "random:40,3", "random:200,2", "fat-tree:6"}) {
    CAPTURE(shape);
    CHECK(is_connected(made(shape)));
    const lab::Topology topology = made(shape);
    CHECK(std::is_sorted(topology.nodes.begin(), topology.nodes.end(),
                         [](const auto& a, const auto& b) { return a.name < b.name; }));
    for (std::size_t i = 0; i < topology.links.size(); i++)
      CHECK(topology.link_index(topology.links[i].a, topology.links[i].b) == i);
  }
}

TEST_CASE("a generated topology follows from its seed, and is a file that the parser takes") {
  CHECK(to_json_text(made("random:30,3", 5, true)) == to_json_text(made("random:30,3", 5, true)));
  CHECK(to_json_text(made("random:30,3", 5, true)) != to_json_text(made("random:30,3", 6, true)));
  const auto parsed = lab::parse_topology(to_json_text(made("random:30,3", 5, true)), "made.json");
  if (!parsed) FAIL(to_string(parsed.error()));
  CHECK(to_json_text(*parsed) == to_json_text(made("random:30,3", 5, true)));
}

TEST_CASE("a shape that is none is refused with what would be right") {
  for (const char* shape :
       {"", "grid", "grid:3", "grid:3x", "grid:0x4", "grid:1x1", "grid:1000x1000", "ring:2", "random:5", "random:5,0",
        "random:5,5", "fat-tree:3", "star:4", "line:-3", "grid:99999999999999999999x2"}) {
    CAPTURE(shape);
    const auto topology = generate(shape, {});
    REQUIRE_FALSE(topology.ok());
    CHECK(topology.error().message.find("must") + topology.error().message.find("at ") != std::string::npos);
  }
}

TEST_CASE("a link's quality in the file counts for the directions that it is said of") {
  constexpr const char* kText = R"({"nodes": {"a": {}, "b": {}, "c": {}}, "links": [
    {"nodes": ["a", "b"], "sim": [{"delay_us": 500, "loss_permille": 10}, {"rate_kbit": 1000}]},
    {"nodes": ["b", "c"], "sim": {"mtu": 1000}}]})";
  const auto topology = lab::parse_topology(kText, "t.json").value();
  BuildOptions options;
  options.link.delay = 9ms;
  const Network network = build_network(topology, lab::make_plan(topology), options);
  CHECK(network.channel(0, 1).quality.delay == 500us);
  CHECK(network.channel(0, 1).quality.loss_permille == 10);
  CHECK(network.channel(1, 0).quality.delay == 9ms);
  CHECK(network.channel(1, 0).quality.rate_bits_per_s == 1'000'000);
  CHECK(network.channel(1, 2).quality.mtu == 1000);
  CHECK(network.channel(2, 1).quality.mtu == 1000);
}

TEST_CASE("what is wrong with a link's quality is told with its place") {
  const auto error_of = [](const std::string& sim) {
    const auto parsed = lab::parse_topology(
        R"({"nodes": {"a": {}, "b": {}}, "links": [{"nodes": ["a", "b"], "sim": )" + sim + "}]}", "t.json");
    REQUIRE_FALSE(parsed.ok());
    return to_string(parsed.error());
  };
  CHECK(error_of("3").find("/links/0/sim") != std::string::npos);
  CHECK(error_of("[{}]").find("a list of two") != std::string::npos);
  CHECK(error_of(R"([{}, {"delay": 3}])").find("delay_us") != std::string::npos);
  CHECK(error_of(R"({"loss_permille": 1001})").find("/links/0/sim/loss_permille") != std::string::npos);
}

TEST_CASE("a link's quality on the command line is read, or refused with what would be right") {
  const Quality quality =
      parse_quality("delay=5ms,jitter=200us,loss=1.5%,duplicate=1%,reorder=2%,rate=10Mbit,mtu=1280", {}).value();
  CHECK(quality.delay == 5ms);
  CHECK(quality.jitter == 200us);
  CHECK(quality.loss_permille == 15);
  CHECK(quality.duplicate_permille == 10);
  CHECK(quality.reorder_permille == 20);
  CHECK(quality.rate_bits_per_s == 10'000'000);
  CHECK(quality.mtu == 1280);
  CHECK(parse_quality("", {}).value() == Quality{});
  for (const char* text : {"delay", "delay=5", "delay=ms", "delay=61s", "loss=101%", "loss=3", "mtu=10",
                           "mtu=", "speed=3ms", "rate=0bit"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_quality(text, {}).ok());
  }
  CHECK(parse_time("20us") == 20us);
  CHECK_FALSE(parse_time("20").has_value());
  CHECK(parse_hello("50msx4").value().interval == 50ms);
  CHECK(parse_hello("50msx4").value().multiplier == 4);
  CHECK(parse_hello("1s").value().multiplier == routing::HelloConfig{}.multiplier);
  for (const char* text : {"", "50", "1ms", "61s", "50msx", "50msx1", "50msx51", "x3"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_hello(text).ok());
  }
}

TEST_CASE("a plan of faults is read, or refused with what would be right") {
  const FaultPlan plan = parse_fault_plan("cut:3,random:2,chaos:20").value();
  REQUIRE(plan.parts.size() == 2);
  CHECK(plan.parts[0].kind == FaultKind::cut);
  CHECK(plan.parts[0].count == 3);
  CHECK_FALSE(plan.parts[1].kind.has_value());
  CHECK(plan.chaos == 20s);
  SeededRandom random(1);
  CHECK(draw_kinds(plan, random).size() == 5);
  CHECK(parse_fault_plan("none").value().parts.empty());
  for (const FaultKind kind : kFaultKinds) CHECK(parse_fault_kind(to_string(kind)) == kind);
  for (const char* text : {"cut", "cut:", "cut:x", "cuts:3", "chaos:100000", "cut:3;down:2", ":3"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_fault_plan(text).ok());
  }
}

TEST_CASE("arguments are written out as the command that means the same") {
  Arguments arguments;
  arguments.shape = "random:9,3";
  arguments.seed = 17;
  arguments.mixed = true;
  arguments.faults = "cut:1,chaos:5";
  arguments.traffic = "none";
  CHECK(to_command(arguments) ==
        "starling sim run --generate random:9,3 --seed 17 --mixed --faults cut:1,chaos:5 --traffic none");
  Arguments file;
  file.topology = "my networks/it's.json";
  CHECK(to_command(file) == "starling sim run 'my networks/it'\\''s.json' --seed 1");
}

TEST_CASE("the range of a sweep's seeds is read, or refused") {
  CHECK(parse_seeds("7").value().last == 7);
  CHECK(parse_seeds("3-9").value().first == 3);
  CHECK(parse_seeds("3-9").value().last == 9);
  for (const char* text : {"", "9-3", "a", "1-", "-4", "1-99999999"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_seeds(text).ok());
  }
}

TEST_CASE("about every fourth seed of a sweep has slow links, and the command that repeats it says so") {
  int slow = 0;
  for (std::uint64_t seed = 1; seed <= 200; seed++) {
    const Arguments arguments = case_of_seed(seed);
    const bool is_slow = options_of(arguments).value().build.link.rate_bits_per_s == 2'000'000;
    CHECK(is_slow == (to_command(arguments).find(" --link rate=2Mbit") != std::string::npos));
    slow += is_slow;
  }
  CHECK(slow >= 30);
  CHECK(slow <= 70);
}
