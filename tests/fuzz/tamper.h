// Changes a message as an attacker on its way might: by the fuzzer's choice not at all, at one or several places, or in
// its length.
#pragma once

#include <cstdint>
#include <vector>

#include "tests/fuzz/fuzz_input.h"

namespace starling::fuzz {

// True if `message` is another one now.
inline bool tamper(FuzzInput& input, std::vector<std::uint8_t>& message) {
  const std::vector<std::uint8_t> before = message;
  for (std::size_t changes = input.below(4); changes > 0 && !message.empty(); changes--) {
    const std::size_t at = input.u16() % message.size();
    message[at] ^= input.u8();
  }
  switch (input.below(8)) {
    case 6: message.resize(input.u16() % (message.size() + 1)); break;
    case 7: message.resize(message.size() + input.u8()); break;
    default: break;
  }
  return message != before;
}

}  // namespace starling::fuzz
