// The interface's own life: up and down, MTU, name, other namespaces; and the engine behind it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>

#include "base/system.h"
#include "tests/system/backend/namespaces.h"
#include "tests/system/backend/node.h"
#include "tests/system/backend/packets.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

// UDP payload bytes of the next data message that `tap` sees.
std::size_t next_data_size(Tap& tap) {
  while (const auto packet = tap.next(5000)) {
    if (packet->size() > 32 && (*packet)[9] == IPPROTO_UDP && (*packet)[28] == 4) return packet->size() - 28;
  }
  return 0;
}

int open_tun(const char* name, int flags) {
  const int tun = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);
  REQUIRE(tun >= 0);
  ifreq request{};
  std::strcpy(request.ifr_name, name);
  request.ifr_flags = static_cast<short>(flags);
  REQUIRE(::ioctl(tun, TUNSETIFF, &request) == 0);
  return tun;
}

BackendConfig down_config(const std::string& interface) {
  BackendConfig config = config_for(interface);
  config.bring_up = false;
  return config;
}

}  // namespace

TEST_CASE("left down, an interface has no port until it is brought up, and loses port and sessions when set down") {
  Node a(down_config("be-a")), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  CHECK_FALSE(a.backend->status().up);
  CHECK(a.backend->status().listen_port == 0);
  shell("ip link set be-a up");
  REQUIRE(await({&a}, [&] { return a.backend->status().up; }));
  const std::uint16_t port = a.backend->status().listen_port;
  CHECK(port != 0);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));

  shell("ip link set be-a down");
  REQUIRE(await({&a}, [&] { return !a.backend->status().up; }));
  {
    BackendConfig same_port = config_for("be-c");
    same_port.listen_port = port;
    Node c(same_port);  // it is free
  }
  a.backend->set_persistent_keepalive(b_at_a, 25);
  const std::uint64_t sent = a.peer_status(b_at_a).tx_bytes;
  // Not within 20 ms of the first handshake, or it is one too many.
  const Time later = monotonic_now() + std::chrono::milliseconds(25);
  REQUIRE(await({&a, &b}, [&] { return monotonic_now() > later; }));
  shell("ip link set be-a up");
  REQUIRE(await({&a, &b}, [&] { return a.sessions.size() == 2; }));  // by itself, for the keepalive
  CHECK(a.backend->status().listen_port == port);
  CHECK(a.peer_status(b_at_a).tx_bytes == sent + 148 + 32);
  CHECK(a.warnings.empty());
}

TEST_CASE("packets that wait for a handshake when the interface goes down are dropped by name") {
  Node a("be-a"), b("be-b", Begin::later);
  const PeerId b_at_a = a.add(b, true);
  a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
  inject("be-a", icmp_packet("10.9.0.1", "10.77.1.1", 8), 3);
  REQUIRE(await({&a}, [&] { return a.peer_status(b_at_a).unanswered_initiations == 1; }));
  shell("ip link set be-a down");
  REQUIRE(await({&a}, [&] { return a.count(b_at_a, DropReason::interface_down) == 3; }));
  CHECK(a.peer_status(b_at_a).unanswered_initiations == 0);
}

TEST_CASE("a control packet that is sent while the interface is down begins the handshake when it comes up") {
  Node a(down_config("be-a")), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  a.say(b_at_a, "hello");
  CHECK(a.peer_status(b_at_a).tx_bytes == 0);
  shell("ip link set be-a up");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  CHECK(a.peer_status(b_at_a).tx_bytes == 148 + 96);
}

TEST_CASE("a port that is taken when the interface comes up is told of, and another one can be given") {
  Node a(down_config("be-a")), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  CHECK_FALSE(a.backend->set_listen_port(b.endpoint.port));  // nothing is bound yet
  shell("ip link set be-a up");
  REQUIRE(await({&a}, [&] { return !a.warnings.empty(); }));
  CHECK(a.warnings.front().find("in use") != std::string::npos);
  CHECK_FALSE(a.backend->set_listen_port(0));
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
}

TEST_CASE("the padding never passes the MTU that the interface has at this moment") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
  std::vector<std::uint8_t> packet = icmp_packet("10.9.0.1", "10.77.1.1", 8);
  packet.resize(1299);
  packet[2] = 1299 >> 8;
  packet[3] = 1299 & 255;
  const auto size_outside = [&] {
    Tap tap("lo");
    inject("be-a", packet);
    return next_data_size(tap);
  };
  CHECK(size_outside() == 1312 + 32);
  shell("ip link set be-a mtu 1300");
  REQUIRE(await({&a}, [&] { return a.backend->status().mtu == 1300; }));
  CHECK(size_outside() == 1300 + 32);
}

TEST_CASE("the interface hands over as many segments at once as fit in one outer datagram, by the MTU of this moment") {
  if (std::getenv("STARLING_WITHOUT") != nullptr) return;  // then the kernel cuts them itself
  Node a("be-a");
  const auto has = [](int segments) {
    const std::string command = "ip -d link show be-a | grep -q 'gso_max_segs " + std::to_string(segments) + " '";
    return std::system(command.c_str()) == 0;
  };
  CHECK(has(65507 / 1452));  // the MTU, which padding does not pass, and 32 bytes around it
  shell("ip link set be-a mtu 1280");
  CHECK(await({&a}, [&] { return has(65507 / 1312); }));
}

TEST_CASE("another name of the interface is followed, and it is removed by that name") {
  Node a("be-a");
  shell("ip link set be-a down && ip link set be-a name be-z && ip link set be-z up");
  REQUIRE(await({&a}, [&] { return a.backend->status().interface == "be-z" && a.backend->status().up; }));
  CHECK(a.backend->status().interface_index == ::if_nametoindex("be-z"));
  shell("ip link del be-z");
  REQUIRE(await({&a}, [&] { return !a.fatal.empty(); }));
  CHECK(a.fatal == "the interface be-z was removed");
}

TEST_CASE("an interface that moves to another namespace carries packets there, while its engine stays") {
  const Namespace elsewhere;
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, true);
  a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
  b.backend->set_ingress(ingress_from(a_at_b, "10.9.0.0/16"));
  shell("ip link set be-a netns " + elsewhere.path());
  REQUIRE(await({&a}, [&] { return !a.backend->status().up; }));  // the kernel sets it down for the move
  {
    const Namespace::Visit visit(elsewhere);
    shell("ip link set be-a mtu 1290 up");
    REQUIRE(await({&a}, [&] { return a.backend->status().up && a.backend->status().mtu == 1290; }));
    inject("be-a", icmp_packet("10.9.0.1", "10.77.1.1", 8));
  }
  REQUIRE(await({&a, &b}, [&] { return b.peer_status(a_at_b).rx_packets == 1; }));
  CHECK(b.peer_status(a_at_b).drops == DropCounters{});
  CHECK(a.fatal.empty());

  {  // and back
    const Namespace::Visit visit(elsewhere);
    shell("ip link set be-a netns " + home_path());
  }
  shell("ip link set be-a up");
  REQUIRE(await({&a}, [&] { return a.backend->status().up; }));
  CHECK(a.backend->status().interface_index == ::if_nametoindex("be-a"));
  shell("ip link set be-a netns " + elsewhere.path());
  {
    const Namespace::Visit visit(elsewhere);
    shell("ip link del be-a");
  }
  REQUIRE(await({&a}, [&] { return !a.fatal.empty(); }));
}

TEST_CASE("a TUN that is handed in is used under the name it has, with a virtio header or without") {
  enter_namespace();
  BackendConfig config = config_for("");
  for (const int more : {0, int{IFF_VNET_HDR}}) {
    CAPTURE(more);
    config.tun_fd = open_tun("be-given", IFF_TUN | IFF_NO_PI | more);
    {
      Node a(config), b("be-b");
      CHECK(a.backend->status().interface == "be-given");
      a.backend->dispatch(a);
      const std::string none = "segmentation offload of the interface be-given: made without IFF_VNET_HDR; not used";
      const bool wanted = std::getenv("STARLING_WITHOUT") == nullptr;
      CHECK((a.warnings == std::vector<std::string>{none}) == (more == 0 && wanted));
      const PeerId b_at_a = a.add(b, true);
      const PeerId a_at_b = b.add(a, false);
      a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
      a.backend->set_ingress(ingress_from(b_at_a, "10.77.0.0/16"));
      b.backend->set_egress(egress_to(a_at_b, "10.9.0.0/16"));
      b.backend->set_ingress(ingress_from(a_at_b, "10.9.0.0/16"));
      const auto there = icmp_packet("10.9.0.1", "10.77.1.1", 8);
      const auto back = icmp_packet("10.77.1.1", "10.9.0.1", 0);
      Tap at_b("be-b");
      inject("be-given", there);
      CHECK(at_b.next(5000) == there);
      inject("be-b", back);
      CHECK(at_b.next(5000) == back);
      Tap at_a("be-given");
      inject("be-b", back);
      CHECK(at_a.next(5000) == back);
      CHECK(a.peer_status(b_at_a).drops == DropCounters{});
    }
    CHECK(::if_nametoindex("be-given") == 0);
  }

  const int other = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  config.tun_fd = other;
  const auto refused = make_userspace_backend(config);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("no TUN") != std::string::npos);
}

TEST_CASE("packets that the interface's own queue had no room for are counted too") {
  Node a("be-a", Begin::later);  // nothing is read from it yet
  shell("ip link set be-a txqueuelen 10");
  inject("be-a", icmp_packet("10.9.0.1", "10.77.1.1", 8), 2000);
  CHECK(a.count(kNoPeer, DropReason::interface_overflow) > 0);
  REQUIRE(await({&a}, [&] { return a.dropped(kNoPeer, DropReason::interface_overflow); }));
  a.backend->start();
  const auto counted = [&] {
    return a.count(kNoPeer, DropReason::interface_overflow) + a.count(kNoPeer, DropReason::egress_no_route);
  };
  CHECK(await({&a}, [&] { return counted() == 2000; }));
}
