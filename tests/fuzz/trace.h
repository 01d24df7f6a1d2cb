// A hash over everything that a run does, so that two runs can be compared. Not for secrets.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace starling::fuzz {

class Trace {
 public:
  void add(std::uint64_t word) { value_ = ((value_ ^ word) * 0x9e3779b97f4a7c15u) ^ value_ >> 29; }
  void add(Bytes bytes) {
    add(bytes.size());
    for (; bytes.size() >= 8; bytes = bytes.subspan(8)) add(ByteReader(bytes).u64());
    for (const std::uint8_t byte : bytes) add(std::uint64_t{byte});
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325u;
};

}  // namespace starling::fuzz
