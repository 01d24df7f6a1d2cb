#include "topologies/lab/plan.h"

#include <set>

#include "tests/unit/lab/network.h"

using namespace starling;
using namespace starling::lab;
using starling::lab::test::topology_of;

namespace {

constexpr const char* kTriangle = R"({"name": "three", "nodes": {"a": {}, "b": {}, "a-name-that-is-rather-long": {}},
  "links": [{"nodes": ["a", "b"], "cost": 7}, {"nodes": ["b", "a-name-that-is-rather-long"], "underlay": "ipv6"},
            {"nodes": ["a", "a-name-that-is-rather-long"]}]})";

}  // namespace

TEST_CASE("a plan is the same every time, and another for another name") {
  const Topology topology = topology_of(kTriangle);
  Topology renamed = topology;
  renamed.name = "four";
  const Plan first = make_plan(topology), second = make_plan(topology), other = make_plan(renamed);
  for (std::size_t i = 0; i < first.nodes.size(); i++) {
    CHECK(first.nodes[i].config == second.nodes[i].config);
    CHECK(first.nodes[i].public_key != other.nodes[i].public_key);
    CHECK(first.nodes[i].addresses != other.nodes[i].addresses);
  }
}

TEST_CASE("keys, addresses, devices and subnets are made up once each, and fit") {
  const Plan plan = make_plan(topology_of(kTriangle));
  std::set<PublicKey> keys;
  std::set<IpAddress> addresses;
  std::set<std::string> devices;
  for (const NodePlan& node : plan.nodes) {
    CHECK(keys.insert(node.public_key).second);
    CHECK(node.addresses.size() == 2);
    for (const IpAddress& address : node.addresses) CHECK(addresses.insert(address).second);
    CHECK(node.listen_port > 1024);
    CHECK(node.link_local.is_link_local());
  }
  for (const LinkPlan& link : plan.links) {
    CHECK(link.a.address.subnet() == link.b.address.subnet());
    for (const LinkEnd& end : {link.a, link.b}) {
      CHECK(addresses.insert(end.address.address).second);
      CHECK(devices.insert(plan.nodes[end.node].name + " " + end.device).second);
      CHECK(end.device.size() <= 15);
    }
  }
  CHECK(plan.links[0].a.address.address.is_v4());
  CHECK(plan.links[1].a.address.address.is_v6());
}

TEST_CASE("each end of a link has the other as a peer, at its underlay address and the link's cost") {
  const Topology topology = topology_of(kTriangle);
  const Plan plan = make_plan(topology);
  const std::size_t a = topology.node_index("a").value(), b = topology.node_index("b").value();
  const auto& peer = plan.nodes[a].config["peers"][0];
  CHECK(peer["public_key"] == to_base64(plan.nodes[b].public_key));
  CHECK(peer["cost"] == 7);
  CHECK(peer["endpoint"] == Endpoint{plan.links[0].b.address.address, plan.nodes[b].listen_port, 0}.to_string());
}

TEST_CASE("overrides win over what is made up") {
  const Plan plan =
      make_plan(topology_of(R"({"nodes": {"a": {"addresses": ["10.9.9.9/32"], "listen_port": 5555, "mtu": 1300,
    "private_key": "YAnz5TF+lXXJte14tji3zlMNftft3AzDx5sHqZPRJmE="}, "b": {}}, "links": [{"nodes": ["a", "b"]}]})"));
  CHECK(plan.nodes[0].addresses == std::vector<IpAddress>{IpAddress::v4({10, 9, 9, 9})});
  CHECK(plan.nodes[0].listen_port == 5555);
  CHECK(plan.nodes[0].config["mtu"] == 1300);
  CHECK(plan.nodes[1].config["peers"][0]["public_key"] == to_base64(plan.nodes[0].public_key));
}
