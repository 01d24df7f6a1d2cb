// The part of aead.h that stands on libipsec-mb. Where the build has not got the library, none of it is there at run
// time either.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include "wg/protocol/aead.h"

namespace starling::wg {

inline constexpr std::string_view kIpsecMbName = "libipsec-mb";
inline constexpr std::size_t kAeadNonceSize = 12;  // bytes

// Four zero bytes, then the counter, little-endian (whitepaper §5.4.6).
inline std::array<std::uint8_t, kAeadNonceSize> aead_nonce(std::uint64_t counter) {
  std::array<std::uint8_t, kAeadNonceSize> nonce{};
  for (std::size_t i = 0; i < 8; i++) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return nonce;
}

bool has_ipsec_mb_aead();
// Null without the library, or without the memory for its state.
std::unique_ptr<PacketAead> make_ipsec_mb_aead();

}  // namespace starling::wg
