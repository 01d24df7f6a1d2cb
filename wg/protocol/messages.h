// Every message on the wire and every constant of the protocol, with the names of the whitepaper (§5.4 messages, §6.1
// constants). The structs have no padding and no alignment, so that they are copied to and from datagrams as they are;
// numbers in them are little-endian.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/bytes.h"
#include "base/key.h"
#include "base/time.h"

namespace starling::wg {

// --- constants (§5.4, §6.1) ---

inline constexpr std::string_view kConstruction = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
inline constexpr std::string_view kIdentifier = "WireGuard v1 zx2c4 Jason@zx2c4.com";
inline constexpr std::string_view kLabelMac1 = "mac1----";
inline constexpr std::string_view kLabelCookie = "cookie--";

inline constexpr std::uint64_t kRekeyAfterMessages = std::uint64_t{1} << 60;
inline constexpr std::uint64_t kRejectAfterMessages =
    std::numeric_limits<std::uint64_t>::max() - (std::uint64_t{1} << 13);  // 2^64 − 2^13 − 1
inline constexpr Duration kRekeyAfterTime = std::chrono::seconds(120);
inline constexpr Duration kRejectAfterTime = std::chrono::seconds(180);
inline constexpr Duration kRekeyAttemptTime = std::chrono::seconds(90);
inline constexpr Duration kRekeyTimeout = std::chrono::seconds(5);
inline constexpr Duration kRekeyTimeoutJitterMax = std::chrono::nanoseconds(1'000'000'000 / 3);
inline constexpr Duration kKeepaliveTimeout = std::chrono::seconds(10);
inline constexpr Duration kCookieRefreshTime = std::chrono::seconds(120);

// Initiations sent in one attempt before it is given up: 18.
inline constexpr std::uint32_t kMaxHandshakeAttempts = kRekeyAttemptTime / kRekeyTimeout;
// Keys are zeroed when none newer came for this long (§6.3).
inline constexpr Duration kZeroKeyMaterialAfterTime = 3 * kRejectAfterTime;
// Without an answer to data for this long, a new handshake starts (§6.5).
inline constexpr Duration kNewHandshakeTime = kKeepaliveTimeout + kRekeyTimeout;
// An initiator that only receives renews the session this long before it ends (§6.2: REJECT − KEEPALIVE − REKEY).
inline constexpr Duration kLastMinuteHandshakeTime = kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout;
// At most 50 initiations a second are answered per peer.
inline constexpr Duration kInitiationInterval = std::chrono::milliseconds(20);

// Under load (§5.3; the numbers are the implementations'): when this many handshake messages wait, of which one is read
// in this time, and for this long after.
inline constexpr std::uint32_t kHandshakeQueueSize = 128;
inline constexpr Duration kHandshakeDrainTime = std::chrono::milliseconds(1);
inline constexpr Duration kUnderLoadTime = std::chrono::seconds(1);
// Then 20 handshake messages a second are read from one source, 5 of them at once.
inline constexpr Duration kSourceInterval = std::chrono::milliseconds(50);
inline constexpr std::uint32_t kSourceBurst = 5;

inline constexpr std::size_t kPaddingMultiple = 16;           // bytes; never above the MTU
inline constexpr std::size_t kMaxStagedPackets = 128;         // per peer, waiting for a session
inline constexpr std::uint8_t kHandshakeTrafficClass = 0x88;  // AF41, as every implementation sends them

// --- messages (§5.4) ---

enum class MessageType : std::uint8_t { initiation = 1, response = 2, cookie_reply = 3, data = 4 };

inline constexpr std::size_t kMacSize = 16;        // bytes, as are the tag and the cookie
inline constexpr std::size_t kTagSize = 16;        // bytes
inline constexpr std::size_t kTimestampSize = 12;  // bytes, TAI64N

using Mac = std::array<std::uint8_t, kMacSize>;

// A little-endian 32-bit number at any address.
struct LittleEndian32 {
  std::array<std::uint8_t, 4> bytes{};

  LittleEndian32() = default;
  explicit LittleEndian32(std::uint32_t value) {
    for (std::size_t i = 0; i < 4; i++) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
  std::uint32_t value() const {
    return bytes[0] | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 | std::uint32_t{bytes[3]} << 24;
  }
};

// The first byte and three reserved ones, which are zero.
struct MessageHeader {
  std::uint8_t type = 0;
  std::array<std::uint8_t, 3> reserved{};
};

// First message, initiator to responder (§5.4.2).
struct MessageInitiation {
  MessageHeader header{static_cast<std::uint8_t>(MessageType::initiation), {}};
  LittleEndian32 sender;
  PublicKey ephemeral;
  std::array<std::uint8_t, kKeySize + kTagSize> encrypted_static{};
  std::array<std::uint8_t, kTimestampSize + kTagSize> encrypted_timestamp{};
  Mac mac1{};
  Mac mac2{};
};
static_assert(sizeof(MessageInitiation) == 148 && alignof(MessageInitiation) == 1);

// Second message, responder to initiator (§5.4.3).
struct MessageResponse {
  MessageHeader header{static_cast<std::uint8_t>(MessageType::response), {}};
  LittleEndian32 sender;
  LittleEndian32 receiver;
  PublicKey ephemeral;
  std::array<std::uint8_t, kTagSize> encrypted_nothing{};
  Mac mac1{};
  Mac mac2{};
};
static_assert(sizeof(MessageResponse) == 92 && alignof(MessageResponse) == 1);

// The answer of a responder under load (§5.4.7).
struct MessageCookieReply {
  MessageHeader header{static_cast<std::uint8_t>(MessageType::cookie_reply), {}};
  LittleEndian32 receiver;
  std::array<std::uint8_t, 24> nonce{};
  std::array<std::uint8_t, kMacSize + kTagSize> encrypted_cookie{};
};
static_assert(sizeof(MessageCookieReply) == 64 && alignof(MessageCookieReply) == 1);

// A data message (§5.4.6): type 4 and 3 reserved bytes, receiver index, 64-bit counter, then ciphertext and tag.
inline constexpr std::size_t kDataReceiverOffset = 4;                         // bytes
inline constexpr std::size_t kDataCounterOffset = 8;                          // bytes
inline constexpr std::size_t kDataHeaderSize = 16;                            // bytes, before the ciphertext
inline constexpr std::size_t kDataTagSize = kTagSize;                         // bytes, after it
inline constexpr std::size_t kDataOverhead = kDataHeaderSize + kDataTagSize;  // 32: also the size of a keepalive

// By type and reserved bytes; whatever is not is for Device::on_handshake_datagram, which has a name for it.
inline bool is_data_message(Bytes datagram) {
  return datagram.size() >= sizeof(MessageHeader) && datagram[0] == static_cast<std::uint8_t>(MessageType::data) &&
         datagram[1] == 0 && datagram[2] == 0 && datagram[3] == 0;
}

// What a plaintext of `size` bytes is padded to: a multiple of 16, but never above the MTU (§5.4.6).
constexpr std::size_t padded_size(std::size_t size, std::size_t mtu) {
  const std::size_t padded = (size + kPaddingMultiple - 1) / kPaddingMultiple * kPaddingMultiple;
  return padded <= mtu ? padded : (size > mtu ? size : mtu);
}

}  // namespace starling::wg
