// What the underlay answers to a datagram of ours that did not arrive (ICMP). Never more than a hint: nobody signs it,
// and whoever knows the two endpoints can forge it.
// Source: RFC 792, RFC 1122 3.2.2.1 and 4.1.3.3, RFC 4443 3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/ip.h"

namespace starling::wg {

enum class UnreachableMeaning : std::uint8_t {
  port,            // the machine is there, and nobody listens
  host,            // the last router finds no machine with that address
  network,         // a router knows no way there
  prohibited,      // a filter refuses it
  protocol,        // the machine does not speak UDP
  loop,            // the hop limit ran out on the way
  fragments_lost,  // it was cut on the way, and not all pieces arrived
  too_big,         // larger than what a link on the way carries
  other,
  count_  // not a meaning: how many there are
};
inline constexpr std::size_t kUnreachableMeaningCount = static_cast<std::size_t>(UnreachableMeaning::count_);
const char* to_string(UnreachableMeaning meaning);  // the name as written here

// What is said of a datagram's size alone is said of a way that is there.
constexpr bool is_about_size(UnreachableMeaning meaning) {
  return meaning == UnreachableMeaning::fragments_lost || meaning == UnreachableMeaning::too_big;
}

struct Unreachable {
  UnreachableMeaning meaning = UnreachableMeaning::other;
  Endpoint endpoint;              // where the datagram was to go
  std::optional<IpAddress> from;  // who says so
  std::uint32_t mtu = 0;          // bytes of an outer packet (too_big); 0 unknown
  bool is_news = false;           // a person has not been told since the peer was well

  friend bool operator==(const Unreachable&, const Unreachable&) = default;
};

}  // namespace starling::wg
