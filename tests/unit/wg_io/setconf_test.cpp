#include "wg/io/setconf.h"

#include <doctest/doctest.h>

using namespace starling;
using namespace starling::wg;

namespace {

const std::string kPrivate = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const std::string kPublic = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

}  // namespace

TEST_CASE("a file as wg setconf reads it is understood, whatever its case, spaces and comments") {
  const auto config =
      parse_setconf("# a comment\n[interface]\r\n PrivateKey=" + kPrivate +
                        "\nLISTENPORT = 51820 # another\nFwMark = 0xca6c\n\n[Peer]\nPublicKey = " + kPublic +
                        "\nPresharedKey = " + kPrivate +
                        "\nEndpoint = [2001:db8::1]:4001\nAllowedIPs = 10.1.2.3/8,fd00::1\n"
                        "AllowedIPs=0.0.0.0/0\nPersistentKeepalive = 25\n[Peer]\nPublicKey = " +
                        kPrivate + "\nPersistentKeepalive = off\nEndpoint = host.example:1",
                    "f");
  REQUIRE(config);
  CHECK(to_base64(config->private_key->bytes()) == kPrivate);
  CHECK(config->listen_port == 51820);
  CHECK(config->fwmark == 0xca6c);
  REQUIRE(config->peers.size() == 2);
  const SetconfPeer& peer = config->peers[0];
  CHECK(peer.line == 7);
  CHECK(to_base64(*peer.public_key) == kPublic);
  CHECK(peer.preshared_key.has_value());
  CHECK(peer.endpoint->host == "2001:db8::1");
  CHECK(peer.endpoint->port == "4001");
  CHECK(peer.persistent_keepalive_s == 25);
  CHECK(peer.allowed_ips ==
        std::vector{*Prefix::parse("10.0.0.0/8"), *Prefix::parse("fd00::1/128"), *Prefix::parse("0.0.0.0/0")});
  CHECK(config->peers[1].endpoint->host == "host.example");
  CHECK(config->peers[1].persistent_keepalive_s == 0);
}

TEST_CASE("an error names file and line") {
  const auto config = parse_setconf("[Interface]\nPrivateKey = " + kPrivate + "\nListenPort = -1\n", "wg0.conf");
  REQUIRE(!config);
  CHECK(config.error().message.starts_with("wg0.conf:3: '-1': ListenPort: must be 0 to 65535"));
}

TEST_CASE("ports and marks that do not fit are refused") {
  const std::string head = "[Interface]\nPrivateKey = " + kPrivate + "\n";
  CHECK(!parse_setconf(head + "ListenPort = 65536", "f"));
  CHECK(!parse_setconf(head + "ListenPort = 1x", "f"));
  CHECK(!parse_setconf(head + "FwMark = 0x100000000", "f"));
  CHECK(parse_setconf(head + "FwMark = off", "f"));
  CHECK(!parse_setconf(head + "[Peer]\nPublicKey = " + kPublic + "\nEndpoint = a:0", "f"));
  CHECK(!parse_setconf(head + "[Peer]\nPublicKey = " + kPublic + "\nEndpoint = :4", "f"));
  for (const char byte : {'\0', '\r', ' ', '\x7f'}) {
    const std::string endpoint = std::string("[a") + byte + "b]:4";
    CHECK(!parse_setconf(head + "[Peer]\nPublicKey = " + kPublic + "\nEndpoint = " + endpoint, "f"));
  }
}

TEST_CASE("numeric hosts are resolved without asking anyone") {
  const auto v4 = resolve({"192.0.2.1", "51820"});
  REQUIRE(v4);
  CHECK(v4->to_string() == "192.0.2.1:51820");
  const auto v6 = resolve({"2001:db8::1", "4001"});
  REQUIRE(v6);
  CHECK(v6->to_string() == "[2001:db8::1]:4001");
}
