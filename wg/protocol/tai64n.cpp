#include "wg/protocol/tai64n.h"

#include "base/bytes.h"

namespace starling::wg {

namespace {

// TAI was 10 s ahead of UTC when the label 2^62 began; later leap seconds are left out, as everybody does here.
constexpr std::uint64_t kEpochLabel = (std::uint64_t{1} << 62) + 10;
constexpr std::uint32_t kStep = std::uint32_t{1} << 24;  // nanoseconds
constexpr std::uint32_t kSecond = 1'000'000'000;         // nanoseconds

Tai64n encode(std::uint64_t label, std::uint32_t nanoseconds) {
  Tai64n out;
  for (std::size_t i = 0; i < 8; i++) out.bytes[i] = static_cast<std::uint8_t>(label >> (56 - 8 * i));
  for (std::size_t i = 0; i < 4; i++) out.bytes[8 + i] = static_cast<std::uint8_t>(nanoseconds >> (24 - 8 * i));
  return out;
}

}  // namespace

Tai64n Tai64n::at(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
  const auto nanoseconds = static_cast<std::uint32_t>((time.time_since_epoch() - seconds).count());
  return encode(kEpochLabel + static_cast<std::uint64_t>(seconds.count()), nanoseconds / kStep * kStep);
}

Tai64n Tai64n::next() const {
  ByteReader reader(bytes);
  const std::uint64_t label = reader.u64();
  const std::uint32_t nanoseconds = reader.u32() / kStep * kStep + kStep;
  return nanoseconds >= kSecond ? encode(label + 1, 0) : encode(label, nanoseconds);
}

}  // namespace starling::wg
