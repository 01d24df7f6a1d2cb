// Fixed ends for the targets that decode handshake messages: the Device under attack and who may talk to it. What a
// stranger on the network can know, the fuzzer is given: public keys and so the key of mac1.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "base/random.h"
#include "tests/fuzz/check.h"
#include "wg/protocol/cookie.h"
#include "wg/protocol/device.h"
#include "wg/protocol/noise.h"

namespace starling::fuzz {

inline wg::KeyPair key_pair(std::uint64_t seed) {
  SeededRandom random(seed);
  return wg::generate_key_pair(random);
}

// Generated once, not for every input.
struct HandshakeEnds {
  wg::KeyPair device = key_pair(1);
  wg::KeyPair peer = key_pair(2);
  wg::KeyPair peer_with_psk = key_pair(3);
  wg::KeyPair stranger = key_pair(4);
  wg::KeyPair low_order{key_pair(5).private_key, PublicKey{}};  // the public key zero
  SecretKey psk = key_pair(6).private_key;
  Endpoint device_endpoint{IpAddress::v4({192, 0, 2, 1}), 51820, 0};
  Endpoint peer_endpoint{IpAddress::v4({192, 0, 2, 2}), 51821, 0};

  static const HandshakeEnds& get() {
    static const HandshakeEnds ends;
    return ends;
  }
};

inline constexpr Now kStart{Time(std::chrono::seconds(1000)), WallTime(std::chrono::seconds(1'800'000'000))};

template <typename Message>
std::vector<std::uint8_t> to_bytes(const Message& message) {
  std::vector<std::uint8_t> bytes(sizeof message);
  std::memcpy(bytes.data(), &message, sizeof message);
  return bytes;
}

// Whoever knows the receiver's public key can do this.
inline void set_macs(const PublicKey& receiver, std::vector<std::uint8_t>& message) {
  if (message.size() >= 2 * wg::kMacSize) wg::CookieGenerator(receiver).add_macs(Time{}, message);
}

// Each datagram is one named drop, or has an effect. Never both, never nothing.
inline bool was_dropped(const wg::DeviceOutbox& outbox) {
  FUZZ_CHECK(outbox.drops.size() <= 1);
  if (outbox.drops.empty()) return false;
  FUZZ_CHECK(outbox.sessions_installed.empty() && outbox.established.empty() && outbox.roamed.empty());
  return true;
}

}  // namespace starling::fuzz
