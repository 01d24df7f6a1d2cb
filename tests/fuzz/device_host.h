// One end of a network of Devices under a fuzzer. A Host does for its Device what wg/io does (it owns the sessions,
// stages packets, seals, opens and reports), and holds the Device to everything that device.h promises.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/random.h"
#include "tests/fuzz/trace.h"
#include "wg/protocol/device.h"

namespace starling::fuzz {

struct Datagram {
  Endpoint from, to;
  std::vector<std::uint8_t> bytes;
};

// What all hosts of one network share: the time, what is under way, and what must never happen twice anywhere.
struct Network {
  Now now;
  std::deque<Datagram> in_flight;
  std::deque<Datagram> recorded;  // all that was sent lately, for whoever repeats it
  Trace trace;
  std::uint64_t next_message = 1;
  // Key stream (or, of keepalives, tags): the same twice is a nonce used twice with one key.
  std::set<std::vector<std::uint8_t>> key_streams;
  std::set<std::vector<std::uint8_t>> ephemeral_keys;

  void post(const Datagram& datagram);
};

class Host {
 public:
  Host(Network& network, const Endpoint& endpoint, std::uint64_t seed);

  const Endpoint& endpoint() const { return endpoint_; }
  wg::Device& device() { return *device_; }
  const SecretKey& first_key() const { return first_key_; }

  wg::PeerId add_peer(const PublicKey& key, const std::optional<Endpoint>& endpoint, std::uint16_t keepalive_s);
  void remove_peer(wg::PeerId peer);
  void set_private_key(const SecretKey& key);
  void set_endpoint(wg::PeerId peer, const Endpoint& endpoint);
  void set_persistent_keepalive(wg::PeerId peer, std::uint16_t seconds);

  // A message with a payload of its own: its number, and between whom it is.
  std::uint64_t send(wg::PeerId peer);
  void on_datagram(const Endpoint& from, std::vector<std::uint8_t> bytes);
  // At or after its deadline; what is due must be done then.
  void on_timer();
  // Before its deadline: nothing may come of it.
  void on_needless_timer();
  // A worker that is late tells of a session that may be gone.
  void report_late(std::size_t choice);

  bool received(std::uint64_t message) const { return received_.contains(message); }

 private:
  void transmit(wg::PeerId peer, std::uint64_t message);  // 0: a keepalive
  void send_staged(wg::PeerId peer, bool or_keepalive);
  void open(const Endpoint& from, std::vector<std::uint8_t>& bytes);
  void check_payload(const wg::Session& session, Bytes plaintext);
  void drain();
  void check_outbox(const wg::DeviceOutbox& outbox) const;
  void apply_sessions(const wg::DeviceOutbox& outbox);
  void check_sessions() const;
  void check_handshake(Bytes bytes) const;

  Network& network_;
  Endpoint endpoint_;
  SeededRandom random_;
  SecretKey first_key_;
  std::unique_ptr<wg::Device> device_;

  std::set<PublicKey> own_keys_;  // all that it ever had
  std::map<std::uint32_t, wg::SessionPtr> sessions_;
  std::vector<wg::SessionPtr> former_sessions_;
  std::map<wg::PeerId, wg::SessionPtr> sending_;
  std::map<wg::PeerId, std::deque<std::uint64_t>> staged_;
  std::set<std::uint64_t> received_;
};

}  // namespace starling::fuzz
