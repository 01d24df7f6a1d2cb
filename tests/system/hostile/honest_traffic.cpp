// The honest traffic of hostile_peer.sh, through a tunnel:
//   honest_traffic serve ADDRESS              answers UDP on port 7000, and swallows TCP on port 7001
//   honest_traffic probe ADDRESS PER_SECOND   asks that server so many times a second
//   honest_traffic bulk ADDRESS SECONDS       one TCP stream for so long; prints the Mbit/s that arrived
// A probe reads lines: each begins the phase of that name, "end" ends it all. Then it prints for each phase
//   phase NAME sent N answered N loss_percent X rtt_ms MEDIAN P99 MAX silence_ms LONGEST
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <system_error>
#include <vector>

#include "base/file_descriptor.h"
#include "base/system.h"
#include "wg/io/socket_address.h"

namespace starling::hostile {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kEchoPort = 7000, kSinkPort = 7001;
constexpr std::size_t kProbeSize = 1000;  // bytes
constexpr Duration kPatience = 2s;        // for answers to the last questions

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

FileDescriptor open_socket(int type, const IpAddress& address, std::uint16_t port, bool listen) {
  sockaddr_storage storage{};
  const socklen_t size = wg::to_socket_address({address, port, 0}, storage);
  FileDescriptor socket(::socket(storage.ss_family, type | SOCK_CLOEXEC, 0));
  if (!socket) fail("socket");
  const auto* const name = reinterpret_cast<const sockaddr*>(&storage);
  if (listen ? ::bind(socket.get(), name, size) < 0 : ::connect(socket.get(), name, size) < 0)
    fail(listen ? "bind" : "connect");
  return socket;
}

Time now() {
  return monotonic_now();
}

double to_ms(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// --- serve ---

void echo(int socket) {
  std::array<std::uint8_t, 2048> buffer;
  sockaddr_storage from{};
  socklen_t from_size = sizeof from;
  auto* const name = reinterpret_cast<sockaddr*>(&from);
  const ssize_t got = ::recvfrom(socket, buffer.data(), buffer.size(), MSG_DONTWAIT, name, &from_size);
  if (got > 0) (void)::sendto(socket, buffer.data(), static_cast<std::size_t>(got), MSG_DONTWAIT, name, from_size);
}

// One stream at a time; the sender learns at the end how much has arrived.
void swallow(int listener) {
  const FileDescriptor stream(::accept(listener, nullptr, nullptr));
  static std::array<std::uint8_t, 1 << 18> buffer;
  std::uint64_t total = 0;
  for (ssize_t got; (got = ::recv(stream.get(), buffer.data(), buffer.size(), 0)) > 0;)
    total += static_cast<std::uint64_t>(got);
  (void)::send(stream.get(), &total, sizeof total, MSG_NOSIGNAL);
}

int serve(const IpAddress& address) {
  const FileDescriptor questions = open_socket(SOCK_DGRAM, address, kEchoPort, true);
  const FileDescriptor streams = open_socket(SOCK_STREAM, address, kSinkPort, true);
  if (::listen(streams.get(), 4) < 0) fail("listen");
  fmt::print("ready\n");
  std::fflush(stdout);
  if (::fork() == 0) {  // streams apart, so that no question waits for one
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) swallow(streams.get());
  }
  for (;;) {
    pollfd waiting{questions.get(), POLLIN, 0};
    ::poll(&waiting, 1, -1);
    echo(questions.get());
  }
}

// --- probe ---

struct Question {
  std::size_t phase = 0;
  Time sent{};
  Duration round_trip{-1};  // none yet
};

class Probe {
 public:
  Probe(const IpAddress& address, double per_second)
      : socket_(open_socket(SOCK_DGRAM, address, kEchoPort, false)),
        interval_(static_cast<std::int64_t>(1e9 / per_second)) {}

  void run() {
    Time next = now();
    Time end = kNever;
    while (now() < end) {
      pollfd waiting[] = {{socket_.get(), POLLIN, 0}, {end == kNever ? STDIN_FILENO : -1, POLLIN, 0}};
      const Time wake = end == kNever ? next : end;
      const timespec timeout = to_timespec(std::max(wake - now(), Duration::zero()));
      ::ppoll(waiting, 2, &timeout, nullptr);
      if (waiting[0].revents != 0) take_answers();
      if (waiting[1].revents != 0 && !read_phase()) end = now() + kPatience;
      for (; end == kNever && next <= now(); next += interval_) ask();
    }
    for (std::size_t phase = 0; phase < phases_.size(); phase++) print(phase);
  }

 private:
  static timespec to_timespec(Duration duration) {
    return {duration.count() / 1'000'000'000, duration.count() % 1'000'000'000};
  }

  void ask() {
    std::array<std::uint8_t, kProbeSize> message{};
    const std::uint64_t number = questions_.size();
    std::memcpy(message.data(), &number, sizeof number);
    questions_.push_back({phases_.size() - 1, now(), Duration(-1)});
    (void)::send(socket_.get(), message.data(), message.size(), MSG_DONTWAIT);
  }

  void take_answers() {
    std::array<std::uint8_t, 2048> buffer;
    while (::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) >= 8) {
      std::uint64_t number = 0;
      std::memcpy(&number, buffer.data(), sizeof number);
      if (number >= questions_.size() || questions_[number].round_trip >= Duration::zero()) continue;
      questions_[number].round_trip = now() - questions_[number].sent;
    }
  }

  bool read_phase() {
    std::array<char, 256> buffer;
    const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got <= 0) return false;
    const std::string name(buffer.data(), std::find(buffer.data(), buffer.data() + got, '\n'));
    if (name == "end") return false;
    phases_.push_back(name);
    return true;
  }

  void print(std::size_t phase) const {
    std::vector<Duration> trips;
    std::size_t sent = 0;
    Duration silence{};
    std::optional<Time> heard;  // when the newest answered question of the phase was asked
    for (const Question& question : questions_) {
      if (question.phase != phase) continue;
      if (!heard) heard = question.sent;
      sent++;
      silence = std::max(silence, question.sent - *heard);
      if (question.round_trip < Duration::zero()) continue;
      trips.push_back(question.round_trip);
      heard = question.sent;
    }
    std::sort(trips.begin(), trips.end());
    const auto at = [&](double share) {
      return trips.empty() ? -1.0
                           : to_ms(trips[static_cast<std::size_t>(share * static_cast<double>(trips.size() - 1))]);
    };
    const double loss = sent == 0 ? 0 : 100.0 * static_cast<double>(sent - trips.size()) / static_cast<double>(sent);
    fmt::print("phase {} sent {} answered {} loss_percent {:.2f} rtt_ms {:.2f} {:.2f} {:.2f} silence_ms {:.0f}\n",
               phases_[phase], sent, trips.size(), loss, at(0.5), at(0.99), at(1), to_ms(silence));
  }

  FileDescriptor socket_;
  Duration interval_;
  std::vector<std::string> phases_{"start"};
  std::vector<Question> questions_;
};

// --- bulk ---

int bulk(const IpAddress& address, double seconds) {
  const FileDescriptor stream = open_socket(SOCK_STREAM, address, kSinkPort, false);
  const std::vector<std::uint8_t> block(1 << 17, 0x5a);
  const Time began = now();
  const auto limit = Duration(static_cast<std::int64_t>(seconds * 1e9));
  while (now() - began < limit) {
    if (::send(stream.get(), block.data(), block.size(), MSG_NOSIGNAL) < 0) fail("send");
  }
  ::shutdown(stream.get(), SHUT_WR);
  std::uint64_t arrived = 0;
  if (::recv(stream.get(), &arrived, sizeof arrived, MSG_WAITALL) != sizeof arrived) fail("recv");
  fmt::print("{:.0f}\n",
             static_cast<double>(arrived) * 8 / std::chrono::duration<double, std::micro>(now() - began).count());
  return 0;
}

int run(int argc, char** argv) {
  const std::string command = argc > 2 ? argv[1] : "";
  const auto address = argc > 2 ? IpAddress::parse(argv[2]) : std::nullopt;
  const double number = argc > 3 ? std::atof(argv[3]) : 0;
  if (command == "serve" && address) return serve(*address);
  if (command == "probe" && address && number > 0) {
    Probe(*address, number).run();
    return 0;
  }
  if (command == "bulk" && address && number > 0) return bulk(*address, number);
  fmt::print(stderr, "usage: honest_traffic serve ADDRESS | probe ADDRESS PER_SECOND | bulk ADDRESS SECONDS\n");
  return 2;
}

}  // namespace
}  // namespace starling::hostile

int main(int argc, char** argv) {
  try {
    return starling::hostile::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "honest_traffic: {}\n", error.what());
    return 1;
  }
}
