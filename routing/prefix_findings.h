// What in the announced prefixes a person may want to know of: equal prefixes of several nodes (anycast, or a mistake),
// prefixes inside another node's (traffic for them leaves the covering one), and prefixes that no grant allows. Pure:
// the result depends on what is announced now and not on the order in which it came.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/ip.h"
#include "routing/types.h"

namespace starling::routing {

struct AnnouncedPrefix {
  Prefix prefix;
  NodeId origin;
  friend auto operator<=>(const AnnouncedPrefix&, const AnnouncedPrefix&) = default;
};

struct PrefixFinding {
  enum class Kind : std::uint8_t {
    duplicate,      // all `origins` announce `prefix`
    more_specific,  // `origins` announce `prefix` inside `inside`, the nearest that covers it, of `inside_origins`
    not_granted,    // `origins` announce `prefix`, and their grants do not allow it
  };
  Kind kind = Kind::duplicate;
  Prefix prefix;
  std::vector<NodeId> origins;  // sorted; never empty
  std::optional<Prefix> inside;
  std::vector<NodeId> inside_origins;
  friend auto operator<=>(const PrefixFinding&, const PrefixFinding&) = default;
};

// Duplicates, and more-specifics whose nearest covering prefix (a default route covers nothing in this sense) is
// another node's. Sorted by prefix. Takes time in proportion to n log n.
std::vector<PrefixFinding> find_overlaps(std::vector<AnnouncedPrefix> announced);
// Those of `announced` that `allows` refuses, by prefix, sorted.
template <typename Allows>
std::vector<PrefixFinding> find_ungranted(std::vector<AnnouncedPrefix> announced, const Allows& allows);

// Equal prefixes joined into one finding of this kind; `announced` must be sorted.
std::vector<PrefixFinding> group_by_prefix(const std::vector<AnnouncedPrefix>& announced, PrefixFinding::Kind kind);

template <typename Allows>
std::vector<PrefixFinding> find_ungranted(std::vector<AnnouncedPrefix> announced, const Allows& allows) {
  std::erase_if(announced, [&](const AnnouncedPrefix& one) { return allows(one.origin, one.prefix); });
  std::sort(announced.begin(), announced.end());
  return group_by_prefix(announced, PrefixFinding::Kind::not_granted);
}

}  // namespace starling::routing
