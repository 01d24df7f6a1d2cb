// From a graph to routes and groups, with what carries while a neighbour is suspect.
#include "routing/routes.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/random.h"
#include "graph_builder.h"

using namespace starling;
using namespace starling::routing;

namespace {

Prefix prefix(const char* text) {
  return Prefix::parse(text).value();
}

Prefix prefix_of(std::uint32_t node) {
  return Prefix(IpAddress::v4({10, static_cast<std::uint8_t>(node), 0, 0}), 16);
}

struct TestRouter {
  GraphBuilder network;
  ShortestPaths paths;
  Alternates alternates;
  RouteTable routes{network.prefixes, network.graph, paths, alternates};

  // As Router does it, but for the delays.
  RouteUpdate update() {
    network.tell();
    std::vector<NodeIndex> moved, reconsidered;
    bool all = network.graph.changed();
    if (network.graph.bulk()) {
      paths.run(network.graph, moved);
      alternates.run(network.graph);
    } else if (all) {
      paths.update(network.graph, moved);
      all = alternates.update(network.graph, reconsidered);
    }
    RouteUpdate result = routes.update(moved, reconsidered, all);
    network.settle();
    return result;
  }

  RouteGroup group_of(const Prefix& wanted) const {
    for (const Route& route : routes.routes()) {
      if (route.prefix != wanted) continue;
      for (const RouteGroup& group : routes.groups()) {
        if (group.id == route.group) return group;
      }
    }
    return {};
  }
};

void make_diamond(GraphBuilder& network) {
  for (const auto& [a, b] : {std::pair(0u, 1u), {0u, 2u}, {1u, 3u}, {2u, 3u}}) network.link(a, b);
  network.nodes[3].prefixes = {prefix("10.3.0.0/16"), prefix("10.33.0.0/16")};
}

using Members = std::vector<NeighborId>;

}  // namespace

TEST_CASE("equal-cost next hops are members of one group that all prefixes of the origin share") {
  TestRouter router;
  make_diamond(router.network);
  const auto update = router.update();
  REQUIRE(update.delta.groups.size() == 1);
  const RouteGroup& group = update.delta.groups[0];
  CHECK(group.members == Members{101, 102});
  CHECK(group.metric == 20);
  CHECK(group.origins == std::vector{numbered_node(3)});
  CHECK(group.backup == kNoNeighbor);  // each member is the other's alternate
  CHECK(update.delta.routes.size() == 2);
  CHECK(update.added.size() == 2);
  for (const Route& route : router.routes.routes()) CHECK(route.group == group.id);
}

TEST_CASE("a lost next hop changes the group and no prefix") {
  TestRouter router;
  make_diamond(router.network);
  const auto before = router.update().delta.groups.at(0);
  router.network.unlink(2, 3);
  const auto update = router.update();
  REQUIRE(update.delta.groups.size() == 1);
  CHECK(update.delta.groups[0].id == before.id);
  CHECK(update.delta.groups[0].members == Members{101});
  CHECK(update.delta.routes.empty());
  CHECK(update.delta.removed_routes.empty());
  CHECK(router.update().delta.empty());
}

TEST_CASE("a prefix that becomes unreachable loses its route and its group") {
  TestRouter router;
  make_diamond(router.network);
  const auto group = router.update().delta.groups.at(0).id;
  router.network.unlink(2, 3);
  router.network.unlink(1, 3);
  const auto update = router.update();
  CHECK(update.delta.removed_routes.size() == 2);
  CHECK(update.delta.removed_groups == std::vector{group});
  CHECK(router.routes.routes().empty());
  CHECK(router.routes.groups().empty());
}

TEST_CASE("a link that only one end announces does not count") {
  TestRouter router;
  make_diamond(router.network);
  router.network.nodes[3].links.clear();  // 1 and 2 say that they reach it; it says nothing
  CHECK(router.update().delta.routes.empty());
  make_diamond(router.network);
  router.network.nodes[1].links.clear();  // it does not announce us, though we hold it in Full
  CHECK(router.update().delta.groups.at(0).members == Members{102});
}

TEST_CASE("the larger metric of both ends counts in both directions, and a manual one instead of a measured one") {
  TestRouter router;
  make_diamond(router.network);
  router.network.link(0, 2, 10, 15);
  CHECK(router.update().delta.groups.at(0).members == Members{101});
  router.network.link(0, 1, 17, 10);
  CHECK(router.update().delta.groups.at(0).members == Members{102});
  router.network.nodes[1].links[0] = {12, true};
  CHECK(router.update().delta.groups.at(0).members == Members{101});
}

TEST_CASE("of several origins of one prefix the nearest wins") {
  TestRouter router;
  for (const auto& [a, b] : {std::pair(0u, 1u), {1u, 2u}, {0u, 3u}, {3u, 4u}, {4u, 5u}}) router.network.link(a, b);
  for (const std::uint32_t node : {2u, 5u}) router.network.nodes[node].prefixes = {prefix("10.9.0.0/16")};
  const auto group = router.update().delta.groups.at(0);
  CHECK(group.origins.size() == 2);
  CHECK(std::is_sorted(group.origins.begin(), group.origins.end()));
  CHECK(group.members == Members{101});
  CHECK(group.metric == 20);
  CHECK(group.backup == 103);  // to the other origin
  CHECK(group.backup_kind == BackupKind::node);
  router.network.unlink(1, 2);
  const auto later = router.update().delta;
  CHECK(later.groups.at(0).members == Members{103});
  CHECK(later.groups.at(0).id == group.id);
  CHECK(later.routes.empty());
}

TEST_CASE("our own prefixes are never routed away, refused ones not used") {
  TestRouter router;
  make_diamond(router.network);
  router.network.nodes[3].prefixes.push_back(prefix("8.8.8.0/24"));
  router.network.prefixes.set_local({prefix("10.33.0.0/16")}, {});
  const auto update = router.update();
  REQUIRE(update.delta.routes.size() == 1);
  CHECK(update.delta.routes[0].prefix == prefix("10.3.0.0/16"));
  CHECK(router.network.prefixes.find(prefix("8.8.8.0/24"))->verdict == ImportVerdict::not_in_accept);
  CHECK(router.network.prefixes.find(prefix("10.33.0.0/16"))->verdict == ImportVerdict::own_prefix);
}

TEST_CASE("two deltas that were not drained in between apply as one") {
  TestRouter router;
  make_diamond(router.network);
  RouteDelta sum;
  merge(sum, router.update().delta);
  router.network.unlink(1, 3);
  router.network.unlink(2, 3);
  merge(sum, router.update().delta);
  CHECK(sum.routes.empty());
  CHECK(sum.groups.empty());
  CHECK(sum.removed_routes.size() == 2);
  make_diamond(router.network);
  merge(sum, router.update().delta);
  CHECK(sum.routes.size() == 2);
  CHECK(sum.removed_routes.empty());
  CHECK(sum.groups.size() == 1);
}

TEST_CASE("groups carry without suspect neighbours: by the others, by the backup, or as before where neither is") {
  TestRouter router;
  GraphBuilder& network = router.network;
  make_diamond(network);
  network.link(0, 4);
  network.link(4, 5);
  network.link(0, 6, 30);
  network.link(6, 5, 5);
  network.link(0, 7);
  for (const std::uint32_t node : {5u, 7u}) network.nodes[node].prefixes = {prefix_of(node)};
  router.update();
  CHECK(router.group_of(prefix_of(5)).backup == 106);
  CHECK(router.group_of(prefix_of(5)).backup_kind == BackupKind::node);

  CHECK(router.routes.flip({101}).groups.at(0).members == Members{102});  // the diamond's other side
  const auto both = router.routes.flip({101, 104});
  REQUIRE(both.groups.size() == 1);
  CHECK(both.groups[0].members == Members{106});
  CHECK(both.groups[0].backup == kNoNeighbor);
  CHECK(router.routes.flip({101, 104, 107}).empty());  // 7 has no other way
  CHECK(router.group_of(prefix_of(7)).members == Members{107});

  CHECK(router.routes.flip({101, 104, 106}).groups.at(0).members == Members{104});  // the backup is no better
  const auto back = router.routes.flip({});
  CHECK(back.groups.size() == 1);
  CHECK(router.group_of(prefix_of(3)).members == Members{101, 102});
  CHECK(router.group_of(prefix_of(5)).members == Members{104});
  CHECK(router.routes.flip({}).empty());
}

TEST_CASE("a computation while a neighbour is suspect keeps off it, too") {
  TestRouter router;
  make_diamond(router.network);
  router.update();
  router.routes.flip({101});
  router.network.nodes[3].prefixes.push_back(prefix("10.34.0.0/16"));
  CHECK(router.update().delta.routes.size() == 1);
  CHECK(router.group_of(prefix("10.34.0.0/16")).members == Members{102});
  router.network.link(1, 3, 5);  // the suspect neighbour is the only best one now, and 2 its backup
  CHECK(router.update().delta.groups.at(0).members == Members{102});
  CHECK(router.routes.flip({}).groups.at(0).members == Members{101});
}

TEST_CASE("coverage counts the destinations that have another way ready") {
  TestRouter router;
  make_diamond(router.network);  // 3 by two ways; 1 and 2 only over 3, which would send back as gladly
  router.update();
  const BackupCoverage diamond = router.routes.coverage();
  CHECK(diamond.destinations == 3);
  CHECK(diamond.ecmp == 1);
  CHECK(diamond.node_protecting + diamond.link_protecting == 0);
  router.network.link(1, 2);
  router.update();
  CHECK(router.routes.coverage().link_protecting == 2);
}

TEST_CASE("after any changes the deltas add up to the table, and the table is the one computed from scratch") {
  for (std::uint64_t seed = 1; seed <= 25; seed++) {
    CAPTURE(seed);
    SeededRandom random(seed);
    TestRouter router;
    std::map<std::uint32_t, RouteGroup> groups;
    std::map<Prefix, std::uint32_t> routes;
    const auto apply = [&](const RouteDelta& delta) {
      for (const RouteGroup& group : delta.groups) groups[group.id] = group;
      for (const Route& route : delta.routes) routes[route.prefix] = route.group;
      for (const Prefix& gone : delta.removed_routes) CHECK(routes.erase(gone) == 1);
      for (const std::uint32_t gone : delta.removed_groups) CHECK(groups.erase(gone) == 1);
    };
    for (int step = 0; step < 60; step++) {
      CAPTURE(step);
      for (std::uint64_t i = random.below(4); i <= 3; i++) change_at_random(router.network, 10, random);
      for (std::uint64_t i = random.below(3); i > 0; i--) {  // nodes announce their own, each other's and refused ones
        auto& announced = router.network.nodes[static_cast<std::uint32_t>(1 + random.below(9))].prefixes;
        const Prefix one = prefix_of(static_cast<std::uint32_t>(random.below(12)));
        if (std::erase(announced, one) == 0) announced.push_back(random.below(5) == 0 ? prefix("8.8.8.0/24") : one);
        std::sort(announced.begin(), announced.end());
        announced.erase(std::unique(announced.begin(), announced.end()), announced.end());
      }
      apply(router.update().delta);
      if (random.below(3) == 0) {
        std::vector<NeighborId> suspects;
        for (std::uint32_t node = 1; node < 10; node++) {
          if (random.below(3) == 0) suspects.push_back(handle_of(node));
        }
        apply(router.routes.flip(suspects));
      }
      const auto all = router.routes.groups();
      REQUIRE(all.size() == groups.size());
      for (const RouteGroup& group : all) {
        REQUIRE(groups.contains(group.id));
        REQUIRE(groups.at(group.id) == group);
        REQUIRE(!group.members.empty());
      }
      const auto listed = router.routes.routes();
      REQUIRE(listed.size() == routes.size());
      for (const Route& route : listed) REQUIRE(routes.at(route.prefix) == route.group);

      TestRouter fresh;
      for (const auto& [number, node] : router.network.nodes) fresh.network.nodes[number] = node;
      fresh.update();
      fresh.routes.flip(router.routes.unusable());
      REQUIRE(fresh.routes.routes().size() == listed.size());
      for (const Route& route : listed) {
        RouteGroup ours = router.group_of(route.prefix), theirs = fresh.group_of(route.prefix);
        ours.id = theirs.id = 0;
        CHECK(ours == theirs);
      }
    }
  }
}
