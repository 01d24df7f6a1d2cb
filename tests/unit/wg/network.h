// Two or more Devices joined by a network that loses, repeats and delays datagrams, in virtual time. A Host does for
// its Device what wg/io does: it owns the sessions, stages packets, seals, opens and reports.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "wg/protocol/crypto.h"
#include "wg/protocol/device.h"

namespace starling::wg::test {

using namespace std::chrono_literals;

class Network;

// The same for the same seed.
KeyPair make_key_pair(std::uint64_t seed);

struct Received {
  PeerId peer;
  std::string payload;
  Time at;
};

class Host {
 public:
  Host(Network& network, const Endpoint& endpoint, std::uint64_t seed, const SecretKey& private_key);

  const PublicKey& key() const { return device.public_key(); }
  // `endpoint` of the peer known or not.
  PeerId add_peer(const Host& peer, bool endpoint_known = true, std::uint16_t persistent_keepalive_s = 0,
                  const SecretKey& preshared_key = {});
  PeerId add_peer(const PublicKey& key, const Endpoint& at);
  void set_private_key(const SecretKey& key);
  void send(PeerId peer, const std::string& payload);
  void drain();
  void on_datagram(const Endpoint& from, std::vector<std::uint8_t> bytes);

  std::size_t drop_count(DropReason reason) const;
  // Datagrams of this type sent by this host so far.
  std::size_t sent_count(MessageType type) const { return sent[static_cast<std::size_t>(type)]; }

  Network& network;
  SeededRandom random;
  Device device;
  Endpoint endpoint;
  bool follow_roaming = true;

  // What happened
  std::vector<Received> received;
  std::vector<DropReason> drops;
  std::vector<PeerId> drop_peers;
  std::vector<std::pair<Time, MessageType>> sent_log;
  std::vector<DeviceOutbox::Established> established;
  std::vector<Time> gave_up;
  std::vector<Time> keepalives;  // asked for by the Device
  std::vector<DeviceOutbox::Roamed> roamed;
  std::vector<PeerId> peers_removed;
  std::vector<DeviceOutbox::KeyLogEntry> key_log;
  std::array<std::size_t, 5> sent{};
  std::map<std::uint32_t, SessionPtr> sessions;  // by local index
  std::map<PeerId, SessionPtr> sending;

 private:
  void count_drop(PeerId peer, DropReason reason);
  void transmit(PeerId peer, Bytes payload);
  void send_staged(PeerId peer, bool or_keepalive);
  void send_datagram(const Endpoint& to, std::vector<std::uint8_t> bytes);

  std::map<PeerId, Endpoint> endpoints_;
  std::map<PeerId, std::vector<std::string>> staged_;
};

class Network {
 public:
  explicit Network(std::uint64_t seed) : random(seed), seed_(seed) {}

  // With a private key of its own, or with this one (zeros: none yet).
  Host& add_host(const std::string& endpoint);
  Host& add_host(const std::string& endpoint, const SecretKey& private_key);
  void post(const Endpoint& from, const Endpoint& to, const std::vector<std::uint8_t>& bytes);
  // Up to and including this moment.
  void run_until(Time until);
  void run_for(Duration duration) { run_until(now.monotonic + duration); }
  void trace(Bytes bytes);

  Now now{Time(1000s), WallTime(1'800'000'000s)};
  SeededRandom random;
  double loss = 0;
  double duplication = 0;
  Duration latency = 10ms;
  Duration jitter = 0ns;  // 0..jitter more, so datagrams overtake each other
  // Decides over single datagrams: false loses it.
  std::function<bool(const Endpoint& from, const Endpoint& to, Bytes bytes)> filter;
  // Calls on_timer of every host exactly when something is due, and at random moments where nothing is. Else when the
  // engine would: at next_look().
  bool extra_on_timer = false;
  Hash trace_hash{};
  std::vector<std::pair<Endpoint, std::vector<std::uint8_t>>> recorded;  // (to, bytes), everything posted

 private:
  struct InFlight {
    Endpoint from, to;
    std::vector<std::uint8_t> bytes;
  };
  void advance(Time to) { now = now + (to - now.monotonic); }
  void call_extra_timers(Time until);
  Time next_call(const Device& device) const;
  std::uint64_t next_host_seed() const { return seed_ * 100 + hosts_.size() + 1; }

  std::uint64_t seed_;
  SeededRandom extra_random_{77};
  std::vector<std::unique_ptr<Host>> hosts_;
  std::multimap<Time, InFlight> in_flight_;
};

// Two hosts, a and b, that know each other's keys; each knows the other's endpoint.
struct Pair {
  explicit Pair(std::uint64_t seed = 1, std::uint16_t persistent_keepalive_s = 0);

  Network network;
  Host& a;
  Host& b;
  PeerId b_at_a, a_at_b;
};

// A Pair whose messages of one type are kept from arriving, after a second in which a sent to b; `held` is the newest.
struct HoldingPair : Pair {
  explicit HoldingPair(MessageType type);

  bool holding = true;
  std::vector<std::uint8_t> held;
};

}  // namespace starling::wg::test
