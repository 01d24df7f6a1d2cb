// Longest prefix match from addresses of both families to a 32-bit value. Immutable once built, so readers need no
// lock.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace starling::wg {

class PrefixTrie {
 public:
  // Of equal prefixes the last one counts.
  explicit PrefixTrie(const std::vector<std::pair<Prefix, std::uint32_t>>& entries);

  std::optional<std::uint32_t> lookup(const IpAddress& address) const;

  // In the order of Prefix: by family, address, length.
  std::vector<std::pair<Prefix, std::uint32_t>> entries() const;

 private:
  // Path-compressed binary trie in one array; node 0 is no node, so 0 means "no child".
  struct Node {
    Prefix prefix;
    std::uint32_t child[2] = {0, 0};
    std::uint32_t value = 0;
    bool has_value = false;
  };

  void insert(std::uint32_t& root, const Prefix& prefix, std::uint32_t value);

  std::vector<Node> nodes_;
  std::uint32_t root_v4_ = 0;
  std::uint32_t root_v6_ = 0;
};

}  // namespace starling::wg
