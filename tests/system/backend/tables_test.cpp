// The two tables at work: who carries a packet, who may send one.
#include <doctest/doctest.h>

#include "tests/system/backend/node.h"
#include "tests/system/backend/packets.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

TEST_CASE("a reroute moves packets from one peer to another, and the live table can be read back") {
  Node a("be-a"), b("be-b"), c("be-c");
  shell("ip address add 10.9.0.1 dev be-a");
  const PeerId b_at_a = a.add(b, true), c_at_a = a.add(c, true);
  const PeerId a_at_b = b.add(a, false), a_at_c = c.add(a, false);
  const IngressDescription ingress{{{0}}, {{*Prefix::parse("10.9.0.1/32"), 0}}};
  for (Node* node : {&b, &c}) node->backend->set_ingress(ingress);
  CHECK(b.backend->ingress() == ingress);

  const EgressDescription egress = egress_to(b_at_a, "10.77.0.0/16");
  a.backend->set_egress(egress);
  CHECK(a.backend->egress() == egress);
  send_into("be-a", "10.77.1.1");
  REQUIRE(await({&a, &b, &c}, [&] { return b.peer_status(a_at_b).rx_packets == 1; }));

  a.backend->set_egress_groups({{{}, c_at_a}});  // no member left: the backup
  CHECK(a.backend->egress().groups == std::vector<NextHopGroup>{{{}, c_at_a}});
  send_into("be-a", "10.77.1.1");
  REQUIRE(await({&a, &b, &c}, [&] { return c.peer_status(a_at_c).rx_packets == 1; }));
  CHECK(b.peer_status(a_at_b).rx_packets == 1);
  CHECK(b.drops.empty());
  CHECK(c.drops.empty());
}

TEST_CASE("sources are dropped by name: behind another peer, or unknown") {
  Node a("be-a"), b("be-b"), c("be-c");
  shell("ip address add 10.9.0.1 dev be-a");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false), c_at_b = b.add(c, false);
  a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
  send_into("be-a", "10.77.1.1");
  REQUIRE(await({&a, &b}, [&] { return b.dropped(a_at_b, DropReason::ingress_source_unknown); }));
  b.backend->set_ingress({{{c_at_b}}, {{*Prefix::parse("10.9.0.0/24"), 0}}});
  send_into("be-a", "10.77.1.1");
  REQUIRE(await({&a, &b}, [&] { return b.dropped(a_at_b, DropReason::ingress_source_not_allowed); }));
  const DropCounters drops = b.peer_status(a_at_b).drops;
  CHECK(drops[static_cast<std::size_t>(DropReason::ingress_source_unknown)] == 1);
  CHECK(drops[static_cast<std::size_t>(DropReason::ingress_source_not_allowed)] == 1);
}

TEST_CASE("ICMP errors from 192.0.0.8 pass the filter, nothing else from there does") {
  Node a("be-a"), b("be-b"), c("be-c");
  const PeerId b_at_a = a.add(b, true), b_at_c = c.add(b, true);
  const PeerId a_at_b = b.add(a, false), c_at_b = b.add(c, false);
  a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
  c.backend->set_egress(egress_to(b_at_c, "10.77.0.0/16"));
  constexpr std::uint8_t kTimeExceeded = 11, kEcho = 8;
  inject("be-a", icmp_packet("192.0.0.8", "10.77.1.1", kTimeExceeded));
  REQUIRE(await({&a, &b}, [&] { return b.peer_status(a_at_b).rx_packets == 1; }));
  CHECK(b.peer_status(a_at_b).drops == DropCounters{});
  inject("be-a", icmp_packet("192.0.0.8", "10.77.1.1", kEcho));
  REQUIRE(await({&a, &b}, [&] { return b.dropped(a_at_b, DropReason::ingress_source_unknown); }));

  // And not more of them than a router sends. Another neighbour's are not refused for that.
  inject("be-a", icmp_packet("192.0.0.8", "10.77.1.1", kTimeExceeded), 400);
  REQUIRE(await({&a, &b}, [&] { return b.peer_status(a_at_b).rx_packets == 402; }));
  CHECK(b.peer_status(a_at_b).drops[static_cast<std::size_t>(DropReason::ingress_source_unknown)] > 20);
  inject("be-c", icmp_packet("192.0.0.8", "10.77.1.1", kTimeExceeded), 40);
  REQUIRE(await({&a, &b, &c}, [&] { return b.peer_status(c_at_b).rx_packets == 40; }));
  CHECK(b.peer_status(c_at_b).drops == DropCounters{});
}

TEST_CASE("link-local addresses are the control packets' own, even where a default route covers them") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false);
  a.backend->set_egress(egress_to(b_at_a, "::/0"));
  const IpAddress local = link_local_address(a.public_key), remote = link_local_address(b.public_key);
  inject("be-a", forged_control_packet(local, remote));
  REQUIRE(await({&a, &b}, [&] { return a.dropped(kNoPeer, DropReason::egress_no_route); }));

  // A node that carries them all the same (no control port there) is refused by the other end.
  BackendConfig plain;
  plain.interface = "be-p";
  plain.private_key = new_key();
  Node observer("be-o");
  auto made = make_userspace_backend(plain);
  REQUIRE(made.ok());
  observer.backend = std::move(*made);
  observer.backend->start();
  observer.public_key = derive_public_key(plain.private_key);
  const PeerId b_at_plain = observer.add(b, true);
  const PeerId plain_at_b = b.add(observer, false);
  b.backend->set_ingress({{{a_at_b, plain_at_b}}, {{*Prefix::parse("::/0"), 0}}});
  observer.backend->set_egress(egress_to(b_at_plain, "::/0"));
  inject("be-p", forged_control_packet(local, remote));
  REQUIRE(await({&b, &observer}, [&] { return b.dropped(plain_at_b, DropReason::control_invalid); }));
  std::vector<std::uint8_t> ordinary = forged_control_packet(local, remote);
  ordinary[42] = 0;  // another port
  inject("be-p", ordinary);
  REQUIRE(await({&b, &observer}, [&] { return b.dropped(plain_at_b, DropReason::ingress_source_not_allowed); }));
  CHECK(b.heard.empty());
}
