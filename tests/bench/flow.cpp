// The traffic under which rerouting is measured: small UDP packets at a steady pace from one namespace to another, and
// back if asked for. Says how long nothing arrived.
//
//   bench_flow INTERVAL_US NAMESPACE ADDRESS NAMESPACE ADDRESS    namespaces by path, IPv4 addresses of either end
//
// One command a line on standard input, one JSON object as the answer:
//   send N   from now on the first N flows send (1: there alone; 2: there and back; 0: nothing)
//   reset    counts from here on
//   state    what was counted, of both flows
//
// A gap is the time between two arrivals, by the kernel's stamps: it does not matter when this program wakes up. It has
// real-time priority, so that a busy machine does not look like a broken path; what it was late nevertheless is told as
// its own pause.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/file_descriptor.h"

namespace {

using starling::checked_descriptor;
using starling::FileDescriptor;

constexpr std::uint16_t kPort = 7000;
constexpr int kPriority = 10;  // of SCHED_FIFO
constexpr std::int64_t kNsPerS = 1'000'000'000;

std::int64_t now_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return now.tv_sec * kNsPerS + now.tv_nsec;
}

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in address_of(const std::string& text, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, text.c_str(), &address.sin_addr) != 1) {
    throw std::runtime_error(text + ": no IPv4 address");
  }
  return address;
}

// A socket belongs to the namespace in which it was made.
FileDescriptor open_socket(const std::string& network_namespace, const sockaddr_in& local) {
  const FileDescriptor home = checked_descriptor(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), "our namespace");
  const FileDescriptor there =
      checked_descriptor(::open(network_namespace.c_str(), O_RDONLY | O_CLOEXEC), network_namespace.c_str());
  if (::setns(there.get(), CLONE_NEWNET) != 0) throw_errno(network_namespace);
  FileDescriptor made = checked_descriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket");
  const int on = 1;
  ::setsockopt(made.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  const auto* const address = reinterpret_cast<const sockaddr*>(&local);
  if (::bind(made.get(), address, sizeof local) != 0) throw_errno("bind");
  if (::setns(home.get(), CLONE_NEWNET) != 0) throw_errno("our namespace");
  return made;
}

class Flow {
 public:
  Flow(FileDescriptor sender, FileDescriptor receiver, const sockaddr_in& to)
      : sender_(std::move(sender)), receiver_(std::move(receiver)), to_(to) {
    reset();
  }

  // What the kernel refuses (no route) is lost like any other.
  void send(std::int64_t at_ns) {
    if (sent_at_ns_ != 0) longest_pause_ns_ = std::max(longest_pause_ns_, at_ns - sent_at_ns_);
    sent_at_ns_ = at_ns;
    sent_++;
    const auto* const address = reinterpret_cast<const sockaddr*>(&to_);
    (void)::sendto(sender_.get(), &sent_, sizeof sent_, MSG_DONTWAIT, address, sizeof to_);
  }

  void rest() { sent_at_ns_ = 0; }

  void receive() {
    while (const std::int64_t at_ns = take()) {
      if (arrived_at_ns_ != 0) longest_gap_ns_ = std::max(longest_gap_ns_, at_ns - arrived_at_ns_);
      arrived_at_ns_ = std::max(arrived_at_ns_, at_ns);
      received_++;
    }
  }

  void reset() { sent_ = received_ = 0, longest_gap_ns_ = longest_pause_ns_ = 0; }

  nlohmann::json state() const {
    const std::int64_t silent_ns = arrived_at_ns_ == 0 ? -1 : now_ns(CLOCK_REALTIME) - arrived_at_ns_;
    return {{"sent", sent_},
            {"received", received_},
            {"longest_gap_us", longest_gap_ns_ / 1000},
            {"silent_us", silent_ns < 0 ? nlohmann::json() : nlohmann::json(silent_ns / 1000)},
            {"longest_pause_us", longest_pause_ns_ / 1000}};
  }

 private:
  // When the next packet that waits arrived; 0 if none does.
  std::int64_t take() {
    std::uint64_t payload = 0;
    alignas(cmsghdr) std::array<char, 64> ancillary{};
    iovec vector{&payload, sizeof payload};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = ancillary.data();
    message.msg_controllen = ancillary.size();
    if (::recvmsg(receiver_.get(), &message, 0) < 0) return 0;
    for (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(part))) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_TIMESTAMPNS) continue;
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(part), sizeof stamp);
      return stamp.tv_sec * kNsPerS + stamp.tv_nsec;
    }
    return now_ns(CLOCK_REALTIME);
  }

  FileDescriptor sender_, receiver_;
  sockaddr_in to_;
  std::uint64_t sent_ = 0, received_ = 0;
  std::int64_t sent_at_ns_ = 0;     // monotonic; 0: it does not send
  std::int64_t arrived_at_ns_ = 0;  // realtime, as the kernel stamps; 0: never
  std::int64_t longest_gap_ns_ = 0, longest_pause_ns_ = 0;
};

class Traffic {
 public:
  Traffic(std::int64_t interval_ns, const std::array<std::string, 2>& namespaces,
          const std::array<std::string, 2>& addresses)
      : interval_ns_(interval_ns) {
    for (const auto& [from, to] : {std::pair(0U, 1U), std::pair(1U, 0U)}) {
      const sockaddr_in target = address_of(addresses[to], kPort);
      flows_.emplace_back(open_socket(namespaces[from], address_of(addresses[from], 0)),
                          open_socket(namespaces[to], target), target);
    }
  }

  void run() {
    std::int64_t next_ns = now_ns(CLOCK_MONOTONIC);
    while (obey(next_ns)) {
      const std::int64_t at_ns = now_ns(CLOCK_MONOTONIC);
      for (Flow& flow : flows_) flow.receive();
      if (at_ns < next_ns) continue;
      for (std::size_t i = 0; i < sending_; i++) flows_[i].send(at_ns);
      next_ns = std::max(next_ns + interval_ns_, at_ns);  // what was missed is not made up for in a burst
    }
  }

 private:
  // Waits until then, or for commands. False once there will be none.
  bool obey(std::int64_t until_ns) {
    const std::int64_t wait_ns = std::max<std::int64_t>(0, until_ns - now_ns(CLOCK_MONOTONIC));
    const timespec wait{wait_ns / kNsPerS, wait_ns % kNsPerS};
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::ppoll(&input, 1, &wait, nullptr) <= 0) return true;
    std::array<char, 256> bytes;
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got <= 0) return false;
    said_.append(bytes.data(), static_cast<std::size_t>(got));
    for (std::size_t end = said_.find('\n'); end != std::string::npos; end = said_.find('\n')) {
      answer(said_.substr(0, end));
      said_.erase(0, end + 1);
    }
    return true;
  }

  void answer(std::string_view command) {
    nlohmann::json answer = nlohmann::json::object();
    for (Flow& flow : flows_) flow.receive();
    if (command.starts_with("send ")) {
      sending_ = std::min<std::size_t>(std::strtoul(command.data() + 5, nullptr, 10), flows_.size());
      for (std::size_t i = sending_; i < flows_.size(); i++) flows_[i].rest();
    } else if (command == "reset") {
      for (Flow& flow : flows_) flow.reset();
    } else if (command == "state") {
      for (const Flow& flow : flows_) answer["flows"].push_back(flow.state());
    } else {
      answer["error"] = "no such command; send N, reset or state";
    }
    fmt::print("{}\n", answer.dump());
    std::fflush(stdout);
  }

  std::int64_t interval_ns_;
  std::vector<Flow> flows_;
  std::size_t sending_ = 0;
  std::string said_;
};

}  // namespace

int main(int count, char** words) try {
  const std::vector<std::string> arguments(words + 1, words + count);
  const long interval_us = arguments.size() == 5 ? std::strtol(arguments[0].c_str(), nullptr, 10) : 0;
  if (interval_us <= 0) {
    fmt::print(stderr, "usage: bench_flow INTERVAL_US NAMESPACE ADDRESS NAMESPACE ADDRESS\n");
    return 2;
  }
  const sched_param priority{kPriority};
  if (::sched_setscheduler(0, SCHED_FIFO, &priority) != 0) {
    fmt::print(stderr, "no real-time priority: {}\n", std::strerror(errno));
  }
  Traffic(interval_us * 1000, {arguments[1], arguments[3]}, {arguments[2], arguments[4]}).run();
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_flow: {}\n", error.what());
  return EXIT_FAILURE;
}
