#include "base/key.h"

#include <string.h>

#include <stdexcept>
#include <utility>

namespace starling {

namespace {

constexpr char kBase64Digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t kBase64KeySize = 44;

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

// Decodes the one canonical 44-character form of 32 bytes. A non-zero spare bit in the last digit is refused, as `wg`
// does.
bool decode_key(std::string_view text, std::array<std::uint8_t, kKeySize>& out) {
  if (text.size() != kBase64KeySize || text.back() != '=') return false;
  std::uint32_t bits = 0;
  int bit_count = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < text.size(); i++) {
    const int value = base64_value(text[i]);
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count >= 8) {
      bit_count -= 8;
      out[at++] = static_cast<std::uint8_t>(bits >> bit_count);
    }
  }
  return (bits & ((1u << bit_count) - 1)) == 0;
}

}  // namespace

SecretKey::SecretKey(Bytes bytes) {
  if (bytes.size() != kKeySize) throw std::invalid_argument("a key has 32 bytes");
  std::memcpy(bytes_.data(), bytes.data(), kKeySize);
}

SecretKey::SecretKey(SecretKey&& other) noexcept : bytes_(other.bytes_) {
  other.wipe();
}

SecretKey& SecretKey::operator=(SecretKey&& other) noexcept {
  if (this != &other) {
    bytes_ = other.bytes_;
    other.wipe();
  }
  return *this;
}

SecretKey::~SecretKey() {
  wipe();
}

void SecretKey::wipe() {
  explicit_bzero(bytes_.data(), bytes_.size());
}

bool SecretKey::is_zero() const {
  std::uint8_t any = 0;
  for (const std::uint8_t byte : bytes_) any = static_cast<std::uint8_t>(any | byte);
  return any == 0;
}

bool operator==(const SecretKey& a, const SecretKey& b) {
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < kKeySize; i++)
    difference = static_cast<std::uint8_t>(difference | (a.bytes_[i] ^ b.bytes_[i]));
  return difference == 0;
}

std::string to_base64(Bytes bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; j++) bits = bits << 8 | (j < count ? bytes[i + j] : 0u);
    for (std::size_t j = 0; j < 4; j++) text += j <= count ? kBase64Digits[bits >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string to_base64(const PublicKey& key) {
  return to_base64(Bytes(key.bytes));
}

std::optional<PublicKey> parse_public_key(std::string_view base64) {
  PublicKey key;
  if (!decode_key(base64, key.bytes)) return std::nullopt;
  return key;
}

std::optional<SecretKey> parse_secret_key(std::string_view base64) {
  std::array<std::uint8_t, kKeySize> bytes{};
  std::optional<SecretKey> key;
  if (decode_key(base64, bytes)) key.emplace(Bytes(bytes));
  explicit_bzero(bytes.data(), bytes.size());
  return key;
}

std::string to_hex(Bytes bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

bool parse_hex(std::string_view hex, MutableBytes out) {
  if (hex.size() != out.size() * 2) return false;
  const auto value = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  for (std::size_t i = 0; i < out.size(); i++) {
    const int high = value(hex[2 * i]);
    const int low = value(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace starling
