// What a running backend may be told to change: keys, port, mark, keepalive.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

#include "tests/system/backend/node.h"
#include "tests/system/backend/wire.h"
#include "wg/io/socket_address.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

// Of both families.
bool is_bound(std::uint16_t port) {
  int bound = 0;
  for (const IpAddress& any : {IpAddress::v4({}), IpAddress::v6({})}) {
    const FileDescriptor probe(::socket(any.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM, 0));
    const int on = 1;
    if (any.is_v6()) REQUIRE(::setsockopt(probe.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0);
    sockaddr_storage storage{};
    const socklen_t size = to_socket_address({any, port, 0}, storage);
    if (::bind(probe.get(), reinterpret_cast<sockaddr*>(&storage), size) < 0 && errno == EADDRINUSE) ++bound;
  }
  return bound == 2;
}

std::uint16_t free_port() {
  std::uint16_t port = 40000;
  while (is_bound(port)) ++port;
  return port;
}

}  // namespace

TEST_CASE("a new private key makes a stranger of us, and who knows the new one hears from us at once") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));

  const SecretKey key = new_key();
  a.public_key = derive_public_key(key);
  const PeerId new_a_at_b = b.add(a, false);
  a.backend->set_private_key(key);
  CHECK(a.backend->status().public_key == a.public_key);
  REQUIRE(await({&a, &b}, [&] { return b.sessions.size() == 2; }));
  CHECK(b.sessions.back() == std::pair(new_a_at_b, false));
  a.say(b_at_a, "me again");
  REQUIRE(await({&a, &b}, [&] { return b.heard.size() == 2; }));
}

TEST_CASE("without a private key nothing begins and what comes is named; with one it goes on") {
  const SecretKey key = new_key();
  BackendConfig config = config_for("be-a");
  config.private_key = SecretKey();
  Node a(config), b("be-b");
  a.public_key = derive_public_key(key);
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, true);
  a.say(b_at_a, "from nobody");
  b.say(a_at_b, "anyone there?");
  REQUIRE(await({&a, &b}, [&] { return a.dropped(kNoPeer, DropReason::no_private_key); }));
  CHECK(a.peer_status(b_at_a).tx_bytes == 0);
  a.backend->set_private_key(key);
  REQUIRE(await({&a, &b}, [&] { return !b.sessions.empty(); }));  // something waited for it
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  CHECK(b.heard == std::vector<std::string>{"hello"});  // the other one had the address of no key
  CHECK(a.count(b_at_a, DropReason::control_superseded) == 1);
}

TEST_CASE("a peer whose public key becomes our own is no peer any more") {
  const BackendConfig config = config_for("be-b");
  Node a("be-a"), b(config);
  a.add(b, true);
  a.backend->set_private_key(config.private_key);
  CHECK(a.backend->status().peers.empty());
  PeerConfig again;
  again.public_key = b.public_key;
  CHECK(!a.backend->add_peer(again).ok());
}

TEST_CASE("a preshared key is used by the next handshake, and a keepalive that is switched on is sent at once") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false);
  a.backend->set_preshared_key(b_at_a, new_key());
  CHECK(a.peer_status(b_at_a).has_preshared_key);
  a.backend->set_persistent_keepalive(b_at_a, 25);  // there is no session: it begins with one
  REQUIRE(await({&a, &b}, [&] { return a.dropped(b_at_a, DropReason::bad_handshake); }));
  CHECK(a.sessions.empty());

  Node c("be-c");
  const PeerId b_at_c = c.add(b, true), c_at_b = b.add(c, false);
  c.say(b_at_c, "hello");
  REQUIRE(await({&b, &c}, [&] { return !b.heard.empty(); }));
  const std::uint64_t before = b.peer_status(c_at_b).rx_bytes;
  c.backend->set_persistent_keepalive(b_at_c, 25);
  REQUIRE(await({&b, &c}, [&] { return b.peer_status(c_at_b).rx_bytes == before + 32; }));
  CHECK(c.peer_status(b_at_c).persistent_keepalive_s == 25);
  CHECK(b.peer_status(a_at_b).last_handshake == std::nullopt);
}

TEST_CASE("the listen port changes for both families, and the tunnel goes on through the new one") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  const std::uint16_t before = a.endpoint.port, after = free_port();
  CHECK(is_bound(before));
  CHECK_FALSE(a.backend->set_listen_port(after));
  CHECK(a.backend->status().listen_port == after);
  CHECK(is_bound(after));
  CHECK_FALSE(is_bound(before));
  a.say(b_at_a, "from elsewhere");
  REQUIRE(await({&a, &b}, [&] { return b.heard.size() == 2 && b.endpoints.size() == 2; }));
  CHECK(b.endpoints.back().port == after);
  CHECK_FALSE(a.backend->set_listen_port(0));
  CHECK(a.backend->status().listen_port != after);
  CHECK(is_bound(a.backend->status().listen_port));
}

TEST_CASE("a listen port that is taken is refused with its errno, and the old one stays") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  const std::optional<SystemError> refused = a.backend->set_listen_port(b.endpoint.port);
  REQUIRE(refused);
  CHECK(refused->code == EADDRINUSE);
  CHECK(refused->message.find("in use") != std::string::npos);
  CHECK(a.backend->status().listen_port == a.endpoint.port);
  a.say(b_at_a, "still here");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  CHECK(b.endpoints == std::vector<Endpoint>{a.endpoint});
}

TEST_CASE("a mark is put on what is sent from the moment it is set") {
  Pair pair;
  REQUIRE(pair.talk());
  shell("ip rule add fwmark 0x77 unreachable");
  CHECK_FALSE(pair.left.backend->set_fwmark(0x77));
  CHECK(pair.left.backend->status().fwmark == 0x77);
  pair.left.say(pair.right_at_left, "lost");
  REQUIRE(await({&pair.left}, [&] { return pair.left.dropped(pair.right_at_left, DropReason::send_failed); }));
  const DropReport& report = pair.left.drops.back();
  CHECK(report.error == ENETUNREACH);
  CHECK(Endpoint{*report.address, report.port, 0} == pair.right->endpoint);
  CHECK_FALSE(pair.left.backend->set_fwmark(0));
  shell("ip rule del fwmark 0x77 unreachable");
  CHECK(pair.talk());
}
