// What routers compute, and when: nothing that a change does not need, at once what can be, and alternates in time.
#include <doctest/doctest.h>

#include "sim/oracle.h"

using namespace starling;
using namespace starling::sim;
using namespace std::chrono_literals;

namespace {

// 0-1-2-3-0 with the chord 1-3, and 4 hanging on 2; calm, with alternates.
struct Scene {
  Network network{5};

  Scene() {
    for (int i = 0; i < 5; i++) network.add_node();
    for (const auto& [a, b] : {std::pair(0u, 1u), {1u, 2u}, {2u, 3u}, {3u, 0u}, {1u, 3u}, {2u, 4u}}) network.link(a, b);
    network.start_all();
    converge();
    network.run_for(routing::kSpfHoldDown);
  }
  void converge() {
    const Oracle oracle(network);
    REQUIRE(network.run_until([&] { return converged(network, oracle); }, 5s));
  }
  std::uint64_t runs(NodeIndex node) { return network.router(node).statistics().spf_runs; }
  routing::RouteGroup group_to(NodeIndex from, NodeIndex to) {
    for (const auto& group : network.router(from).groups()) {
      if (group.origins.front() == network.identity(to).id()) return group;
    }
    return {};
  }
};

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

}  // namespace

TEST_CASE("a prefix that comes or goes is routed without any computation of paths") {
  Scene scene;
  const auto before = scene.runs(0);
  scene.network.set_prefixes(2, {prefix("10.0.2.0/24"), prefix("10.99.0.0/16")});
  scene.converge();
  scene.network.set_prefixes(2, {prefix("10.99.0.0/16")});
  scene.converge();
  CHECK(scene.runs(0) == before);
}

TEST_CASE("a link to a leaf costs others no computation of paths, another link an incremental one, and that is told") {
  Scene scene;
  std::vector<std::string> kinds;
  scene.network.on_event = [&](NodeIndex node, const routing::Event& event) {
    if (node == 0 && event.kind == routing::EventKind::spf_run) kinds.emplace_back(event.reason);
  };
  const auto before = scene.runs(0);
  const auto full = scene.network.router(0).statistics().spf_full_runs;
  scene.network.set_cost(2, 4, 25);
  scene.converge();
  scene.network.lose_carrier(2, 4);
  scene.converge();
  CHECK(scene.runs(0) == before);
  CHECK(kinds.empty());
  scene.network.lose_carrier(1, 2);
  scene.converge();
  CHECK(scene.runs(0) > before);
  CHECK(kinds == std::vector<std::string>(scene.runs(0) - before, "incremental"));
  CHECK(scene.network.router(0).statistics().spf_full_runs == full);
  kinds.clear();
  scene.network.stop(0);
  scene.network.start(0);
  scene.converge();
  CHECK(kinds.front() == "full");
}

TEST_CASE("alternates are there after the start, follow changes, and are counted") {
  Scene scene;
  const auto to_1 = scene.group_to(0, 1);  // by 3, which has the chord
  CHECK(to_1.members == std::vector<routing::NeighborId>{1});
  CHECK(to_1.backup == 3);
  CHECK(to_1.backup_kind == routing::BackupKind::link);
  const auto coverage = scene.network.router(0).backup_coverage();
  CHECK(coverage.destinations == 4);
  CHECK(coverage.ecmp == 2);  // 2 and 4
  CHECK(coverage.link_protecting == 2);
  scene.network.lose_carrier(1, 3);
  scene.converge();
  CHECK(scene.group_to(0, 1).backup == routing::kNoNeighbor);
}

TEST_CASE("present next hops are those of the group that carries") {
  Scene scene;
  std::vector<routing::NeighborId> members{77};
  scene.network.router(0).next_hops(prefix("10.0.2.0/24"), members);
  CHECK(members == std::vector<routing::NeighborId>{1, 3});
  scene.network.router(0).next_hops(prefix("10.88.0.0/16"), members);
  CHECK(members.empty());
}

TEST_CASE("a first failure after a calm is computed when it is heard of, the next one shortly after") {
  Scene scene;
  scene.network.lose_carrier(1, 2);
  scene.network.run_for(2ms);  // one hop, one way
  CHECK(scene.network.reached(0).at(prefix("10.0.2.0/24")).hops == std::vector<NodeIndex>{3});
  scene.network.lose_carrier(1, 3);
  scene.network.set_cost(2, 3, 30);
  scene.network.run_for(2ms);
  CHECK(scene.network.reached(0).at(prefix("10.0.2.0/24")).metric == 20);  // it waits
  scene.network.run_for(routing::kSpfShortDelay);
  CHECK(scene.network.reached(0).at(prefix("10.0.2.0/24")).metric == 40);
}
