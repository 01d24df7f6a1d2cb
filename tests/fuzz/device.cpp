// Three Devices and an attacker, driven by a script: time passes, packets are sent, lost, repeated, changed and played
// back from elsewhere, peers and keys come and go, floods come in. device_host.h holds the Devices to what they promise
// at every step. At the end the network is mended, and within a minute everyone must reach everyone again.
#include <array>
#include <cstddef>

#include "tests/fuzz/check.h"
#include "tests/fuzz/device_host.h"
#include "tests/fuzz/tamper.h"
#include "wg/protocol/cookie.h"
#include "wg/protocol/crypto.h"

using namespace starling;
using namespace starling::fuzz;
using namespace std::chrono_literals;

namespace {

constexpr int kStepsMax = 200;
constexpr int kFloodsMax = 2;
constexpr std::size_t kHosts = 3;

class Script {
 public:
  Script(Bytes bytes, bool needless_timers) : input_(bytes), needless_timers_(needless_timers) {
    network_.now = {Time(1000s), WallTime(1'800'000'000s)};
    for (std::size_t i = 0; i < kHosts; i++) {
      const Endpoint endpoint{IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(i + 1)}), 51820, 0};
      hosts_[i] = std::make_unique<Host>(network_, endpoint, i + 1);
    }
    for (std::size_t i = 1; i < kHosts; i++) {
      hosts_[0]->add_peer(hosts_[i]->device().public_key(), hosts_[i]->endpoint(), 0);
      hosts_[i]->add_peer(hosts_[0]->device().public_key(), hosts_[0]->endpoint(), 0);
    }
  }

  std::uint64_t run() {
    for (int i = 0; i < kStepsMax && !input_.empty(); i++) {
      step();
      if (!needless_timers_) continue;
      for (const auto& host : hosts_) host->on_needless_timer();
    }
    mend();
    return network_.trace.value();
  }

 private:
  void step() {
    switch (input_.below(20)) {
      case 0: advance(std::chrono::milliseconds(input_.u8())); break;
      case 1: advance(next_deadline() - network_.now.monotonic); break;
      case 2: advance(std::chrono::seconds(input_.u16() % 700)); break;
      case 3: sleep(std::chrono::seconds(input_.u16() % 700)); break;
      case 4:
      case 5: send(); break;
      case 6: deliver_all(); break;
      case 7: take_in_flight(true); break;
      case 8: take_in_flight(false); break;
      case 9: lose(); break;
      case 10: change(); break;
      case 11: play_back(); break;
      case 12: set_endpoint(); break;
      case 13: some_host().set_persistent_keepalive(some_peer(), input_.u8()); break;
      case 14: set_preshared_key(); break;
      case 15: some_host().remove_peer(some_peer()); break;
      case 16: add_peer(); break;
      case 17: set_private_key(); break;
      case 18: odd_calls(); break;
      case 19: flood(); break;
    }
  }

  // --- time ---

  Time next_deadline() const {
    Time next = kNever;
    for (const auto& host : hosts_) next = std::min(next, host->device().next_deadline());
    return next == kNever ? network_.now.monotonic : next;
  }

  // Each host is called exactly when it asks for it.
  void advance(Duration by) {
    const Time until = network_.now.monotonic + std::max(by, Duration::zero());
    for (;;) {
      Host* first = hosts_[0].get();
      for (const auto& host : hosts_) {
        if (host->device().next_deadline() < first->device().next_deadline()) first = host.get();
      }
      const Time deadline = first->device().next_deadline();
      if (deadline > until) break;
      pass(std::max(deadline, network_.now.monotonic) - network_.now.monotonic);
      first->on_timer();
    }
    pass(until - network_.now.monotonic);
  }

  // Nobody is called, as in a machine that is suspended; then all that is due is due at once.
  void sleep(Duration by) {
    network_.now = network_.now + by;
    for (const auto& host : hosts_) {
      if (host->device().next_deadline() <= network_.now.monotonic) host->on_timer();
    }
  }

  void pass(Duration by) {
    if (needless_timers_ && by > 1ns) {
      network_.now = network_.now + by / 2;
      for (const auto& host : hosts_) host->on_needless_timer();
      by -= by / 2;
    }
    network_.now = network_.now + by;
  }

  // --- datagrams ---

  void send() {
    Host& host = some_host();
    const wg::PeerId peer = some_peer();
    for (std::size_t i = 0; i <= input_.below(4); i++) host.send(peer);
  }

  void deliver(const Datagram& datagram) {
    for (const auto& host : hosts_) {
      if (host->endpoint() == datagram.to) host->on_datagram(datagram.from, datagram.bytes);
    }
  }

  // What it causes is delivered too, as long as it goes back and forth without a pause.
  void deliver_all() {
    for (int i = 0; i < 256 && !network_.in_flight.empty(); i++) take_at(0, true);
  }

  void take_at(std::size_t at, bool remove) {
    const Datagram datagram = network_.in_flight[at];
    if (remove) network_.in_flight.erase(network_.in_flight.begin() + static_cast<std::ptrdiff_t>(at));
    deliver(datagram);
  }

  void take_in_flight(bool remove) {
    if (!network_.in_flight.empty()) take_at(input_.u8() % network_.in_flight.size(), remove);
  }

  void lose() {
    if (network_.in_flight.empty()) return;
    const std::size_t at = input_.u8() % network_.in_flight.size();
    network_.in_flight.erase(network_.in_flight.begin() + static_cast<std::ptrdiff_t>(at));
  }

  // Whoever can change a datagram knows its receiver's public key, too.
  void change() {
    if (network_.recorded.empty()) return;
    Datagram datagram = network_.recorded[input_.u8() % network_.recorded.size()];
    tamper(input_, datagram.bytes);
    if (input_.flag() && datagram.bytes.size() >= 2 * wg::kMacSize) {
      for (const auto& host : hosts_) {
        if (host->endpoint() == datagram.to)
          wg::CookieGenerator(host->device().public_key()).add_macs(Time{}, datagram.bytes);
      }
    }
    deliver(datagram);
  }

  void play_back() {
    if (network_.recorded.empty()) return;
    Datagram datagram = network_.recorded[input_.u8() % network_.recorded.size()];
    switch (input_.below(4)) {
      case 0: datagram.from = kAttacker; break;
      case 1: datagram.from = some_host().endpoint(); break;
      case 2: datagram.to = some_host().endpoint(); break;
      default: break;
    }
    deliver(datagram);
  }

  // More initiations with a right mac1 than anyone honest sends: from then on a cookie is asked for.
  void flood() {
    Host& host = some_host();
    if (floods_++ >= kFloodsMax) return;
    std::vector<std::uint8_t> message(sizeof(wg::MessageInitiation));
    message[0] = static_cast<std::uint8_t>(wg::MessageType::initiation);
    wg::CookieGenerator(host.device().public_key()).add_macs(Time{}, message);
    for (std::uint8_t i = 0; i < 160; i++) {
      host.on_datagram({IpAddress::v4({203, 0, 113, i}), 1, 0}, message);
      if (!network_.in_flight.empty() && network_.in_flight.back().to.address.bytes()[0] == 203)
        network_.in_flight.pop_back();
    }
  }

  // --- changes ---

  void set_endpoint() {
    Host& host = some_host();
    const wg::PeerId peer = some_peer();
    host.set_endpoint(peer, input_.flag() ? some_host().endpoint() : kAttacker);
  }

  void set_preshared_key() {
    std::array<std::uint8_t, kKeySize> key{};
    key[0] = static_cast<std::uint8_t>(input_.below(3));
    Host& host = some_host();
    host.device().set_preshared_key(network_.now, some_peer(), SecretKey(key));
  }

  void add_peer() {
    Host& host = some_host();
    const bool low_order = input_.below(8) == 0;
    const PublicKey key = low_order ? PublicKey{} : some_host().device().public_key();
    const std::optional<Endpoint> endpoint = input_.flag() ? std::optional(some_host().endpoint()) : std::nullopt;
    if (host.device().peers().size() < 6) host.add_peer(key, endpoint, static_cast<std::uint16_t>(input_.below(30)));
  }

  void set_private_key() {
    Host& host = some_host();
    switch (input_.below(4)) {
      case 0: host.set_private_key({}); break;
      case 1: host.set_private_key(some_host().first_key()); break;  // a twin of another
      case 2: host.set_private_key(host.first_key()); break;
      default: {
        SeededRandom random(100 + input_.below(4));
        host.set_private_key(wg::generate_key_pair(random).private_key);
      }
    }
  }

  void odd_calls() {
    Host& host = some_host();
    switch (input_.below(4)) {
      case 0: host.report_late(input_.u8()); break;
      case 1: host.send(some_peer()); break;
      case 2: host.device().set_key_log(input_.flag()); break;
      case 3: network_.now.wall += std::chrono::seconds(input_.u16()) - 32768s; break;
    }
  }

  // --- the end ---

  // Everyone as at the beginning, on a network that loses nothing, with clocks that are not behind what they were.
  void mend() {
    network_.in_flight.clear();
    network_.now.wall = WallTime(1'900'000'000s) + network_.now.monotonic.time_since_epoch();
    for (const auto& host : hosts_) host->set_private_key(host->first_key());
    for (std::size_t i = 1; i < kHosts; i++) {
      mend_peer(*hosts_[0], *hosts_[i]);
      mend_peer(*hosts_[i], *hosts_[0]);
    }
    std::vector<std::pair<Host*, std::uint64_t>> last;
    for (int round = 0; round < 12; round++) {
      last.clear();
      for (std::size_t i = 1; i < kHosts; i++) {
        last.emplace_back(hosts_[i].get(), send_to(*hosts_[0], *hosts_[i]));
        last.emplace_back(hosts_[0].get(), send_to(*hosts_[i], *hosts_[0]));
      }
      deliver_all();
      advance(5s);
      deliver_all();
    }
    for (const auto& [host, message] : last) FUZZ_CHECK(host->received(message));
  }

  void mend_peer(Host& host, Host& peer) {
    const PublicKey& key = peer.device().public_key();
    const auto known = host.device().find_peer(key);
    const wg::PeerId id = known ? *known : host.add_peer(key, peer.endpoint(), 0);
    host.device().set_preshared_key(network_.now, id, {});
    host.set_endpoint(id, peer.endpoint());
  }

  std::uint64_t send_to(Host& host, Host& peer) {
    return host.send(host.device().find_peer(peer.device().public_key()).value());
  }

  Host& some_host() { return *hosts_[input_.below(kHosts)]; }
  wg::PeerId some_peer() { return static_cast<wg::PeerId>(input_.below(6)); }

  inline static const Endpoint kAttacker{IpAddress::v4({203, 0, 113, 66}), 6666, 0};

  FuzzInput input_;
  const bool needless_timers_;
  Network network_;
  std::array<std::unique_ptr<Host>, kHosts> hosts_;
  int floods_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes(data, size);
  // Twice: nothing may depend on anything but the script, nor on calls of on_timer that were not asked for.
  FUZZ_CHECK(Script(bytes, false).run() == Script(bytes, true).run());
  return 0;
}
