#include <doctest/doctest.h>

#include <cerrno>
#include <map>
#include <set>

#include "wg/io/backend.h"
#include "wg/io/static_tunnel.h"

using namespace starling;
using namespace starling::wg;

namespace {

SecretKey secret(std::uint8_t filling) {
  return SecretKey(std::vector<std::uint8_t>(kKeySize, filling));
}
PublicKey key(std::uint8_t filling) {
  PublicKey key;
  key.bytes.fill(filling);
  return key;
}
Prefix prefix(const char* text) {
  return *Prefix::parse(text);
}

// What the tunnel tells an engine, remembered.
class FakeBackend final : public Backend {
 public:
  void start() override {}
  Result<PeerId> add_peer(const PeerConfig& config) override {
    if (!keys.insert(config.public_key).second) return Error{"there already"};
    peers[next_id] = config;
    return next_id++;
  }
  void remove_peer(PeerId peer) override {
    keys.erase(peers.at(peer).public_key);
    peers.erase(peer);
  }
  void set_endpoint(PeerId peer, const Endpoint& endpoint) override { peers.at(peer).endpoint = endpoint; }
  void set_preshared_key(PeerId peer, const SecretKey& preshared_key) override {
    peers.at(peer).preshared_key = preshared_key;
  }
  void set_persistent_keepalive(PeerId peer, std::uint16_t interval_s) override {
    peers.at(peer).persistent_keepalive_s = interval_s;
  }
  void set_private_key(const SecretKey& changed) override { private_key = changed; }
  std::optional<SystemError> set_listen_port(std::uint16_t changed) override {
    if (changed == taken_port) return SystemError{EADDRINUSE, "taken"};
    port = changed;
    return std::nullopt;
  }
  std::optional<SystemError> set_fwmark(std::uint32_t changed) override {
    mark = changed;
    return std::nullopt;
  }
  void set_egress(const EgressDescription& description) override {
    table = description;
    tables_set++;
  }
  void set_egress_groups(std::vector<NextHopGroup>) override {}
  void set_ingress(const IngressDescription& description) override { filter = description; }
  void set_transit(const TransitDescription&) override {}
  EgressDescription egress() const override { return table; }
  IngressDescription ingress() const override { return filter; }
  TransitDescription transit() const override { return {}; }
  void send_control(std::span<const ControlPacket>) override {}
  std::optional<Error> start_capture(FileDescriptor, const CaptureOptions&) override { return std::nullopt; }
  BackendStatus status() const override {
    BackendStatus status;
    status.listen_port = port;
    status.fwmark = mark;
    for (const auto& [id, config] : peers) {
      PeerStatus& peer = status.peers.emplace_back();
      peer.id = id;
      peer.public_key = config.public_key;
      peer.endpoint = config.endpoint;
      peer.persistent_keepalive_s = config.persistent_keepalive_s;
    }
    return status;
  }
  int notification_fd() const override { return -1; }
  void dispatch(BackendObserver&) override {}

  std::map<PeerId, PeerConfig> peers;
  std::set<PublicKey> keys;  // of peers
  PeerId next_id = 0;
  std::uint16_t port = 1000;
  std::uint16_t taken_port = 7;
  std::uint32_t mark = 0;
  SecretKey private_key;
  EgressDescription table;
  IngressDescription filter;
  int tables_set = 0;
};

struct Fixture {
  FakeBackend* backend;
  StaticTunnel tunnel;

  Fixture() : Fixture(std::make_unique<FakeBackend>()) {}
  explicit Fixture(std::unique_ptr<FakeBackend> fake) : backend(fake.get()), tunnel(std::move(fake), SecretKey()) {}

  int set(const std::string& lines) {
    UapiParser parser;
    parser.feed("set=1\n" + lines + "\n");
    REQUIRE(parser.complete());
    const UapiRequest request = parser.take();
    REQUIRE(request.error == 0);
    const int error = tunnel.apply(request.change);
    tunnel.settle();
    return error;
  }
  std::vector<Prefix> allowed_ips(const PublicKey& peer) {
    for (const UapiPeer& found : tunnel.read().peers)
      if (found.public_key == peer) return found.allowed_ips;
    FAIL("no such peer");
    return {};
  }
};

std::string peer_line(std::uint8_t filling) {
  return "public_key=" + to_hex(key(filling).bytes) + "\n";
}
std::string private_line(const SecretKey& secret) {
  return "private_key=" + to_hex(secret.bytes()) + "\n";
}

}  // namespace

TEST_CASE("a new peer has everything from its beginning, a known one is changed in place") {
  Fixture fixture;
  REQUIRE(fixture.set(peer_line(1) + "preshared_key=" + std::string(64, '2') +
                      "\nendpoint=192.0.2.1:1\npersistent_keepalive_interval=5\nallowed_ip=10.0.0.0/8\n") == 0);
  REQUIRE(fixture.backend->peers.size() == 1);
  const PeerConfig first = fixture.backend->peers[0];
  CHECK(first.preshared_key == secret(0x22));
  CHECK(first.endpoint == Endpoint::parse("192.0.2.1:1"));
  CHECK(first.persistent_keepalive_s == 5);
  REQUIRE(fixture.set(peer_line(1) + "preshared_key=" + std::string(64, '0') +
                      "\nendpoint=192.0.2.2:2\npersistent_keepalive_interval=0\nallowed_ip=fd00::/8\n") == 0);
  REQUIRE(fixture.backend->peers.size() == 1);
  const PeerConfig second = fixture.backend->peers[0];
  CHECK(second.preshared_key == SecretKey());
  CHECK(second.endpoint == Endpoint::parse("192.0.2.2:2"));
  CHECK(second.persistent_keepalive_s == 0);
  CHECK(fixture.allowed_ips(key(1)) == std::vector{prefix("10.0.0.0/8"), prefix("fd00::/8")});
}

TEST_CASE("preshared keys read back, and zeros are none") {
  Fixture fixture;
  REQUIRE(fixture.set(peer_line(1) + "preshared_key=" + std::string(64, '0') + "\n") == 0);
  CHECK_FALSE(fixture.backend->peers[0].preshared_key);
  REQUIRE(fixture.set(peer_line(1) + "preshared_key=" + std::string(64, '3') + "\n") == 0);
  CHECK(fixture.tunnel.read().peers[0].preshared_key == secret(0x33));
}

TEST_CASE("update_only makes no peer, and remove removes one") {
  Fixture fixture;
  REQUIRE(fixture.set(peer_line(1) + "update_only=true\nallowed_ip=10.0.0.0/8\n") == 0);
  CHECK(fixture.backend->peers.empty());
  CHECK(fixture.backend->tables_set == 0);
  REQUIRE(fixture.set(peer_line(1) + "allowed_ip=10.0.0.0/8\n" + peer_line(2)) == 0);
  REQUIRE(fixture.set(peer_line(1) + "remove=true\nallowed_ip=10.0.0.0/9\n" + peer_line(3) + "remove=true\n") == 0);
  REQUIRE(fixture.backend->peers.size() == 1);
  CHECK(fixture.backend->peers.begin()->second.public_key == key(2));
  CHECK(fixture.backend->table.entries.empty());
  CHECK(fixture.backend->filter.entries.empty());
}

TEST_CASE("allowed IPs are added, replaced, removed and moved") {
  Fixture fixture;
  REQUIRE(fixture.set(peer_line(1) + "allowed_ip=10.0.0.0/8\nallowed_ip=10.1.0.0/16\n" + peer_line(2)) == 0);
  REQUIRE(fixture.set(peer_line(1) + "allowed_ip=-10.0.0.0/8\nallowed_ip=fd00::/8\n") == 0);
  CHECK(fixture.allowed_ips(key(1)) == std::vector{prefix("10.1.0.0/16"), prefix("fd00::/8")});
  REQUIRE(fixture.set(peer_line(2) + "allowed_ip=-10.1.0.0/16\n") == 0);  // not its own
  CHECK(fixture.allowed_ips(key(1)).size() == 2);
  REQUIRE(fixture.set(peer_line(2) + "allowed_ip=10.1.0.0/16\n") == 0);
  CHECK(fixture.allowed_ips(key(1)) == std::vector{prefix("fd00::/8")});
  REQUIRE(fixture.set(peer_line(1) + "replace_allowed_ips=true\nallowed_ip=10.2.0.0/16\n") == 0);
  CHECK(fixture.allowed_ips(key(1)) == std::vector{prefix("10.2.0.0/16")});
  const EgressDescription table = fixture.backend->table;
  CHECK(table.entries.size() == 2);
  CHECK(fixture.backend->filter.entries.size() == 2);
}

TEST_CASE("the tables are made once for a request, and not at all where none changed") {
  Fixture fixture;
  REQUIRE(fixture.set(peer_line(1) + "allowed_ip=10.0.0.0/8\n" + peer_line(2) + "allowed_ip=10.1.0.0/16\n") == 0);
  CHECK(fixture.backend->tables_set == 1);
  REQUIRE(fixture.set(peer_line(1) + "endpoint=192.0.2.1:1\nallowed_ip=-10.9.0.0/16\n") == 0);
  CHECK(fixture.backend->tables_set == 1);
}

TEST_CASE("our own public key is left out silently, and leaves when it becomes ours") {
  Fixture fixture;
  const PublicKey own = derive_public_key(secret(9));
  const std::string own_line = "public_key=" + to_hex(own.bytes) + "\n";
  REQUIRE(fixture.set(private_line(secret(9)) + own_line + "allowed_ip=10.0.0.0/8\n") == 0);
  CHECK(fixture.backend->peers.empty());
  REQUIRE(fixture.set("private_key=" + std::string(64, '0') + "\n") == 0);
  CHECK(fixture.tunnel.read().private_key.is_zero());
  REQUIRE(fixture.set(own_line + "allowed_ip=10.0.0.0/8\n") == 0);
  CHECK(fixture.backend->peers.size() == 1);
  REQUIRE(fixture.set(private_line(secret(9))) == 0);
  CHECK(fixture.tunnel.read().peers.empty());
  CHECK(fixture.backend->table.entries.empty());
  CHECK(fixture.backend->private_key == secret(9));
}

TEST_CASE("a port that is taken refuses the whole request") {
  Fixture fixture;
  CHECK(fixture.set("fwmark=5\nlisten_port=7\nreplace_peers=true\n" + private_line(secret(9)) + peer_line(1)) ==
        EADDRINUSE);
  CHECK(fixture.backend->port == 1000);
  CHECK(fixture.backend->mark == 0);
  CHECK(fixture.backend->private_key.is_zero());
  CHECK(fixture.backend->peers.empty());
}

TEST_CASE("replace_peers begins anew") {
  Fixture fixture;
  REQUIRE(fixture.set(peer_line(1) + "allowed_ip=10.0.0.0/8\n" + peer_line(2)) == 0);
  REQUIRE(fixture.set("replace_peers=true\n" + peer_line(2) + "allowed_ip=10.0.0.0/8\n") == 0);
  REQUIRE(fixture.backend->peers.size() == 1);
  CHECK(fixture.allowed_ips(key(2)) == std::vector{prefix("10.0.0.0/8")});
}

TEST_CASE("there is a limit to peers") {
  Fixture fixture;
  UapiChange change;
  change.peers.resize(kUapiPeersMax);
  std::uint32_t number = 1;
  for (UapiPeerChange& peer : change.peers) std::memcpy(peer.public_key.bytes.data(), &number, sizeof number), number++;
  CHECK(fixture.tunnel.apply(change) == 0);
  CHECK(fixture.tunnel.apply(change) == 0);  // the same once more
  CHECK(fixture.set(peer_line(0xee)) == E2BIG);
  CHECK(fixture.backend->peers.size() == kUapiPeersMax);
}
