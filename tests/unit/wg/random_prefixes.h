// Random prefixes and addresses that overlap often: few distinct bits, many lengths, both families.
#pragma once

#include <vector>

#include "base/ip.h"
#include "base/random.h"

namespace starling::wg::test {

inline IpAddress random_address(SeededRandom& random) {
  const bool v4 = random.below(2) == 0;
  std::array<std::uint8_t, 16> bytes{};
  // Bytes of few values, so that long prefixes are shared; now and then any byte.
  for (auto& byte : bytes)
    byte = static_cast<std::uint8_t>(random.below(8) == 0 ? random.below(256) : random.below(2) * 0x81);
  return IpAddress::from_bytes(Bytes(bytes).first(v4 ? 4 : 16));
}

inline Prefix random_prefix(SeededRandom& random) {
  const IpAddress address = random_address(random);
  return Prefix(address, static_cast<int>(random.below(static_cast<std::uint64_t>(address.bits()) + 1)));
}

// An address that lies in one of the prefixes more often than not.
inline IpAddress random_address_near(SeededRandom& random, const std::vector<Prefix>& prefixes) {
  if (prefixes.empty() || random.below(4) == 0) return random_address(random);
  const IpAddress base = prefixes[random.below(prefixes.size())].address();
  std::array<std::uint8_t, 16> bytes{};
  std::copy(base.bytes().begin(), base.bytes().end(), bytes.begin());
  const std::size_t size = base.bytes().size();
  const std::uint64_t flips = random.below(3);
  for (std::uint64_t i = 0; i < flips; i++)
    bytes[random.below(size)] ^= static_cast<std::uint8_t>(1u << random.below(8));
  return IpAddress::from_bytes(Bytes(bytes).first(size));
}

}  // namespace starling::wg::test
