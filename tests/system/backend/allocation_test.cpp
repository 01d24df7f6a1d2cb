// What an engine's threads take from the heap for packets, and its owner for control packets: nothing, once some were
// carried. A program of its own, because it counts every allocation.
#include <doctest/doctest.h>
#include <execinfo.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/file_descriptor.h"
#include "tests/system/backend/namespaces.h"
#include "tests/system/backend/node.h"
#include "wg/io/socket_address.h"

namespace {

thread_local bool is_own_thread = false;  // the test's, which the engines do not run on
std::atomic<bool> counting{false};
std::atomic<std::size_t> allocations{0};
std::array<void*, 24> first_caller;  // the first allocation's way there
std::atomic<int> first_caller_depth{0};

void* take(std::size_t size, std::size_t alignment = 0) {
  if (counting && !is_own_thread && allocations.fetch_add(1) == 0) {
    first_caller_depth = ::backtrace(first_caller.data(), static_cast<int>(first_caller.size()));
  }
  const std::size_t wanted = std::max<std::size_t>(size, 1);
  void* const place = alignment == 0 ? std::malloc(wanted)
                                     : std::aligned_alloc(alignment, (wanted + alignment - 1) / alignment * alignment);
  if (place == nullptr) throw std::bad_alloc();
  return place;
}

}  // namespace

void* operator new(std::size_t size) {
  return take(size);
}
void* operator new[](std::size_t size) {
  return take(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return take(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* place) noexcept {
  std::free(place);
}
void operator delete[](void* place) noexcept {
  std::free(place);
}
void operator delete(void* place, std::size_t) noexcept {
  std::free(place);
}
void operator delete[](void* place, std::size_t) noexcept {
  std::free(place);
}
void operator delete(void* place, std::align_val_t) noexcept {
  std::free(place);
}
void operator delete(void* place, std::size_t, std::align_val_t) noexcept {
  std::free(place);
}

using namespace starling;
using namespace starling::wg;
using namespace starling::wg::test;

namespace {

constexpr int kWait_ms = 10000;
constexpr int kBuffer = 16 << 20;  // bytes, of a socket of the test's
constexpr int kDatagramSize = 1200;
constexpr std::size_t kBurst = 40;  // datagrams that the kernel is given as one
constexpr std::size_t kBursts = 20;
constexpr std::size_t kStream = 24 << 20;  // bytes

// A program's socket at an address in the present namespace.
FileDescriptor open_socket(int type, const char* address, std::uint16_t port) {
  FileDescriptor fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  REQUIRE(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBuffer, sizeof kBuffer) == 0);
  sockaddr_storage at{};
  const socklen_t size = to_socket_address({*IpAddress::parse(address), port, 0}, at);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), size) == 0);
  return fd;
}

void connect_to(int fd, const char* address, std::uint16_t port) {
  sockaddr_storage to{};
  const socklen_t size = to_socket_address({*IpAddress::parse(address), port, 0}, to);
  const int connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&to), size);
  REQUIRE_MESSAGE(connected == 0, std::strerror(errno));
}

// All of a stream's bytes, sent and received by this one thread.
void stream(int from, int to, std::vector<char>& buffer) {
  std::size_t sent = 0;
  std::size_t received = 0;
  while (received < kStream) {
    std::array<pollfd, 2> waiting{{{to, POLLIN, 0}, {from, sent < kStream ? short{POLLOUT} : short{0}, 0}}};
    REQUIRE(::poll(waiting.data(), waiting.size(), kWait_ms) > 0);
    if ((waiting[0].revents & POLLIN) != 0) {
      const ssize_t got = ::recv(to, buffer.data(), buffer.size(), MSG_DONTWAIT);
      REQUIRE(got > 0);
      received += static_cast<std::size_t>(got);
    }
    if ((waiting[1].revents & POLLOUT) != 0) {
      const ssize_t put = ::send(from, buffer.data(), std::min(buffer.size(), kStream - sent), MSG_DONTWAIT);
      if (put > 0) sent += static_cast<std::size_t>(put);
    }
  }
}

// Datagrams that are sent at once, cut from `bytes`; then taken, every one.
void burst(int from, int to, std::vector<char>& buffer, std::size_t bytes, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) {
    REQUIRE(::send(from, buffer.data(), bytes, 0) == static_cast<ssize_t>(bytes));
  }
  const std::size_t each = (bytes + kDatagramSize - 1) / kDatagramSize;
  for (std::size_t i = 0; i < times * each; ++i) {
    pollfd waiting{to, POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, kWait_ms) > 0);
    REQUIRE(::recv(to, buffer.data(), buffer.size(), MSG_DONTWAIT) > 0);
  }
}

// a – b – c on the loopback: a and c are hosts with programs, in namespaces of their own, b passes on what is between
// them.
struct Line {
  Line() {
    const PeerId b_at_a = a.add(b, true, false), b_at_c = c.add(b, true, false);
    const PeerId a_at_b = b.add(a, true, false), c_at_b = b.add(c, true, false);
    const Prefix net = *Prefix::parse("10.9.0.0/24");
    for (const auto& [node, peer] : {std::pair{&a, b_at_a}, std::pair{&c, b_at_c}}) {
      node->backend->set_egress({{{{peer}, kNoPeer}}, {{net, 0}}});
      node->backend->set_ingress({{{peer}}, {{net, 0}}});
    }
    const Prefix first = *Prefix::parse("10.9.0.1/32"), last = *Prefix::parse("10.9.0.3/32");
    b.backend->set_egress({{{{a_at_b}, kNoPeer}, {{c_at_b}, kNoPeer}}, {{first, 0}, {last, 1}}});
    b.backend->set_ingress({{{a_at_b}, {c_at_b}}, {{first, 0}, {last, 1}}});
    b.backend->set_transit({true, {}, std::nullopt, std::nullopt});
    house("be-a", at_a, "10.9.0.1/24");
    house("be-c", at_c, "10.9.0.3/24");
  }

  // With room in the interface for all that is sent at once.
  static void house(const std::string& interface, const Namespace& at, const std::string& address) {
    shell("ip link set " + interface + " netns " + at.path());
    const Namespace::Visit visit(at);
    REQUIRE(std::system(("ip address add " + address + " dev " + interface).c_str()) == 0);
    REQUIRE(std::system(("ip link set " + interface + " txqueuelen 2000 up").c_str()) == 0);
  }

  Namespace at_a, at_c;
  Node a{"be-a"}, b{"be-b"}, c{"be-c"};
};

// Counts what arrives, and keeps nothing of it.
struct Counter final : BackendObserver {
  void on_control_packet(Now, PeerId, Bytes payload) override { packets += payload.size() == kHelloLike ? 1 : 0; }
  void on_session(Now, PeerId, bool) override {}
  void on_endpoint(Now, PeerId, const Endpoint&) override {}
  void on_unreachable(Now, PeerId, const Unreachable&) override {}
  void on_drop(Now, const DropReport&) override { ++others; }
  void on_warning(Now, const std::string&) override { ++others; }
  void on_fatal(Now, const std::string&) override { ++others; }

  static constexpr std::size_t kHelloLike = 92;  // bytes
  std::size_t packets = 0;
  std::size_t others = 0;
};

}  // namespace

TEST_CASE("once it has carried packets of each kind, an engine allocates nothing for more of them") {
  is_own_thread = true;
  Line line;
  FileDescriptor datagrams_a, datagrams_c, stream_a, listener;
  {
    const Namespace::Visit visit(line.at_c);
    datagrams_c = open_socket(SOCK_DGRAM, "10.9.0.3", 5002);
    listener = open_socket(SOCK_STREAM, "10.9.0.3", 5001);
    REQUIRE(::listen(listener.get(), 1) == 0);
  }
  {
    const Namespace::Visit visit(line.at_a);
    datagrams_a = open_socket(SOCK_DGRAM, "10.9.0.1", 5002);
    stream_a = open_socket(SOCK_STREAM, "10.9.0.1", 5001);
  }
  connect_to(datagrams_a.get(), "10.9.0.3", 5002);
  connect_to(datagrams_c.get(), "10.9.0.1", 5002);
  for (const int fd : {datagrams_a.get(), datagrams_c.get()}) {
    REQUIRE(::setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &kDatagramSize, sizeof kDatagramSize) == 0);
  }
  connect_to(stream_a.get(), "10.9.0.3", 5001);
  const FileDescriptor stream_c(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(stream_c.valid());

  std::vector<char> buffer(256 << 10);
  const auto carry = [&] {
    for (const auto& [from, to] : {std::pair{&datagrams_a, &datagrams_c}, std::pair{&datagrams_c, &datagrams_a}}) {
      for (int i = 0; i < 50; ++i) burst(from->get(), to->get(), buffer, 100, 1);
      for (int i = 0; i < 10; ++i) burst(from->get(), to->get(), buffer, kBurst * kDatagramSize, kBursts);
    }
    stream(stream_a.get(), stream_c.get(), buffer);
    stream(stream_c.get(), stream_a.get(), buffer);
  };
  const auto carried = [&] {
    std::uint64_t packets = 0;
    for (const PeerStatus& peer : line.b.backend->status().peers) packets += peer.tx_packets;
    return packets;
  };
  for (int i = 0; i < 3; ++i) carry();
  const std::uint64_t before = carried();
  counting = true;
  for (int i = 0; i < 2; ++i) carry();
  counting = false;
  const std::uint64_t packets = carried() - before;
  MESSAGE("packets that were passed on: ", packets);
  CHECK(packets >= 2 * (20 * kBurst * kBursts + 2 * kStream / 1400));  // none of them by the kernel
  for (Node* node : {&line.a, &line.b, &line.c}) {
    node->backend->dispatch(*node);
    CHECK(node->drops.empty());
    CHECK(node->warnings.empty());
  }
  CHECK(allocations == 0);
  if (allocations != 0) ::backtrace_symbols_fd(first_caller.data(), first_caller_depth, STDERR_FILENO);
}

TEST_CASE("once some have gone, control packets take nothing from the heap, neither the engines nor their owners") {
  constexpr std::size_t kRounds = 100, kWarm = 10, kPacketsAtOnce = 3;
  Node a{"be-a"}, b{"be-b"};
  const PeerId to_b = a.add(b, true);
  b.add(a, true);
  const std::vector<std::uint8_t> payload(Counter::kHelloLike, 7);
  const std::array<ControlPacket, kPacketsAtOnce> packets{{{to_b, payload}, {to_b, payload}, {to_b, payload}}};
  Counter counter;
  std::size_t rounds_that_took = 0;
  is_own_thread = false;  // here it is the owner's too
  for (std::size_t round = 0; round < kRounds; ++round) {
    const std::size_t wanted = counter.packets + kPacketsAtOnce;
    allocations = 0;
    counting = round >= kWarm;
    a.backend->send_control(packets);
    bool arrived = true;
    while (arrived && counter.packets < wanted) {
      pollfd waiting{b.backend->notification_fd(), POLLIN, 0};
      arrived = ::poll(&waiting, 1, kWait_ms) > 0;
      b.backend->dispatch(counter);
    }
    counting = false;
    REQUIRE(arrived);
    if (allocations != 0) ++rounds_that_took;
  }
  CHECK(counter.others == 0);
  // An owner that finds the engine's thread at work, as it is now and then for timers, leaves it a copy.
  CHECK(rounds_that_took <= 5);
  if (rounds_that_took > 5) ::backtrace_symbols_fd(first_caller.data(), first_caller_depth, STDERR_FILENO);
}
