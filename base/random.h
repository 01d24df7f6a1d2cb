// Randomness as an argument: the daemon hands in the kernel's, tests and the simulator a seeded generator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace starling {

class RandomSource {
 public:
  virtual ~RandomSource() = default;

  // Fills `out` with unpredictable bytes (predictable ones in tests). Cannot fail.
  virtual void fill(std::span<std::uint8_t> out) = 0;

  std::uint32_t u32() { return draw<std::uint32_t>(); }
  std::uint64_t u64() { return draw<std::uint64_t>(); }

  // Uniform enough for jitter: in [0, bound), 0 if bound is 0. Not for keys.
  std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : u64() % bound; }

 private:
  template <typename T>
  T draw() {
    std::uint8_t bytes[sizeof(T)];
    fill(bytes);
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
};

// xoshiro256** seeded by splitmix64: fast, reproducible, NOT for secrets. For tests and the simulator.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) {
    for (auto& word : state_) {
      std::uint64_t z = (seed += 0x9e3779b97f4a7c15u);
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
      z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
      word = z ^ (z >> 31);
    }
  }

  std::uint64_t next() {
    const auto rotate = [](std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
    const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  void fill(std::span<std::uint8_t> out) override {
    for (std::size_t i = 0; i < out.size(); i += 8) {
      const std::uint64_t word = next();
      std::memcpy(out.data() + i, &word, out.size() - i < 8 ? out.size() - i : 8);
    }
  }

 private:
  std::uint64_t state_[4];
};

}  // namespace starling
