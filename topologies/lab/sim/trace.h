// A hash of everything that happened, in order: two runs with the same hash went the same way. Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

namespace starling::sim {

class Trace {
 public:
  void add(std::uint64_t value) { hash_ = stirred(hash_ ^ value); }
  void add(Bytes bytes) {
    std::size_t at = 0;
    if (bytes.size() >= 2 * kStride) {  // several chains at once: a multiplication waits for the one before it
      std::array<std::uint64_t, kLanes> lanes;
      for (std::size_t i = 0; i < kLanes; i++) lanes[i] = hash_ + i;
      for (; at + kStride <= bytes.size(); at += kStride) {
        std::array<std::uint64_t, kLanes> words;
        std::memcpy(words.data(), bytes.data() + at, kStride);
        for (std::size_t i = 0; i < kLanes; i++) lanes[i] = stirred(lanes[i] ^ words[i]);
      }
      for (const std::uint64_t lane : lanes) add(lane);
    }
    std::uint64_t word = 0;
    for (; at + sizeof word <= bytes.size(); at += sizeof word) {
      std::memcpy(&word, bytes.data() + at, sizeof word);
      add(word);
    }
    word = 0;
    if (at < bytes.size()) std::memcpy(&word, bytes.data() + at, bytes.size() - at);
    add(word);
    add(bytes.size());
  }
  std::uint64_t hash() const { return hash_; }

 private:
  static constexpr std::size_t kLanes = 4;
  static constexpr std::size_t kStride = kLanes * sizeof(std::uint64_t);

  static std::uint64_t stirred(std::uint64_t value) {
    value *= 0x9e3779b97f4a7c15u;
    return value ^ value >> 29;
  }

  std::uint64_t hash_ = 0xcbf29ce484222325u;
};

}  // namespace starling::sim
