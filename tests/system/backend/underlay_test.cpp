// What the outer packets look like and where they come from and go: source addresses, traffic class, roaming between
// the families, and the tunnel in a tunnel.
#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>

#include <set>

#include "tests/system/backend/packets.h"
#include "tests/system/backend/wire.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

constexpr std::uint8_t kEchoRequest = 8;

std::vector<std::uint8_t> marked_packet(std::uint8_t traffic_class) {
  std::vector<std::uint8_t> packet = icmp_packet("10.9.0.1", "10.77.1.1", kEchoRequest);
  packet[1] = traffic_class;
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) sum += static_cast<std::uint32_t>(packet[i] << 8 | packet[i + 1]);
  sum = ~((sum & 0xffff) + (sum >> 16));
  packet[10] = static_cast<std::uint8_t>(sum >> 8);
  packet[11] = static_cast<std::uint8_t>(sum);
  return packet;
}

// The next packet from `source` that `tap` sees.
std::vector<std::uint8_t> next_from(Tap& tap, const char* source) {
  const IpAddress address = *IpAddress::parse(source);
  const Bytes wanted = address.bytes();
  while (auto packet = tap.next(5000)) {
    if ((*packet)[0] >> 4 == 4 && std::memcmp(packet->data() + 12, wanted.data(), 4) == 0) return std::move(*packet);
  }
  return {};
}

// A pair through which left's packets to 10.77.0.0/16 get, with a session.
struct DataPair : Pair {
  DataPair() {
    left.backend->set_egress(egress_to(right_at_left, "10.77.0.0/16"));
    right->backend->set_ingress(ingress_from(left_at_right, "10.9.0.0/16"));
    REQUIRE(talk());
  }
};

}  // namespace

TEST_CASE("handshakes leave with DSCP AF41 and control packets with CS6") {
  Node a("be-a"), b("be-b");
  Tap tap("lo");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));

  std::set<std::pair<std::size_t, int>> seen;  // UDP payload size, traffic class
  while (const auto packet = tap.next(0)) {
    if (packet->size() > 28 && (*packet)[9] == IPPROTO_UDP) seen.emplace(packet->size() - 28, (*packet)[1]);
  }
  CHECK(seen == std::set<std::pair<std::size_t, int>>{{148, 0x88}, {92, 0x88}, {96, 0xc0}});
}

TEST_CASE("of the inner traffic class only the congestion bits are seen outside") {
  DataPair pair;
  Tap outside("to-right");
  for (const int traffic_class : {0x00, 0x01, 0x02, 0x03, 0xb8, 0xba}) {
    inject("be-l", marked_packet(static_cast<std::uint8_t>(traffic_class)));
    const auto packet = next_from(outside, "192.0.2.1");
    CAPTURE(traffic_class);
    REQUIRE(packet.size() == 28 + 32 + 32);
    CHECK(packet[1] == (traffic_class & 3));
  }
}

TEST_CASE("a congestion mark from the underlay reaches the inner packet, or costs it its life by name") {
  DataPair pair;
  shell(
      "nft add table ip congestion && nft add chain ip congestion out '{ type filter hook output priority 0; }' && "
      "nft add rule ip congestion out udp length 72 ip ecn set ce");
  std::optional<Tap> inside;
  {
    const Namespace::Visit visit(pair.wire.right);
    inside.emplace("be-r");
  }
  inject("be-l", marked_packet(0x02));
  std::vector<std::uint8_t> expected = marked_packet(0x03);
  CHECK(next_from(*inside, "10.9.0.1") == expected);  // its header checksum is right, too
  inject("be-l", marked_packet(0x00));
  Node& right = *pair.right;
  REQUIRE(await({&right}, [&] { return right.dropped(pair.left_at_right, DropReason::ecn_not_capable); }));
  CHECK(right.drops.back().address == IpAddress::parse("10.9.0.1"));
  shell("nft delete table ip congestion");
}

TEST_CASE("an answer comes from the address that was asked, in both families, for as long as it is there") {
  Pair pair;
  pair.wire.in_right("ip address add 192.0.2.3/24 dev to-left && ip address add 2001:db8::3/64 dev to-left nodad");
  Node& left = pair.left;
  for (const auto& [asked, other] : {std::pair("192.0.2.3", "192.0.2.2"), std::pair("2001:db8::3", "2001:db8::2")}) {
    left.endpoints.clear();
    left.backend->set_endpoint(pair.right_at_left, at(asked, *pair.right));
    REQUIRE(pair.talk());
    REQUIRE(pair.talk());
    CHECK(left.endpoints.empty());
    const std::string command = "ip address del " + std::string(asked) + (asked[0] == '1' ? "/24" : "/64");
    pair.wire.in_right(command + " dev to-left");
    pair.right->say(pair.left_at_right, "from elsewhere now");
    REQUIRE(await({&left, pair.right.get()}, [&] { return !left.endpoints.empty(); }));
    CHECK(left.endpoints.back().address != *IpAddress::parse(asked));
    // The packet that found its source gone was sent all the same.
    REQUIRE(await({&left, pair.right.get()}, [&] { return left.heard.back() == "from elsewhere now"; }));
    CHECK(pair.right->count(pair.left_at_right, DropReason::send_failed) == 0);
    left.backend->set_endpoint(pair.right_at_left, at(other, *pair.right));
    REQUIRE(pair.talk());
  }
}

TEST_CASE("a route to the peer that changes lets the kernel choose the source anew") {
  Pair pair;
  pair.wire.in_right("ip address add 192.0.2.3/24 dev to-left");
  Node& left = pair.left;
  left.backend->set_endpoint(pair.right_at_left, at("192.0.2.3", *pair.right));
  REQUIRE(pair.talk());
  CHECK(left.endpoints.empty());
  // What the overlay itself routes is no sign of anything.
  pair.wire.in_right("ip route add 192.0.2.1/32 dev be-r table 77 && ip route del 192.0.2.1/32 dev be-r table 77");
  pair.right->say(pair.left_at_right, "as before");
  REQUIRE(await({&left, pair.right.get()}, [&] { return left.heard.back() == "as before"; }));
  CHECK(left.endpoints.empty());
  pair.wire.in_right("ip route add 192.0.2.0/25 dev to-left src 192.0.2.2");
  // Its engine hears of the route on a thread of its own, after a packet or two perhaps.
  REQUIRE(await({&left, pair.right.get()}, [&] {
    pair.right->say(pair.left_at_right, "by another way");
    return !left.endpoints.empty();
  }));
  CHECK(await({&left}, [&] { return left.heard.back() == "by another way"; }));
  CHECK(left.endpoints.back() == at("192.0.2.2", *pair.right));
}

TEST_CASE("a peer is followed from one family to the other and back, and to a link-local address") {
  Pair pair;
  Node &left = pair.left, &right = *pair.right;
  REQUIRE(pair.talk());
  CHECK(right.endpoints.back() == at("192.0.2.1", left));
  left.backend->set_endpoint(pair.right_at_left, at("2001:db8::2", right));
  REQUIRE(pair.talk());
  CHECK(right.endpoints.back() == at("2001:db8::1", left));
  const std::uint32_t cable = ::if_nametoindex("to-right");
  left.backend->set_endpoint(pair.right_at_left, at("fe80::2", right, cable));
  REQUIRE(pair.talk());
  CHECK(right.endpoints.back().address == IpAddress::parse("fe80::1"));
  CHECK(right.endpoints.back().scope != 0);
  left.backend->set_endpoint(pair.right_at_left, at("192.0.2.2", right));
  REQUIRE(pair.talk());
  CHECK(right.endpoints.back() == at("192.0.2.1", left));
  for (Node* node : {&left, &right}) CHECK(node->drops.empty());
}

TEST_CASE("datagrams that the kernel had no room for are counted and told of") {
  Pair pair;
  REQUIRE(pair.talk());
  Node deaf("be-d", Begin::later);  // its socket fills up
  const Endpoint to{*IpAddress::parse("127.0.0.1"), deaf.endpoint.port, 0};
  shell(
      "python3 -c \"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
      "[s.sendto(bytes(60000), ('127.0.0.1', " +
      std::to_string(to.port) + ")) for i in range(1000)]\"");
  CHECK(deaf.count(kNoPeer, DropReason::receive_overflow) > 0);
  deaf.backend->start();
  REQUIRE(await({&deaf}, [&] { return deaf.dropped(kNoPeer, DropReason::receive_overflow); }));
  CHECK(await({&deaf}, [&] {
    return deaf.count(kNoPeer, DropReason::receive_overflow) + deaf.count(kNoPeer, DropReason::malformed) == 1000;
  }));
}

TEST_CASE("a tunnel within a tunnel carries packets, one whose endpoint lies in itself drops its own by name") {
  DataPair outer;
  outer.right->backend->set_egress(egress_to(outer.left_at_right, "10.9.0.0/16"));
  outer.left.backend->set_ingress(ingress_from(outer.right_at_left, "10.77.0.0/16"));
  shell("ip address add 10.9.0.1/32 dev be-l && ip route add 10.77.0.0/16 dev be-l");
  outer.wire.in_right("ip address add 10.77.0.2/32 dev be-r && ip route add 10.9.0.0/16 dev be-r");

  Node inner("be-i");
  std::unique_ptr<Node> far_inner = outer.wire.right_node("be-j");
  far_inner->endpoint = at("10.77.0.2", *far_inner);
  const PeerId far_at_inner = inner.add(*far_inner, true);
  far_inner->add(inner, false);
  inner.say(far_at_inner, "through two");
  REQUIRE(await({&inner, far_inner.get(), &outer.left, outer.right.get()}, [&] { return !far_inner->heard.empty(); }));
  CHECK(far_inner->endpoints.back() == at("10.9.0.1", inner));
  for (Node* node : {&inner, far_inner.get(), &outer.left, outer.right.get()}) CHECK(node->drops.empty());

  // Now the way to the outer endpoint leads into the outer tunnel, in both families and with fragments.
  shell("ip route add 192.0.2.2/32 dev be-l && ip route add 2001:db8::2/128 dev be-l");
  shell("ip -6 address add 2001:db8::9/128 dev be-l nodad");
  EgressDescription all = egress_to(outer.right_at_left, "0.0.0.0/0");
  all.entries.push_back({*Prefix::parse("::/0"), 0});
  outer.left.backend->set_egress(all);
  std::vector<std::uint8_t> large = marked_packet(0);
  large.resize(1420);
  large[2] = 1420 >> 8;
  large[3] = 1420 & 255;
  for (const char* endpoint : {"192.0.2.2", "2001:db8::2"}) {
    outer.left.backend->set_endpoint(outer.right_at_left, at(endpoint, *outer.right));
    const std::uint64_t before = outer.left.count(kNoPeer, DropReason::underlay_loop);
    const std::uint64_t sent = outer.left.peer_status(outer.right_at_left).tx_packets;
    inject("be-l", large);
    REQUIRE(await({&outer.left}, [&] { return outer.left.count(kNoPeer, DropReason::underlay_loop) > before; }));
    for (int i = 0; i < 20; ++i) outer.left.backend->catch_up();
    // The packet itself, and at most the rest of its outer packet, which does not show whose it is.
    CHECK(outer.left.peer_status(outer.right_at_left).tx_packets <= sent + 2);
  }
}
