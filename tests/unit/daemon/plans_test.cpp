// What the router says, in the engine's and the kernel's terms.
#include <doctest/doctest.h>

#include "daemon/connected_subnets.h"
#include "daemon/egress_plan.h"
#include "daemon/ingress_plan.h"
#include "daemon/netlink/kernel_route.h"
#include "daemon/underlay_guard.h"

using namespace starling;
using namespace starling::daemon;

namespace {

Prefix prefix(const char* text) {
  return *Prefix::parse(text);
}

routing::RouteGroup group(std::uint32_t id, std::vector<routing::NeighborId> members) {
  routing::RouteGroup group;
  group.id = id;
  group.members = std::move(members);
  group.metric = 10;
  return group;
}

routing::RouteDelta two_groups() {
  routing::RouteDelta delta;
  delta.groups = {group(7, {0}), group(3, {0, 1})};
  delta.routes = {{prefix("10.1.0.0/16"), 7}, {prefix("10.2.0.0/16"), 3}, {prefix("fd00::/48"), 3}};
  return delta;
}

// The members that carry a prefix, through the index; empty if it has no entry.
std::vector<wg::PeerId> members_of(const wg::EgressDescription& description, const char* text) {
  for (const wg::EgressEntry& entry : description.entries)
    if (entry.prefix == prefix(text)) return description.groups.at(entry.group).members;
  return {};
}

std::set<Prefix> routes(std::initializer_list<const char*> texts) {
  std::set<Prefix> prefixes;
  for (const char* text : texts) prefixes.insert(prefix(text));
  return prefixes;
}

KernelAddress address(std::uint32_t index, const char* text) {
  return {index, *InterfaceAddress::parse(text), false};
}

}  // namespace

TEST_CASE("the egress description gives every prefix the members of its group") {
  EgressPlan plan({{9, {prefix("10.9.0.0/16")}}});
  const EgressChange change = plan.apply(two_groups());
  CHECK(change.groups == 2);
  CHECK(change.prefixes == 3);
  CHECK_FALSE(change.groups_only);
  const wg::EgressDescription description = plan.description();
  CHECK(description.entries.size() == 4);
  CHECK(members_of(description, "10.1.0.0/16") == std::vector<wg::PeerId>{0});
  CHECK(members_of(description, "fd00::/48") == std::vector<wg::PeerId>{0, 1});
  CHECK(members_of(description, "10.9.0.0/16") == std::vector<wg::PeerId>{9});
}

TEST_CASE("a reroute changes groups alone, in the order of the description") {
  EgressPlan plan({{9, {prefix("10.9.0.0/16")}}});
  plan.apply(two_groups());
  wg::EgressDescription description = plan.description();
  routing::RouteDelta reroute;
  reroute.groups = {group(3, {1})};
  const EgressChange change = plan.apply(reroute);
  CHECK(change.groups_only);
  CHECK(change.groups == 1);
  CHECK(change.prefixes == 0);
  REQUIRE(plan.groups().size() == description.groups.size());
  description.groups = plan.groups();
  CHECK(description == plan.description());
  CHECK(members_of(description, "10.2.0.0/16") == std::vector<wg::PeerId>{1});
}

TEST_CASE("a group whose metric alone changed is no change for the engine") {
  EgressPlan plan({});
  plan.apply(two_groups());
  routing::RouteDelta delta;
  delta.groups = {group(7, {0})};
  delta.groups[0].metric = 99;
  CHECK(plan.apply(delta).empty());
  CHECK(plan.group_of(prefix("10.1.0.0/16"))->metric == 99);
}

TEST_CASE("groups and prefixes that are gone leave nothing behind") {
  EgressPlan plan({});
  plan.apply(two_groups());
  routing::RouteDelta delta;
  delta.removed_routes = {prefix("10.1.0.0/16")};
  delta.removed_groups = {7};
  const EgressChange change = plan.apply(delta);
  CHECK_FALSE(change.groups_only);
  CHECK(plan.description().groups.size() == 1);
  CHECK(members_of(plan.description(), "10.2.0.0/16") == std::vector<wg::PeerId>{0, 1});
  CHECK(plan.group_of(prefix("10.1.0.0/16")) == nullptr);
  CHECK(plan.prefixes_of(3) == std::vector{prefix("10.2.0.0/16"), prefix("fd00::/48")});
}

TEST_CASE("a stock peer alone may send from its prefixes, whatever the mesh says") {
  IngressPlan plan({{9, {prefix("10.9.0.0/16")}}});
  plan.apply({{prefix("10.1.0.0/16"), {0, 1}, false},
              {prefix("10.2.0.0/16"), {0, 1}, false},
              {prefix("10.9.0.0/16"), {0}, false}});
  wg::IngressDescription description = plan.description();
  CHECK(description.entries.size() == 3);
  CHECK(description.sets.size() == 2);  // equal sets are one
  for (const wg::IngressEntry& entry : description.entries)
    if (entry.prefix == prefix("10.9.0.0/16")) CHECK(description.sets.at(entry.set) == std::vector<wg::PeerId>{9});
  plan.apply({{prefix("10.1.0.0/16"), {}, true}});
  CHECK(plan.description().entries.size() == 2);
}

TEST_CASE("a prefix is protected when it covers an endpoint, and a default route always") {
  const auto endpoint = *Endpoint::parse("192.0.2.1:7000");
  const auto covering =
      prefixes_to_protect(routes({"192.0.2.0/24", "192.0.0.0/16", "192.0.3.0/24", "10.0.0.0/8", "::/0"}), {endpoint});
  REQUIRE(covering.size() == 3);
  CHECK(covering.at(prefix("192.0.2.0/24")) == endpoint);
  CHECK(covering.at(prefix("192.0.0.0/16")) == endpoint);
  CHECK(covering.contains(prefix("::/0")));
  CHECK(prefixes_to_protect(routes({"10.0.0.0/8"}), {endpoint}).empty());
}

TEST_CASE("one number is mark and table, and never one of the kernel's tables") {
  CHECK(underlay_mark(4201) == 4201);
  CHECK(underlay_mark(254) == 42254);
  for (const PolicyRule& rule : underlay_rules(Family::ipv6, 4201)) {
    CHECK(rule.family == Family::ipv6);
    CHECK(rule.not_mark == 4201);
    CHECK(rule.protocol == kRouteProtocol);
  }
}

TEST_CASE("connected subnets are those of other interfaces, without loopback and single addresses") {
  ConnectedSubnets connected(5);
  for (const KernelAddress& one : {address(1, "127.0.0.1/8"), address(2, "192.0.2.7/24"), address(2, "fe80::1/64"),
                                   address(3, "198.51.100.1/32"), address(5, "10.0.0.1/8"), address(4, "fd00:1::1/64")})
    connected.add(one);
  CHECK(connected.subnets() == std::vector{prefix("192.0.2.0/24"), prefix("fd00:1::/64")});
  connected.remove(address(2, "192.0.2.7/24"));
  CHECK(connected.subnets() == std::vector{prefix("fd00:1::/64")});
}
