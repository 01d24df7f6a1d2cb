// The Backend with real sockets and TUNs, in a network namespace of the test's own: several engines of one process meet
// on its loopback interface.
#include "wg/io/backend.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <set>

#include "base/file_descriptor.h"
#include "base/system.h"
#include "wg/io/socket_address.h"

using namespace starling;
using namespace starling::wg;

namespace {

constexpr std::uint16_t kControl = 7827;

// Once per process, before any thread. Without the right to do it the whole program says so and is skipped.
void enter_namespace() {
  static bool entered = false;
  if (entered) return;
  if (::unshare(CLONE_NEWNET) < 0) {
    std::puts("SKIPPED: needs root (a network namespace, TUN)");
    std::fflush(stdout);
    std::_Exit(77);
  }
  entered = true;
  const FileDescriptor control(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  REQUIRE(::ioctl(control.get(), SIOCSIFFLAGS, &request) == 0);
}

void set_address(const std::string& interface, const char* address) {
  const FileDescriptor control(::socket(AF_INET, SOCK_DGRAM, 0));
  ifreq request{};
  std::memcpy(request.ifr_name, interface.data(), interface.size());
  sockaddr_storage storage{};
  to_socket_address({*IpAddress::parse(address), 0, 0}, storage);
  std::memcpy(&request.ifr_addr, &storage, sizeof request.ifr_addr);
  REQUIRE(::ioctl(control.get(), SIOCSIFADDR, &request) == 0);
}

SecretKey new_key() {
  SystemRandom random;
  SecretKey key;
  random.fill(key.mutable_bytes());
  return key;
}

enum class Begin : std::uint8_t { at_once, later };

struct Node final : BackendObserver {
  explicit Node(const std::string& interface, Begin begin = Begin::at_once) {
    enter_namespace();
    BackendConfig config;
    config.interface = interface;
    config.private_key = new_key();
    config.control_port = kControl;
    public_key = derive_public_key(config.private_key);
    auto made = make_userspace_backend(config);
    REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
    backend = std::move(*made);
    if (begin == Begin::at_once) backend->start();
    endpoint = {*IpAddress::parse("127.0.0.1"), backend->status().listen_port, 0};
  }

  PeerId add(const Node& other, bool with_endpoint, bool control = true) {
    PeerConfig config;
    config.public_key = other.public_key;
    if (with_endpoint) config.endpoint = other.endpoint;
    config.control = control;
    const Result<PeerId> id = backend->add_peer(config);
    REQUIRE(id.ok());
    return *id;
  }

  void say(PeerId peer, const std::string& text) {
    backend->send_control(peer, Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
  bool dropped(PeerId peer, DropReason reason) const {
    for (const DropReport& drop : drops) {
      if (drop.peer == peer && drop.reason == reason) return true;
    }
    return false;
  }
  PeerStatus peer_status(PeerId peer) const {
    for (const PeerStatus& status : backend->status().peers) {
      if (status.id == peer) return status;
    }
    return {};
  }

  void on_control_packet(Now, PeerId, Bytes payload) override { heard.emplace_back(payload.begin(), payload.end()); }
  void on_session(Now, PeerId peer, bool as_initiator) override { sessions.emplace_back(peer, as_initiator); }
  void on_endpoint(Now, PeerId, const Endpoint& at) override { endpoints.push_back(at); }
  void on_drop(Now, const DropReport& report) override { drops.push_back(report); }
  void on_warning(Now, const std::string& what) override { warnings.push_back(what); }
  void on_fatal(Now, const std::string& what) override { fatal = what; }

  PublicKey public_key;
  Endpoint endpoint;
  std::unique_ptr<Backend> backend;
  std::vector<std::string> heard;
  std::vector<std::pair<PeerId, bool>> sessions;
  std::vector<Endpoint> endpoints;
  std::vector<DropReport> drops;
  std::vector<std::string> warnings;
  std::string fatal;
};

// Dispatches what the nodes' engines report until the condition holds; false after 5 s.
bool await(std::vector<Node*> nodes, const std::function<bool()>& condition) {
  const Time end = system_now().monotonic + std::chrono::seconds(5);
  while (!condition()) {
    if (system_now().monotonic > end) return false;
    std::vector<pollfd> waiting;
    for (Node* node : nodes) waiting.push_back({node->backend->notification_fd(), POLLIN, 0});
    ::poll(waiting.data(), waiting.size(), 10);  // conditions on counters have no event
    for (Node* node : nodes) node->backend->dispatch(*node);
  }
  return true;
}

// A packet into a TUN, as a program on this host would send it.
void send_into(const std::string& interface, const char* destination) {
  const FileDescriptor sender(::socket(AF_INET, SOCK_DGRAM, 0));
  REQUIRE(::setsockopt(sender.get(), SOL_SOCKET, SO_BINDTODEVICE, interface.data(),
                       static_cast<socklen_t>(interface.size())) == 0);
  sockaddr_storage to{};
  const socklen_t size = to_socket_address({*IpAddress::parse(destination), 9, 0}, to);
  REQUIRE(::sendto(sender.get(), "packet", 6, 0, reinterpret_cast<sockaddr*>(&to), size) == 6);
}

// Any packet into a TUN, as the kernel would forward it, `count` times in a row.
void inject(const std::string& interface, const std::vector<std::uint8_t>& packet, int count = 1) {
  const std::uint16_t protocol = htons(packet[0] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP);
  const FileDescriptor sender(::socket(AF_PACKET, SOCK_DGRAM, protocol));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = protocol;
  to.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  for (int i = 0; i < count; ++i) {
    REQUIRE(::sendto(sender.get(), packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to) ==
            static_cast<ssize_t>(packet.size()));
  }
}

// An ICMP message of this type with nothing in it.
std::vector<std::uint8_t> icmp_packet(const char* source, const char* destination, std::uint8_t type) {
  std::vector<std::uint8_t> packet = {0x45, 0, 0, 28, 0, 0, 0, 0, 64, IPPROTO_ICMP, 0, 0};
  ByteWriter out(packet);
  out.bytes(IpAddress::parse(source)->bytes());
  out.bytes(IpAddress::parse(destination)->bytes());
  out.u8(type);
  packet.resize(28);
  return packet;
}

// UDP to the control port.
std::vector<std::uint8_t> forged_control_packet(const IpAddress& source, const IpAddress& destination) {
  std::vector<std::uint8_t> packet = {0x60, 0, 0, 0, 0, 12, IPPROTO_UDP, 255};
  ByteWriter out(packet);
  out.bytes(source.bytes());
  out.bytes(destination.bytes());
  for (const std::uint16_t word : {kControl, kControl, std::uint16_t{12}, std::uint16_t{0}}) out.u16(word);
  out.u32(0);
  return packet;
}

EgressDescription egress_to(PeerId peer, const char* prefix) {
  return {{{{peer}, kNoPeer}}, {{*Prefix::parse(prefix), 0}}};
}

}  // namespace

TEST_CASE("a control packet starts the handshake it needs and arrives at the peer's owner") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  CHECK(b.heard == std::vector<std::string>{"hello"});
  b.say(a_at_b, "and to you");
  REQUIRE(await({&a, &b}, [&] { return !a.heard.empty(); }));
  CHECK(a.heard == std::vector<std::string>{"and to you"});
  CHECK(a.sessions == std::vector<std::pair<PeerId, bool>>{{b_at_a, true}});
  CHECK(b.sessions == std::vector<std::pair<PeerId, bool>>{{a_at_b, false}});
  CHECK(b.endpoints == std::vector<Endpoint>{a.endpoint});

  const PeerStatus status = a.peer_status(b_at_a);
  CHECK(status.tx_packets == 1);
  CHECK(status.rx_packets == 1);
  CHECK(status.last_handshake.has_value());
  // Envelope 48 and 5 bytes padded to 64, overhead 32, and the initiation.
  CHECK(status.tx_bytes == 148 + 96);
}

TEST_CASE(
    "what arrives before the start waits for it, so that a fast neighbour is neither a stranger nor kept waiting") {
  Node a("be-a"), b("be-b", Begin::later);
  const PeerId b_at_a = a.add(b, true);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a}, [&] { return a.peer_status(b_at_a).unanswered_initiations == 1; }));
  send_into("be-b", "10.77.1.1");
  for (int i = 0; i < 10; ++i) b.backend->catch_up();  // its engine looks, and takes in nothing
  CHECK(b.backend->status().drops == DropCounters{});
  const PeerId a_at_b = b.add(a, false);
  b.backend->start();
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  REQUIRE(await({&b}, [&] { return !b.sessions.empty(); }));
  CHECK(b.sessions == std::vector<std::pair<PeerId, bool>>{{a_at_b, false}});
  CHECK(a.peer_status(b_at_a).tx_bytes == 148 + 96);  // the first initiation did it
  CHECK(b.backend->status().drops[static_cast<std::size_t>(DropReason::unknown_peer)] == 0);
  // What waited in the interface has been looked at too.
  REQUIRE(await({&b}, [&] { return b.dropped(kNoPeer, DropReason::egress_no_route); }));
}

TEST_CASE("the end of the interface before the start is reported with it") {
  Node a("be-a", Begin::later);
  REQUIRE(std::system("ip link del be-a") == 0);
  a.backend->start();
  REQUIRE(await({&a}, [&] { return !a.fatal.empty(); }));
}

TEST_CASE("after catching up, what was on its way to the sockets is there with the next dispatch") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return b.heard.size() == 1; }));
  constexpr int kPackets = 300;
  int at_once = 0;
  for (int i = 0; i < kPackets; ++i) {
    const std::string text = std::to_string(i);
    a.say(b_at_a, text);
    a.backend->catch_up();  // it is sent
    b.backend->catch_up();
    b.backend->dispatch(b);
    if (b.heard.back() == text) ++at_once;
    REQUIRE(await({&a, &b}, [&] { return b.heard.back() == text; }));
  }
  // Now and then the kernel itself hands a datagram over later than the send returns.
  CHECK(at_once > kPackets * 9 / 10);
}

TEST_CASE("handshakes leave with DSCP AF41 and control packets with CS6") {
  Node a("be-a"), b("be-b");
  const FileDescriptor capture(::socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_IP)));
  REQUIRE(capture.valid());
  const PeerId b_at_a = a.add(b, true);
  b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));

  std::set<std::pair<std::size_t, int>> seen;  // UDP payload size, traffic class
  std::uint8_t packet[2048];
  for (ssize_t size; (size = ::recv(capture.get(), packet, sizeof packet, MSG_DONTWAIT)) > 28;) {
    if (packet[9] == IPPROTO_UDP) seen.emplace(static_cast<std::size_t>(size) - 28, packet[1]);
  }
  CHECK(seen == std::set<std::pair<std::size_t, int>>{{148, 0x88}, {92, 0x88}, {96, 0xc0}});
}

TEST_CASE("of control packets that wait for an endpoint only the newest four are sent") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, false);
  b.add(a, false);
  for (int i = 0; i < 10; ++i) a.say(b_at_a, std::to_string(i));
  a.backend->set_endpoint(b_at_a, b.endpoint);
  REQUIRE(await({&a, &b}, [&] { return b.heard.size() >= 4; }));
  CHECK(b.heard == std::vector<std::string>{"6", "7", "8", "9"});
}

TEST_CASE("control packets of a peer that has no business with them are dropped by name") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return b.dropped(a_at_b, DropReason::control_invalid); }));
  CHECK(b.heard.empty());
}

TEST_CASE("a reroute moves packets from one peer to another, and the live table can be read back") {
  Node a("be-a"), b("be-b"), c("be-c");
  set_address("be-a", "10.9.0.1");
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
  set_address("be-a", "10.9.0.1");
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

TEST_CASE("packets without a way are dropped by name") {
  Node a("be-a"), b("be-b");
  set_address("be-a", "10.9.0.1");
  const PeerId b_at_a = a.add(b, false);
  send_into("be-a", "10.77.1.1");
  REQUIRE(await({&a}, [&] { return a.dropped(kNoPeer, DropReason::egress_no_route); }));
  a.backend->set_egress(egress_to(b_at_a, "10.77.0.0/16"));
  send_into("be-a", "10.77.1.1");
  REQUIRE(await({&a}, [&] { return a.dropped(b_at_a, DropReason::no_endpoint); }));
  inject("be-a", std::vector<std::uint8_t>(40, 0));
  REQUIRE(await({&a}, [&] { return a.dropped(kNoPeer, DropReason::egress_not_ip); }));
}

TEST_CASE("more packets than may wait push out the oldest, and are reported with their number") {
  Node a("be-a"), b("be-b");
  set_address("be-a", "10.9.0.1");
  PeerId silent;
  {
    const Node gone("be-c");
    silent = a.add(gone, true);
  }
  a.backend->set_egress(egress_to(silent, "10.77.0.0/16"));
  for (int i = 0; i < 128 + 20; ++i) send_into("be-a", "10.77.1.1");
  REQUIRE(await(
      {&a}, [&] { return a.peer_status(silent).drops[static_cast<std::size_t>(DropReason::staged_overflow)] == 20; }));
  REQUIRE(await({&a}, [&] { return a.dropped(silent, DropReason::staged_overflow); }));
  CHECK(a.peer_status(silent).unanswered_initiations == 1);
}

TEST_CASE("what is normal is counted by a name of its own and reported to nobody") {
  constexpr std::uint8_t kEchoRequest = 8;
  Node a("be-a");
  PeerId silent;
  {
    const Node gone("be-c");
    silent = a.add(gone, true);
  }
  for (int i = 0; i < 10; ++i) a.say(silent, "hello");
  const auto superseded = [&] {
    return a.peer_status(silent).drops[static_cast<std::size_t>(DropReason::control_superseded)];
  };
  REQUIRE(await({&a}, [&] { return superseded() == 6; }));  // the newest four wait
  inject("be-a", icmp_packet("10.9.0.1", "239.1.2.3", kEchoRequest), 3);
  const auto multicast = [&] {
    return a.backend->status().drops[static_cast<std::size_t>(DropReason::egress_multicast)];
  };
  REQUIRE(await({&a}, [&] { return multicast() >= 3; }));
  inject("be-a", std::vector<std::uint8_t>(40, 0));  // something that is reported, and later than all of that
  REQUIRE(await({&a}, [&] { return a.dropped(kNoPeer, DropReason::egress_not_ip); }));
  CHECK_FALSE(a.dropped(silent, DropReason::control_superseded));
  CHECK_FALSE(a.dropped(kNoPeer, DropReason::egress_multicast));
}

TEST_CASE("a removed peer is a stranger") {
  Node a("be-a"), b("be-b");
  const PeerId b_at_a = a.add(b, true);
  const PeerId a_at_b = b.add(a, false);
  a.say(b_at_a, "hello");
  REQUIRE(await({&a, &b}, [&] { return !b.heard.empty(); }));
  b.backend->remove_peer(a_at_b);
  CHECK(b.backend->status().peers.empty());
  a.say(b_at_a, "still there?");
  REQUIRE(await({&a, &b}, [&] { return b.dropped(kNoPeer, DropReason::unknown_receiver); }));
  CHECK(b.heard.size() == 1);

  const PeerId again = b.add(a, true);
  CHECK(again != a_at_b);
  b.say(again, "back");
  REQUIRE(await({&a, &b}, [&] { return !a.heard.empty(); }));
}

TEST_CASE("a public key can be one peer only, and not our own") {
  Node a("be-a"), b("be-b");
  a.add(b, true);
  PeerConfig config;
  config.public_key = b.public_key;
  CHECK(!a.backend->add_peer(config).ok());
  config.public_key = a.public_key;
  CHECK(!a.backend->add_peer(config).ok());
  CHECK(a.backend->status().peers.size() == 1);
}

TEST_CASE("what cannot be set up is refused with a reason, and leaves nothing behind") {
  Node a("be-a");
  BackendConfig config;
  config.private_key = new_key();
  config.interface = "be-a";
  auto refused = make_userspace_backend(config);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("exists already") != std::string::npos);
  config.interface = "be-b";
  config.listen_port = a.endpoint.port;
  refused = make_userspace_backend(config);
  REQUIRE(!refused.ok());
  CHECK(refused.error().message.find("in use") != std::string::npos);
  CHECK(::if_nametoindex("be-b") == 0);
  config.listen_port = 0;
  config.mtu = 1279;
  CHECK(!make_userspace_backend(config).ok());
}

TEST_CASE("the end of the interface is reported, and commands are still obeyed") {
  Node a("be-a"), b("be-b");
  const BackendStatus status = a.backend->status();
  CHECK(status.interface == "be-a");
  CHECK(status.interface_index == ::if_nametoindex("be-a"));
  CHECK(status.mtu == 1420);
  REQUIRE(std::system("ip link del be-a") == 0);
  REQUIRE(await({&a}, [&] { return !a.fatal.empty(); }));
  a.add(b, true);
  CHECK(a.backend->status().peers.size() == 1);
}

TEST_CASE("the interface goes with the backend") {
  { Node a("be-a"); }
  CHECK(::if_nametoindex("be-a") == 0);
}
