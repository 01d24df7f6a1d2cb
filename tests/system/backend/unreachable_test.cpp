// What ICMP says of our datagrams: told as a hint, and never at the cost of a datagram, ours or another's.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <algorithm>
#include <thread>

#include "base/system.h"
#include "tests/system/backend/packets.h"
#include "tests/system/backend/wire.h"
#include "wg/io/socket_address.h"

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint16_t kClosedPort = 9;
constexpr std::uint8_t kEchoReply = 0;  // nobody answers it

PublicKey some_key() {
  return derive_public_key(new_key());
}

Duration processor_time() {
  rusage usage{};
  REQUIRE(::getrusage(RUSAGE_SELF, &usage) == 0);
  const auto of = [](const timeval& value) {
    return Duration(std::chrono::seconds(value.tv_sec)) + std::chrono::microseconds(value.tv_usec);
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

// How much of the processor this program takes while it has nothing to do.
Duration time_taken_at_rest() {
  const Duration before = processor_time();
  std::this_thread::sleep_for(300ms);
  return processor_time() - before;
}

std::uint16_t sum_of(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// "Port unreachable", about a datagram of left's that was never sent.
std::vector<std::uint8_t> forged_error(const Endpoint& from, const Endpoint& to) {
  std::vector<std::uint8_t> message{3, 3, 0, 0, 0, 0, 0, 0, 0x45, 0, 0, 60, 0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0};
  for (const Endpoint& end : {from, to}) {
    const Bytes address = end.address.bytes();
    message.insert(message.end(), address.begin(), address.end());
  }
  for (const int value : {int{from.port}, int{to.port}, 40, 0}) {
    message.push_back(static_cast<std::uint8_t>(value >> 8));
    message.push_back(static_cast<std::uint8_t>(value));
  }
  const std::uint16_t sum = sum_of(message);
  message[2] = static_cast<std::uint8_t>(sum >> 8);
  message[3] = static_cast<std::uint8_t>(sum);
  return message;
}

}  // namespace

TEST_CASE("nobody listens at a peer's port: its owner hears so, from whom, and of no other peer") {
  Wire wire;
  Node left("be-l");
  const std::unique_ptr<Node> right = wire.right_node("be-r");
  for (const char* const address : {"192.0.2.2", "2001:db8::2"}) {
    CAPTURE(address);
    left.unreachable.clear();
    const Endpoint closed{*IpAddress::parse(address), kClosedPort, 0};
    const PeerId gone = left.backend->add_peer({some_key(), {}, closed, 0, true}).value();
    const PeerId other = left.backend->add_peer({some_key(), {}, at(address, *right), 0, true}).value();
    left.say(gone, "hello");
    REQUIRE(await({&left}, [&] { return !left.unreachable.empty(); }));
    CHECK(left.unreachable.size() == 1);
    CHECK(left.unreachable[0].first == gone);
    CHECK(left.unreachable[0].second ==
          Unreachable{UnreachableMeaning::port, closed, IpAddress::parse(address), 0, true});
    CHECK(left.count(gone, DropReason::send_failed) == 0);
    left.backend->remove_peer(gone);
    left.backend->remove_peer(other);
  }
  CHECK(time_taken_at_rest() < 100ms);
}

TEST_CASE("an engine that takes nothing in yet hears of errors, and does not turn in circles over them") {
  Wire wire;
  Node left("be-l", Begin::later);
  const Endpoint closed{*IpAddress::parse("192.0.2.2"), kClosedPort, 0};
  left.say(left.backend->add_peer({some_key(), {}, closed, 0, true}).value(), "hello");
  REQUIRE(await({&left}, [&] { return !left.unreachable.empty(); }));
  CHECK(time_taken_at_rest() < 100ms);
}

TEST_CASE("errors of one peer's datagrams cost another peer none, and switch nothing off") {
  constexpr int kRounds = 300, kInRow = 8;
  Pair pair;
  Node& left = pair.left;
  std::unique_ptr<Node> doomed = pair.wire.right_node("be-d");
  const PeerId doomed_at_left = left.add(*doomed, false);
  doomed->add(left, false);
  left.backend->set_endpoint(doomed_at_left, at("192.0.2.2", *doomed));
  EgressDescription egress = egress_to(pair.right_at_left, "10.77.0.0/16");
  egress.groups.push_back({{doomed_at_left}});
  egress.entries.push_back({*Prefix::parse("10.78.0.0/16"), 1});
  left.backend->set_egress(egress);
  pair.right->backend->set_ingress(ingress_from(pair.left_at_right, "10.9.0.0/16"));
  REQUIRE(pair.talk());
  left.say(doomed_at_left, "hello");
  REQUIRE(await({&left, doomed.get()}, [&] { return !doomed->heard.empty(); }));

  // Room for all that is to arrive, however late the engine gets a processor.
  shell("ip link set be-l txqueuelen 3000");
  // Each of its datagrams is answered now, at once.
  pair.wire.in_right("sysctl -qw net.ipv4.icmp_ratemask=0 net.ipv4.icmp_ratelimit=0");
  doomed.reset();
  const Time begin = monotonic_now();
  const std::uint64_t before = pair.right->peer_status(pair.left_at_right).rx_packets;
  for (int i = 0; i < kRounds; ++i) {
    inject("be-l", icmp_packet("10.9.0.1", "10.78.1.1", kEchoReply));
    inject("be-l", icmp_packet("10.9.0.1", "10.77.1.1", kEchoReply), kInRow);
  }
  REQUIRE(await({&left}, [&] { return !left.unreachable.empty(); }));
  CHECK(left.unreachable[0].first == doomed_at_left);
  CHECK(left.unreachable[0].second.meaning == UnreachableMeaning::port);
  const auto arrived = [&] { return pair.right->peer_status(pair.left_at_right).rx_packets - before; };
  CHECK(await({&left, pair.right.get()}, [&] { return arrived() >= std::uint64_t{kRounds} * kInRow; }));
  CHECK(left.count(kNoPeer, DropReason::interface_overflow) == 0);
  CHECK(left.count(pair.right_at_left, DropReason::send_failed) == 0);
  CHECK(left.count(doomed_at_left, DropReason::send_failed) == 0);
  CHECK(left.warnings.empty());
  // The first, and then one a second at most.
  CHECK(left.unreachable.size() <= 1 + static_cast<std::size_t>((monotonic_now() - begin) / 1s));
  CHECK(std::count_if(left.unreachable.begin(), left.unreachable.end(),
                      [](const auto& told) { return told.second.is_news; }) == 1);
}

TEST_CASE("a flood of forged errors costs no datagram, and is left alone until it is over") {
  constexpr int kForged = 20'000, kBetween = 500;
  Pair pair;
  Node& left = pair.left;
  REQUIRE(pair.talk());
  FileDescriptor raw;
  {
    const Namespace::Visit visit(pair.wire.right);
    raw = FileDescriptor(::socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP));
  }
  REQUIRE(raw.valid());
  const Endpoint here = at("192.0.2.1", left);
  const std::vector<std::uint8_t> forged = forged_error(here, at("192.0.2.2", *pair.right));
  sockaddr_storage address{};
  const socklen_t size = to_socket_address(here, address);
  const auto forge = [&] {
    return ::sendto(raw.get(), forged.data(), forged.size(), 0, reinterpret_cast<const sockaddr*>(&address), size) > 0;
  };
  for (int i = 0; i < kForged; ++i) {
    REQUIRE(forge());
    if (i % kBetween == 0) REQUIRE(pair.talk());
  }
  CHECK(left.count(pair.right_at_left, DropReason::send_failed) == 0);
  CHECK(left.count(kNoPeer, DropReason::receive_overflow) == 0);
  REQUIRE(left.warnings.size() == 1);
  CHECK(left.warnings[0].find("ICMP") != std::string::npos);
  CHECK(time_taken_at_rest() < 100ms);
  left.unreachable.clear();
  CHECK(await({&left, pair.right.get()}, [&] {
    REQUIRE(pair.talk());
    REQUIRE(forge());
    return !left.unreachable.empty();
  }));
}

TEST_CASE("what the kernel itself refuses is a failure as before, also behind an error of another datagram") {
  Pair pair;
  Node& left = pair.left;
  REQUIRE(pair.talk());
  const PeerId nowhere =
      left.backend->add_peer({some_key(), {}, *Endpoint::parse("203.0.113.1:7000"), 0, true}).value();
  left.say(nowhere, "hello");
  REQUIRE(await({&left}, [&] { return left.dropped(nowhere, DropReason::send_failed); }));
  CHECK(left.drops.back().error == ENETUNREACH);
  CHECK(left.unreachable.empty());
  CHECK(pair.talk());
}

TEST_CASE("datagrams that a queue of ours is too full for are no failure") {
  Pair pair;
  Node& left = pair.left;
  left.backend->set_egress(egress_to(pair.right_at_left, "10.77.0.0/16"));
  REQUIRE(pair.talk());
  shell("tc qdisc add dev to-right root tbf rate 100kbit burst 2000 limit 2000");
  inject("be-l", icmp_packet("10.9.0.1", "10.77.1.1", kEchoReply), 200);
  REQUIRE(await({&left}, [&] { return left.peer_status(pair.right_at_left).tx_packets >= 200; }));
  CHECK(left.count(pair.right_at_left, DropReason::send_failed) == 0);
  shell("tc qdisc del dev to-right root");
}
