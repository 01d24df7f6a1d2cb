// 32-byte keys as WireGuard writes them: base64 for people and files, hex on the UAPI socket.
// Public keys are plain values; secrets wipe themselves, compare in constant time and cannot be printed by accident.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace starling {

inline constexpr std::size_t kKeySize = 32;  // bytes

// Curve25519 public key: a peer's name.
struct PublicKey {
  std::array<std::uint8_t, kKeySize> bytes{};

  friend auto operator<=>(const PublicKey&, const PublicKey&) = default;
};

// A Curve25519 private key or a preshared key. Wiped when destroyed, assigned over or moved from.
class SecretKey {
 public:
  SecretKey() = default;
  explicit SecretKey(Bytes bytes);  // exactly kKeySize bytes, else std::invalid_argument
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  SecretKey(SecretKey&& other) noexcept;
  SecretKey& operator=(SecretKey&& other) noexcept;
  ~SecretKey();

  Bytes bytes() const { return bytes_; }
  MutableBytes mutable_bytes() { return bytes_; }
  bool is_zero() const;  // constant time
  void wipe();

  friend bool operator==(const SecretKey& a, const SecretKey& b);  // constant time

 private:
  std::array<std::uint8_t, kKeySize> bytes_{};
};

// The 44 characters that `wg` prints. parse_* accept exactly that form (no white space), nothing otherwise.
std::string to_base64(Bytes bytes);
std::string to_base64(const PublicKey& key);
std::optional<PublicKey> parse_public_key(std::string_view base64);
std::optional<SecretKey> parse_secret_key(std::string_view base64);

// Lower-case hex, and its inverse for exactly 2 × out.size() digits.
std::string to_hex(Bytes bytes);
bool parse_hex(std::string_view hex, MutableBytes out);

}  // namespace starling

template <>
struct std::hash<starling::PublicKey> {
  std::size_t operator()(const starling::PublicKey& key) const noexcept {
    std::size_t value;
    static_assert(sizeof value <= starling::kKeySize);
    std::memcpy(&value, key.bytes.data(), sizeof value);  // keys are uniform already
    return value;
  }
};
