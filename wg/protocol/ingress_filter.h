// Which sources a peer may send: longest prefix match to a set of peers (RFC 8704's feasible paths; design: the set is
// computed from the link state by whoever describes it). An immutable snapshot.
#pragma once

#include <cstdint>
#include <memory>

#include "base/ip.h"
#include "wg/protocol/prefix_trie.h"
#include "wg/tables.h"

namespace starling::wg {

enum class IngressVerdict : std::uint8_t {
  pass,
  not_allowed,  // the source is announced, and not behind this peer
  unknown,      // nobody announces the source
};

class IngressFilter {
 public:
  // An entry must name a set that exists, else std::invalid_argument.
  static std::shared_ptr<const IngressFilter> compile(const IngressDescription& description);

  IngressVerdict check(const IpAddress& source, PeerId peer) const;

  IngressDescription describe() const;

 private:
  std::shared_ptr<const PrefixTrie> trie_;
  std::vector<std::vector<PeerId>> sets_;
};

}  // namespace starling::wg
