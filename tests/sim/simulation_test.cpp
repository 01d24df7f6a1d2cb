// Whole simulations: the oracle against its naive twin, what the safety rules find, determinism, faults of every kind.
#include <doctest/doctest.h>

#include "routing/limits.h"
#include "sim/oracle.h"
#include "topologies/lab/sim/arguments.h"
#include "topologies/lab/sim/generator.h"
#include "topologies/lab/sim/oracle.h"
#include "topologies/lab/sim/report.h"
#include "topologies/lab/sim/safety.h"
#include "topologies/lab/sim/simulation.h"
#include "topologies/lab/topology_parser.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;

namespace {

Outcome simulated(const Arguments& arguments) {
  const auto topology = generate(arguments.shape, {arguments.seed, arguments.mixed});
  const auto options = options_of(arguments);
  REQUIRE(topology.ok());
  REQUIRE(options.ok());
  return simulate(*topology, *options);
}

Arguments arguments_for(const char* shape, const char* faults, std::uint64_t seed = 1) {
  Arguments arguments;
  arguments.shape = shape;
  arguments.seed = seed;
  arguments.faults = faults;
  return arguments;
}

// Two end points, anycast, several costs.
Network mixed_network(std::uint64_t seed) {
  const auto topology = generate("random:12,3", {seed, true}).value();
  BuildOptions options;
  options.seed = seed;
  return build_network(topology, lab::make_plan(topology), options);
}

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Violation& violation) {
    return violation.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the oracle and its naive twin agree on what is right, and on what is not yet") {
  int agreed_wrong = 0;
  int agreed_right = 0;
  for (std::uint64_t seed = 1; seed <= 8; seed++) {
    Network network = mixed_network(seed);
    network.start_all();
    const auto agree = [&] {
      const bool right = RouteOracle(network).find_fault(100).empty();
      REQUIRE(right == converged(network, Oracle(network)));
      (right ? agreed_right : agreed_wrong)++;
    };
    network.run_for(1ms);
    agree();
    network.run_for(3s);
    agree();
    network.stop(static_cast<NodeIndex>(seed));
    agree();
    network.run_for(3s);
    agree();
  }
  CHECK(agreed_right >= 16);
  CHECK(agreed_wrong >= 8);
}

TEST_CASE("the oracle finds a next hop too many, a route too few, and a database that lags") {
  Network network = mixed_network(3);
  network.start_all();
  network.run_for(5s);
  REQUIRE(RouteOracle(network).find_fault(100).empty());
  routing::RouterOutbox wrong;
  const NodeIndex node = 4;
  const auto routes = network.router(node).routes();
  REQUIRE_FALSE(routes.empty());
  wrong.routes.removed_routes = {routes.front().prefix};
  network.tables().apply(node, network.neighbors(node), wrong);
  CHECK(RouteOracle(network).find_fault(100).find("should have one") != std::string::npos);
  CHECK_FALSE(network.mirror_is_exact(node));
}

TEST_CASE("safety refuses what nobody has signed, what is older, and routes that lead nowhere known") {
  Network network = mixed_network(2);
  Safety safety(network);
  routing::Event accepted;
  accepted.kind = routing::EventKind::lsa_accept;
  accepted.lsa = {network.identity(1).id(), 0};
  accepted.sequence = 10;
  CHECK(message_of([&] { safety.on_event(0, accepted); }).find("not signed") != std::string::npos);
  routing::Event originated = accepted;
  originated.kind = routing::EventKind::lsa_originate;
  CHECK(message_of([&] { safety.on_event(1, originated); }).empty());
  CHECK(message_of([&] { safety.on_event(0, accepted); }).empty());
  CHECK(message_of([&] { safety.on_event(1, originated); }).find("after") != std::string::npos);
  originated.sequence = 11;
  safety.on_event(1, originated);
  accepted.sequence = 11;
  safety.on_event(0, accepted);
  accepted.sequence = 10;
  CHECK(message_of([&] { safety.on_event(0, accepted); }).find("after 11") != std::string::npos);
  safety.on_start(0);
  CHECK(message_of([&] { safety.on_event(0, accepted); }).empty());  // a new life remembers nothing

  routing::RouterOutbox outbox;
  outbox.routes.routes = {{*Prefix::parse("10.240.0.0/16"), 1}};
  CHECK(message_of([&] { safety.on_call(0, outbox); }).find("nobody announces") != std::string::npos);
  outbox.routes.routes = {{network.options(0).prefixes.front(), 1}};
  CHECK(message_of([&] { safety.on_call(0, outbox); }).find("its own") != std::string::npos);
  outbox.routes.routes.clear();
  outbox.routes.groups = {routing::RouteGroup{1, {}, {network.neighbors(0).front()}, routing::kNoNeighbor, {}, 10}};
  CHECK(message_of([&] { safety.on_call(0, outbox); }).find("not in Full") != std::string::npos);
}

TEST_CASE("the same arguments give the same report, but for what its clock and memory say") {
  const Arguments arguments = arguments_for("random:10,3", "cut:1,stop:1,chaos:4", 5);
  const auto topology = generate(arguments.shape, {arguments.seed, false}).value();
  const auto report = [&](std::uint64_t seed) {
    Arguments other = arguments;
    other.seed = seed;
    return to_json(topology, simulate(topology, options_of(other).value()), {seed, "", 0, 0}).dump();
  };
  const std::string once = report(5);
  CHECK(report(5) == once);
  CHECK(report(6) != once);
}

TEST_CASE("coverage is that of routers at rest, whose alternates are there") {
  const Outcome outcome = simulated(arguments_for("grid:3x3", "none", 3));
  const auto topology = generate("grid:3x3", {3, false}).value();
  Network network = build_network(topology, lab::make_plan(topology), {});
  network.start_all();
  network.run_for(5s);
  routing::BackupCoverage sum;
  for (NodeIndex node = 0; node < network.size(); node++) {
    const routing::BackupCoverage each = network.router(node).backup_coverage();
    sum.destinations += each.destinations;
    sum.ecmp += each.ecmp;
    sum.node_protecting += each.node_protecting;
    sum.link_protecting += each.link_protecting;
  }
  // Each node announces the same number of prefixes.
  const std::uint64_t prefixes = outcome.coverage.routes / sum.destinations;
  CHECK(outcome.coverage.routes == prefixes * sum.destinations);
  CHECK(outcome.coverage.equal_cost == prefixes * sum.ecmp);
  CHECK(outcome.coverage.node_protecting == prefixes * sum.node_protecting);
  CHECK(outcome.coverage.link_protecting == prefixes * sum.link_protecting);
  CHECK(outcome.coverage.equal_cost + outcome.coverage.node_protecting + outcome.coverage.link_protecting > 0);
}

TEST_CASE("a failure that finds no place is counted, and told") {
  std::vector<std::string> told;
  const Arguments arguments = arguments_for("line:2", "cut:2", 3);
  auto topology = generate("line:2", {3, false}).value();
  topology.links.clear();
  SimulationOptions options = options_of(arguments).value();
  options.on_progress = [&](const std::string& text) { told.push_back(text); };
  const Outcome outcome = simulate(topology, options);
  CHECK(outcome.fault == "");
  CHECK(outcome.failures.empty());
  CHECK(outcome.failures_without_place == 2);
  CHECK(std::count(told.begin(), told.end(), "2 of 2: no place for a failure of kind cut") == 1);
}

TEST_CASE("a link whose directions differ is mended as it was") {
  Network network(1);
  network.add_node();
  network.add_node();
  network.link(0, 1);
  network.set_quality(0, 1, {.loss_permille = 10, .mtu = 1400});
  network.set_quality(1, 0, {.loss_permille = 20, .mtu = 1300});
  network.start_all();
  network.run_for(1s);
  for (const FaultKind kind : {FaultKind::loss, FaultKind::mtu}) {
    Fault fault;
    fault.kind = kind;
    fault.links = {{0, 1}};
    apply(network, fault);
    undo(network, fault);
    CHECK(network.channel(0, 1).quality.loss_permille == 10);
    CHECK(network.channel(1, 0).quality.loss_permille == 20);
    CHECK(network.channel(0, 1).quality.mtu == 1400);
    CHECK(network.channel(1, 0).quality.mtu == 1300);
  }
}

TEST_CASE("every kind of fault, one at a time, is noticed, routed around and mended") {
  for (const FaultKind kind : kFaultKinds) {
    CAPTURE(to_string(kind));
    const Outcome outcome = simulated(arguments_for("grid:3x3", (std::string(to_string(kind)) + ":2").c_str(), 4));
    CHECK(outcome.fault == "");
    CHECK(outcome.failures.size() == 2);
    CHECK(outcome.repairs.size() == 2);
  }
}

TEST_CASE("what no grant allows is used nowhere, and safety would say so") {
  Arguments arguments = arguments_for("grid:3x3", "prefixes:3,chaos:5", 6);
  arguments.trust = true;
  CHECK(simulated(arguments).fault == "");

  const auto topology = generate("line:3", {}).value();
  BuildOptions options;
  options.trust = true;
  Network network = build_network(topology, lab::make_plan(topology), options);
  const Prefix granted = network.options(0).prefixes.front();
  const Prefix beyond = *Prefix::parse("10.251.0.1/32");
  network.set_prefixes(0, {granted, beyond});
  network.start_all();
  network.run_for(3s);
  CHECK(network.reached(2).contains(granted));
  CHECK_FALSE(network.reached(2).contains(beyond));
  CHECK(RouteOracle(network).find_fault(9).empty());
  Safety safety(network);
  routing::RouterOutbox outbox;
  outbox.routes.routes = {{beyond, 1}};
  CHECK(message_of([&] { safety.on_call(2, outbox); }).find("nobody announces who may") != std::string::npos);
  outbox.routes.routes = {{granted, 1}};
  CHECK(message_of([&] { safety.on_call(2, outbox); }).empty());
}

TEST_CASE("two halves that find each other have as much under way as is allowed, and no more") {
  constexpr NodeIndex kHalf = 75;
  Network network(4);
  for (NodeIndex i = 0; i < 2 * kHalf; i++) network.add_node();
  for (NodeIndex i = 0; i < 2 * kHalf; i++) {
    if (i + 1 != kHalf) network.link(i, (i + 1) % (2 * kHalf));
  }
  network.cut(2 * kHalf - 1, 0);
  Safety safety(network);
  network.on_start = [&](NodeIndex node) { safety.on_start(node); };
  network.on_event = [&](NodeIndex node, const routing::Event& event) { safety.on_event(node, event); };
  network.on_call = [&](NodeIndex node, const routing::RouterOutbox& outbox) { safety.on_call(node, outbox); };
  network.start_all();
  REQUIRE(network.run_until([&] { return RouteOracle(network).find_fault(20).empty(); }, 20s));
  network.restore(2 * kHalf - 1, 0);
  REQUIRE(network.run_until([&] { return RouteOracle(network).find_fault(20).empty(); }, 20s));
  CHECK(safety.most_in_flight() == routing::kMaxInFlight);
}

TEST_CASE("whatever is thrown in a run is what the run came to, not the program's end") {
  const auto topology = generate("ring:4", {1, false}).value();
  auto options = options_of(arguments_for("ring:4", "cut:1")).value();
  options.on_progress = [](const std::string&) { throw std::logic_error("a router asks for the same moment again"); };
  const Outcome outcome = simulate(topology, options);
  CHECK(outcome.fault == "violated: a router asks for the same moment again");
  CHECK_FALSE(outcome.ok());
}

TEST_CASE("traffic over a link that is cut is back within a tenth of a second") {
  const Outcome outcome = simulated(arguments_for("grid:4x4", "cut:12", 9));
  REQUIRE(outcome.fault == "");
  Measurement sum;
  for (const Measurement& failure : outcome.failures) sum.add(failure);
  REQUIRE(sum.outage_ms.count() >= 20);
  CHECK(sum.outage_ms.quantile(0.95) <= 150);
  CHECK(sum.outage_ms.median() <= 100);
  CHECK(sum.detected_ms.count() >= 12);
}

TEST_CASE("a network that does not come to what its file expects is told as not ok") {
  const auto text = [](int limit_ms) {
    return R"({"nodes": {"a": {}, "b": {}, "c": {}}, "links": [{"nodes": ["a", "b"]}, {"nodes": ["b", "c"]}, {"nodes": ["a", "c"], "cost": 50}],
      "probes": [{"from": "a", "to": "c", "interval_ms": 1}],
      "events": [{"at_ms": 2500, "cut": ["b", "c"]}, {"at_ms": 5000, "restore": ["b", "c"]}],
      "expect": [{"converged_within_ms": 5000}, {"path": ["a", "b", "c"], "at_ms": 400}, {"path": ["a", "c"], "at_ms": 4500},
                 {"all_reachable_at_ms": 4500}, {"max_outage_ms": )" +
           std::to_string(limit_ms) + R"(, "probe": ["a", "c"]}]})";
  };
  for (const int limit_ms : {150, 5}) {
    const auto topology = lab::parse_topology(text(limit_ms), "t.json").value();
    Arguments arguments;
    arguments.topology = "t.json";
    const Outcome outcome = simulate(topology, options_of(arguments).value());
    CHECK(outcome.fault == "");
    REQUIRE(outcome.script);
    CHECK(outcome.ok() == (limit_ms == 150));
    CHECK(outcome.failures.size() == 1);
    CHECK(outcome.repairs.size() == 1);
    const auto json = to_json(topology, outcome, {1, "starling sim run t.json --seed 1", 0, 0});
    CHECK(json["ok"] == outcome.ok());
    CHECK(json["expectations"].size() == 5);
  }
}
