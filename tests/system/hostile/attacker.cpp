// The attacker of hostile_peer.sh, obeying lines on its standard input:
//   forget                    what data it has captured so far
//   mixed COUNT RATE          COUNT datagrams of garbage, and of captured ones cut short, played back or with a bit
//                             changed, at RATE a second
//   initiations COUNT RATE    initiations with a right mac1, each from another address
// After the last two it prints what it sent, as "sent REASON[|REASON] COUNT" by the drop that it should be at the
// victim, and what came back.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <sstream>
#include <string>

#include "base/system.h"
#include "tests/system/hostile/arsenal.h"
#include "tests/system/hostile/flood.h"

namespace starling::hostile {
namespace {

constexpr std::uint16_t kSourcePort = 6666;

class Attacker {
 public:
  Attacker(const PublicKey& victim_key, const Endpoint& victim, const std::string& tapped, const IpAddress& honest)
      : arsenal_(victim_key, 1), tap_(tapped, victim), flood_(victim, kSourcePort), honest_(honest) {}

  void run() {
    say("ready");
    std::string pending;
    for (;;) {
      pollfd waiting[] = {{STDIN_FILENO, POLLIN, 0}, {tap_.fd(), POLLIN, 0}};
      ::poll(waiting, 2, -1);
      if (waiting[1].revents != 0) tap_.read();
      if (waiting[0].revents == 0) continue;
      char buffer[256];
      const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
      if (got <= 0) return;
      pending.append(buffer, static_cast<std::size_t>(got));
      for (std::size_t end; (end = pending.find('\n')) != std::string::npos; pending.erase(0, end + 1))
        obey(pending.substr(0, end));
    }
  }

 private:
  static void say(const std::string& line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
  }

  void obey(const std::string& line) {
    std::istringstream words(line);
    std::string command;
    std::uint64_t count = 0;
    double rate = 0;
    words >> command >> count >> rate;
    if (command == "forget") return tap_.forget_data();
    if (command == "mixed") {
      say(fmt::format("captured {} handshakes, {} data messages", tap_.handshakes().size(), tap_.data().size()));
      if (tap_.handshakes().empty() || tap_.data().empty()) std::exit(1);
    }
    const Time began = monotonic_now();
    const std::uint64_t bytes_before = flood_.bytes_sent();
    flood_.set_rate(rate);
    for (std::uint64_t i = 0; i < count; i++) {
      Weapon weapon = command == "mixed" ? arsenal_.mixed(tap_) : arsenal_.initiation();
      kinds_[weapon.kind]++;
      expected_[weapon.expected]++;
      flood_.send(std::move(weapon.bytes), some_source(command == "mixed"));
    }
    flood_.flush();
    const double seconds = std::chrono::duration<double>(monotonic_now() - began).count();
    report(command, count, seconds, flood_.bytes_sent() - bytes_before);
  }

  // Everybody's address can be written into a packet, the honest one's too.
  IpAddress some_source(bool honest_too) {
    if (honest_too && arsenal_.random().below(4) == 0) return honest_;
    const std::uint32_t host = arsenal_.random().u32();
    return IpAddress::v4({10, 66, static_cast<std::uint8_t>(host >> 8), static_cast<std::uint8_t>(host)});
  }

  void report(const std::string& command, std::uint64_t count, double seconds, std::uint64_t bytes) {
    for (const auto& [kind, number] : kinds_) say(fmt::format("kind {} {}", kind, number));
    for (const auto& [reason, number] : expected_) say(fmt::format("sent {} {}", reason, number));
    const Answers& answers = flood_.answers();
    say(fmt::format("answers so far: {} responses, {} cookie replies, {} others, {} bytes to {} sent",
                    answers.by_type[2], answers.by_type[3],
                    answers.by_type[0] + answers.by_type[1] + answers.by_type[4], answers.bytes, flood_.bytes_sent()));
    say(fmt::format("done {}: {} datagrams in {:.1f} s, {:.0f} a second, {:.0f} Mbit/s", command, count, seconds,
                    static_cast<double>(count) / seconds, static_cast<double>(bytes) * 8e-6 / seconds));
    kinds_.clear();
    expected_.clear();
  }

  Arsenal arsenal_;
  Tap tap_;
  Flood flood_;
  IpAddress honest_;
  std::map<std::string_view, std::uint64_t> kinds_;
  std::map<std::string_view, std::uint64_t> expected_;
};

int run(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: hostile_attacker VICTIM_KEY VICTIM_ENDPOINT TAPPED_NAMESPACE HONEST_ADDRESS\n");
    return 2;
  }
  const auto key = parse_public_key(argv[1]);
  const auto victim = Endpoint::parse(argv[2]);
  const auto honest = IpAddress::parse(argv[4]);
  if (!key || !victim || !honest) {
    fmt::print(stderr, "hostile_attacker: a key, an endpoint or an address is none\n");
    return 2;
  }
  Attacker(*key, *victim, argv[3], *honest).run();
  return 0;
}

}  // namespace
}  // namespace starling::hostile

int main(int argc, char** argv) {
  try {
    return starling::hostile::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "hostile_attacker: {}\n", error.what());
    return 1;
  }
}
