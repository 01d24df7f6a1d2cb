// Published test vectors are written in hex.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

#include "base/key.h"
#include "doctest/doctest.h"

namespace starling::wg::test {

// White space is skipped.
inline std::vector<std::uint8_t> from_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) == 0) digits += c;
  }
  std::vector<std::uint8_t> bytes(digits.size() / 2);
  REQUIRE(parse_hex(digits, bytes));
  return bytes;
}

inline PublicKey public_key_from_hex(std::string_view text) {
  PublicKey key;
  REQUIRE(parse_hex(text, key.bytes));
  return key;
}

}  // namespace starling::wg::test
