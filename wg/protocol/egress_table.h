// Which peer carries a packet: longest prefix match to a next-hop group, then one member per flow. An immutable
// snapshot: a change makes a new one, which shares the trie with the old where only groups differ (a reroute).
#pragma once

#include <cstdint>
#include <memory>

#include "base/ip.h"
#include "wg/protocol/prefix_trie.h"
#include "wg/tables.h"

namespace starling::wg {

class EgressTable {
 public:
  // An entry must name a group that exists, else std::invalid_argument.
  static std::shared_ptr<const EgressTable> compile(const EgressDescription& description);
  // The same prefixes with other groups (as many as before, else std::invalid_argument).
  std::shared_ptr<const EgressTable> with_groups(std::vector<NextHopGroup> groups) const;

  struct Match {
    PeerId peer = kNoPeer;  // kNoPeer: no prefix covers the destination, or its group is empty and has no backup
    int length = -1;        // bits of the prefix; −1: none
  };
  // For this destination and flow. The same flow hash always yields the same member while the group stays the same,
  // and, for each flow on a member that stays, when others go.
  Match match(const IpAddress& destination, std::uint32_t flow_hash) const;
  PeerId lookup(const IpAddress& destination, std::uint32_t flow_hash) const {
    return match(destination, flow_hash).peer;
  }

  EgressDescription describe() const;

 private:
  std::shared_ptr<const PrefixTrie> trie_;
  std::vector<NextHopGroup> groups_;
};

}  // namespace starling::wg
