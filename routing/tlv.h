// Type, length, value: one byte, two bytes, so many bytes. Everything in a message behind its fixed part, and
// everything in an announcement's body, is a list of these. Unknown types are skipped; trailing bytes that a later
// version adds to a known one are ignored where docs/protocol.md says so.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace starling::routing {

inline constexpr std::size_t kTlvHeaderSize = 3;  // bytes

struct Tlv {
  std::uint8_t type = 0;
  Bytes value;
};

inline void write_tlv_header(ByteWriter& out, std::uint8_t type, std::size_t size) {
  out.u8(type);
  out.u16(static_cast<std::uint16_t>(size));
}

class TlvReader {
 public:
  explicit TlvReader(Bytes bytes) : in_(bytes) {}

  // Nothing at the end, and nothing once a TLV has reached past it.
  std::optional<Tlv> next() {
    if (in_.failed() || in_.remaining() == 0) return std::nullopt;
    const std::uint8_t type = in_.u8();
    const Bytes value = in_.take(in_.u16());
    if (in_.failed()) return std::nullopt;
    return Tlv{type, value};
  }
  bool failed() const { return in_.failed(); }

 private:
  ByteReader in_;
};

}  // namespace starling::routing
