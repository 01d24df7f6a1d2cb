// A hash over everything that a run does, so that two runs can be compared (FNV-1a).
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace starling::fuzz {

class Trace {
 public:
  void add(Bytes bytes) {
    for (const std::uint8_t byte : bytes) value_ = (value_ ^ byte) * 0x100000001b3u;
  }
  void add(std::uint64_t number) {
    for (int i = 0; i < 8; i++) value_ = (value_ ^ (number >> (8 * i) & 0xff)) * 0x100000001b3u;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace starling::fuzz
