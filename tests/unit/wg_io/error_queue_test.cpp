// What the kernel's messages about failed datagrams mean, and when a call is worth trying again.
#include "wg/io/error_queue.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <linux/errqueue.h>

#include <cerrno>
#include <cstring>

#include "base/file_descriptor.h"
#include "wg/io/datagram_receiver.h"
#include "wg/io/datagram_sender.h"
#include "wg/io/socket_address.h"

using namespace starling;
using namespace starling::wg;
using namespace std::chrono_literals;

namespace {

// A message of the error queue, as recvmsg fills it in.
struct Message {
  sockaddr_storage name{};
  alignas(cmsghdr) std::array<std::uint8_t, 256> control{};
  msghdr header{};

  explicit Message(const char* to) {
    header.msg_name = &name;
    header.msg_namelen = to_socket_address(*Endpoint::parse(to), name);
    header.msg_control = control.data();
  }

  void add(int level, int type, const void* data, std::size_t size) {
    cmsghdr item{};
    item.cmsg_level = level;
    item.cmsg_type = type;
    item.cmsg_len = CMSG_LEN(size);
    std::memcpy(control.data() + header.msg_controllen, &item, sizeof item);
    std::memcpy(control.data() + header.msg_controllen + CMSG_LEN(0), data, size);
    header.msg_controllen += CMSG_SPACE(size);
  }

  void add_error(std::uint8_t origin, std::uint8_t type, std::uint8_t code, std::uint32_t info, const char* offender) {
    struct {
      sock_extended_err error{};
      sockaddr_storage from{};
    } data;
    data.error.ee_errno = ECONNREFUSED;
    data.error.ee_origin = origin;
    data.error.ee_type = type;
    data.error.ee_code = code;
    data.error.ee_info = info;
    socklen_t size = sizeof(sockaddr_in6);
    if (offender != nullptr) size = to_socket_address({*IpAddress::parse(offender), 0, 0}, data.from);
    const bool v6 = name.ss_family == AF_INET6;
    add(v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_RECVERR : IP_RECVERR, &data, sizeof data.error + size);
  }

  std::optional<Unreachable> read() { return read_unreachable(header); }
};

std::string meaning(bool v4, std::uint8_t type, std::uint8_t code) {
  Message message(v4 ? "192.0.2.2:7000" : "[2001:db8::2]:7000");
  message.add_error(v4 ? SO_EE_ORIGIN_ICMP : SO_EE_ORIGIN_ICMP6, type, code, 1280, v4 ? "192.0.2.9" : "2001:db8::9");
  const auto what = message.read();
  return what ? to_string(what->meaning) : "nothing";
}

// A socket that has been told nothing yet, on the loopback.
FileDescriptor loopback_socket(Endpoint& where) {
  FileDescriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  sockaddr_storage address{};
  socklen_t size = to_socket_address({*IpAddress::parse("127.0.0.1"), 0, 0}, address);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  where = from_socket_address(address);
  return fd;
}

int send_to(int fd, const Endpoint& to) {
  sockaddr_storage address{};
  const socklen_t size = to_socket_address(to, address);
  return ::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), size) == 1 ? 0 : errno;
}

// A socket that wants to know, one to talk to, and an address where nobody listens.
struct Loopback {
  Endpoint here, there, gone;
  const FileDescriptor fd = loopback_socket(here);
  const FileDescriptor other = loopback_socket(there);
  ErrorQueue queue;

  Loopback() {
    loopback_socket(gone);  // closed again
    request_errors(fd.get(), Family::ipv4, true);
  }
};

}  // namespace

TEST_CASE("an error names where the datagram was to go, what happened and who says so") {
  Message message("192.0.2.2:7000");
  const in_pktinfo information{};
  message.add(IPPROTO_IP, IP_PKTINFO, &information, sizeof information);
  message.add_error(SO_EE_ORIGIN_ICMP, 3, 3, 0, "192.0.2.9");
  CHECK(message.read() == Unreachable{UnreachableMeaning::port, *Endpoint::parse("192.0.2.2:7000"),
                                      IpAddress::parse("192.0.2.9"), 0, false});
  Message narrow("[2001:db8::2]:7000");
  narrow.add_error(SO_EE_ORIGIN_ICMP6, 2, 0, 1280, "2001:db8::9");
  CHECK(narrow.read() == Unreachable{UnreachableMeaning::too_big, *Endpoint::parse("[2001:db8::2]:7000"),
                                     IpAddress::parse("2001:db8::9"), 1280, false});
}

TEST_CASE("each code of ICMP has a meaning") {
  const char* const v4[] = {"network", "host",       "protocol",   "port",       "too_big",    "other",
                            "network", "host",       "host",       "prohibited", "prohibited", "network",
                            "host",    "prohibited", "prohibited", "prohibited", "other"};
  for (std::uint8_t code = 0; code < std::size(v4); ++code) {
    CAPTURE(int{code});
    CHECK(meaning(true, 3, code) == v4[code]);
  }
  const char* const v6[] = {"network", "prohibited", "network", "host", "port", "prohibited", "prohibited", "other"};
  for (std::uint8_t code = 0; code < std::size(v6); ++code) {
    CAPTURE(int{code});
    CHECK(meaning(false, 1, code) == v6[code]);
  }
  CHECK(meaning(true, 11, 0) == "loop");
  CHECK(meaning(true, 11, 1) == "fragments_lost");
  CHECK(meaning(true, 12, 0) == "other");
  CHECK(meaning(false, 3, 0) == "loop");
  CHECK(meaning(false, 3, 1) == "fragments_lost");
  CHECK(meaning(false, 4, 1) == "other");
}

TEST_CASE("what is no ICMP error, or is cut short, tells nothing, or what it can") {
  Message local("192.0.2.2:7000");
  local.add_error(SO_EE_ORIGIN_LOCAL, 0, 0, 1500, nullptr);
  CHECK_FALSE(local.read());
  Message empty("192.0.2.2:7000");
  CHECK_FALSE(empty.read());
  Message brief("192.0.2.2:7000");
  const std::uint64_t half = 0;
  brief.add(IPPROTO_IP, IP_RECVERR, &half, sizeof half);
  CHECK_FALSE(brief.read());
  Message nameless("192.0.2.2:7000");
  nameless.add_error(SO_EE_ORIGIN_ICMP, 3, 1, 0, "192.0.2.9");
  nameless.header.msg_name = nullptr;
  CHECK_FALSE(nameless.read());
  Message anonymous("192.0.2.2:7000");
  anonymous.add_error(SO_EE_ORIGIN_ICMP, 3, 1, 0, nullptr);
  REQUIRE(anonymous.read());
  CHECK_FALSE(anonymous.read()->from);
}

TEST_CASE_FIXTURE(Loopback,
                  "a call that failed by another datagram's error is tried again, one that fails by its own is not") {
  CHECK(send_to(fd.get(), gone) == 0);
  unsigned tries = 0;
  const int error = send_to(fd.get(), here);
  REQUIRE(error == ECONNREFUSED);  // although somebody is here
  CHECK(queue.is_anothers(fd.get(), error, tries));
  CHECK(send_to(fd.get(), here) == 0);
  const std::vector<Unreachable> found = queue.take(Time(1s));
  REQUIRE(found.size() == 1);
  CHECK(found[0].endpoint == gone);
  CHECK(found[0].meaning == UnreachableMeaning::port);
  CHECK(found[0].from == IpAddress::parse("127.0.0.1"));
  CHECK(queue.take(Time(1s)).empty());

  tries = 0;
  CHECK(queue.is_anothers(fd.get(), ENETUNREACH, tries));  // it may have been
  CHECK_FALSE(queue.is_anothers(fd.get(), ENETUNREACH, tries));
  tries = 0;
  CHECK_FALSE(queue.is_anothers(fd.get(), EINVAL, tries));
  CHECK_FALSE(queue.is_anothers(fd.get(), EAGAIN, tries));
}

TEST_CASE_FIXTURE(Loopback, "reading the queue takes away the error that is pending, too") {
  CHECK_FALSE(queue.drain(fd.get()));
  CHECK(send_to(fd.get(), gone) == 0);
  CHECK(queue.drain(fd.get()));
  CHECK(send_to(fd.get(), here) == 0);
  // Forgotten by the kernel with the wish to know, but not the pending error.
  CHECK(send_to(fd.get(), gone) == 0);
  request_errors(fd.get(), Family::ipv4, false);
  CHECK_FALSE(queue.drain(fd.get()));
  CHECK(send_to(fd.get(), here) == 0);
  CHECK(send_to(fd.get(), gone) == 0);
  CHECK(send_to(fd.get(), here) == 0);  // nobody asks
}

TEST_CASE_FIXTURE(Loopback, "a flood of errors is left alone for a while, and a person is told once") {
  std::uint32_t read = 0;
  std::size_t found = 0;
  while (queue.is_wanted()) {
    REQUIRE(read <= ErrorQueue::kBurst + ErrorQueue::kAtOnce);
    (void)send_to(fd.get(), gone);
    read += queue.drain(fd.get()) ? 1 : 0;
    found += queue.take(Time(1s)).size();
  }
  CHECK(read > ErrorQueue::kBurst);
  CHECK(found == read);
  CHECK(queue.take_warning());
  queue.take(Time(1s) + ErrorQueue::kDeafFor - Duration(1));
  CHECK_FALSE(queue.is_wanted());
  queue.take(Time(1s) + ErrorQueue::kDeafFor);
  CHECK(queue.is_wanted());
  CHECK_FALSE(queue.take_warning());
}

TEST_CASE_FIXTURE(Loopback, "an error of another datagram costs the sender none, and leaves its segmentation on") {
  DatagramSender sender(true, queue);
  const std::array<std::uint8_t, 300> bytes{};
  SendOutcome outcome;
  for (const std::size_t segment_size : {bytes.size(), std::size_t{100}}) {
    CAPTURE(segment_size);
    const std::size_t count = bytes.size() / segment_size;
    for (int i = 0; i < 3; ++i) {
      REQUIRE(send_to(fd.get(), gone) == 0);
      const OutgoingRun run{bytes, segment_size, there, LocalAddress{here.address}, 0};
      sender.send(fd.get(), Family::ipv4, std::span(&run, 1), outcome);
      DatagramReceiver receiver(queue);
      std::size_t arrived = 0;
      while (const std::size_t more = receiver.receive(other.get()).received.size()) arrived += more;
      CHECK(arrived == count);
    }
  }
  CHECK(outcome.failures.empty());
  CHECK(outcome.sources_refused.empty());
  CHECK_FALSE(sender.take_warning());
  CHECK(queue.take(Time(1s)).size() == 6);
}

TEST_CASE_FIXTURE(Loopback, "an error of what was sent keeps nothing back of what has arrived") {
  DatagramReceiver receiver(queue);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(send_to(other.get(), here) == 0);
    REQUIRE(send_to(fd.get(), gone) == 0);
    CHECK(receiver.receive(fd.get()).received.size() == 1);
    CHECK(receiver.receive(fd.get()).received.empty());
  }
}
