// How often a second one core finds the peer of a destination in an egress table (wg/protocol/egress_table.h), with few
// prefixes and with many of both families. Prints {"PREFIXES": LOOKUPS_PER_S, ...}, for tests/bench/memory.
//
// The prefixes are those of the wide configuration (measure/uapi.py): /25 of 10.0.0.0/8 and /64 of fd00::/8, each with
// a peer of its own. Destinations are random host addresses inside random prefixes, so with many prefixes most lookups
// miss the cache, as traffic to everywhere would.
#include <fmt/format.h>

#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/system.h"
#include "wg/protocol/egress_table.h"

namespace {

using namespace starling;
using namespace starling::wg;

constexpr std::uint32_t kCounts[] = {1, 1000, 130'000};  // prefixes
constexpr std::size_t kDestinations = 1 << 16;           // looked up in turn
constexpr Duration kStretch = std::chrono::milliseconds(200);
constexpr int kStretches = 3;

// Of every 13 prefixes 7 are IPv4.
constexpr std::uint32_t kPerPeer = 13, kFourPerPeer = 7;

IpAddress address_in(std::uint32_t number, std::uint64_t host) {
  const std::uint32_t peer = number / kPerPeer, place = number % kPerPeer;
  if (place < kFourPerPeer) {
    const std::uint32_t subnet = (peer * kFourPerPeer + place) << 7 | static_cast<std::uint32_t>(host & 127);
    return IpAddress::v4({10, static_cast<std::uint8_t>(subnet >> 16), static_cast<std::uint8_t>(subnet >> 8),
                          static_cast<std::uint8_t>(subnet)});
  }
  const std::uint32_t subnet = peer * (kPerPeer - kFourPerPeer) + place - kFourPerPeer;
  std::array<std::uint8_t, 16> bytes{0xfd};
  for (std::size_t i = 0; i < 4; ++i) bytes[4 + i] = static_cast<std::uint8_t>(subnet >> (24 - 8 * i));
  for (std::size_t i = 0; i < 8; ++i) bytes[8 + i] = static_cast<std::uint8_t>(host >> (56 - 8 * i));
  return IpAddress::v6(bytes);
}

Prefix prefix_of(std::uint32_t number) {
  const IpAddress address = address_in(number, 0);
  return Prefix(address, address.is_v4() ? 25 : 64);
}

EgressDescription description(std::uint32_t prefixes) {
  EgressDescription all;
  for (std::uint32_t i = 0; i < prefixes; ++i) {
    const std::uint32_t peer = i / kPerPeer;
    if (peer == all.groups.size()) all.groups.push_back({.members = {peer}});
    all.entries.push_back({.prefix = prefix_of(i), .group = peer});
  }
  return all;
}

double lookups_per_s(std::uint32_t prefixes) {
  const auto table = EgressTable::compile(description(prefixes));
  SeededRandom random(prefixes);
  std::vector<IpAddress> destinations;
  std::uint64_t expected = 0;
  for (std::size_t i = 0; i < kDestinations; ++i) {
    const auto number = static_cast<std::uint32_t>(random.below(prefixes));
    destinations.push_back(address_in(number, random.u64()));
    expected += number / kPerPeer;
  }
  double best = 0;
  for (int i = 0; i < kStretches; ++i) {
    const Time begin = monotonic_now();
    Time end = begin;
    std::uint64_t lookups = 0;
    while (end - begin < kStretch) {
      std::uint64_t found = 0;
      for (const IpAddress& destination : destinations) found += table->lookup(destination, 1);
      if (found != expected) throw std::runtime_error(fmt::format("wrong peers among {} prefixes", prefixes));
      lookups += kDestinations;
      end = monotonic_now();
    }
    best = std::max(best, static_cast<double>(lookups) / std::chrono::duration<double>(end - begin).count());
  }
  return best;
}

}  // namespace

int main() try {
  nlohmann::json all = nlohmann::json::object();
  for (const std::uint32_t prefixes : kCounts) all[std::to_string(prefixes)] = lookups_per_s(prefixes);
  fmt::print("{}\n", all.dump());
  return EXIT_SUCCESS;
} catch (const std::exception& error) {
  fmt::print(stderr, "bench_lookups: {}\n", error.what());
  return EXIT_FAILURE;
}
