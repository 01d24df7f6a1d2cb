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

  struct Match {
    std::uint32_t value = 0;
    int length = 0;  // bits of the longest prefix that covers the address
  };
  std::optional<Match> match(const IpAddress& address) const;
  std::optional<std::uint32_t> lookup(const IpAddress& address) const;

  // In the order of Prefix: by family, address, length.
  std::vector<std::pair<Prefix, std::uint32_t>> entries() const;

 private:
  // An address as a number, its first bit the highest; IPv4 uses the upper 32 bits.
  struct Key {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static Key of(const IpAddress& address);
    bool bit(int index) const;                // 0..127
    int common_bits(const Key& other) const;  // 0..128
    Key masked(int length) const;             // 0..128
    friend bool operator==(const Key&, const Key&) = default;
  };

  // Path-compressed binary trie in one array. A child's prefix is longer than its parent's and inside it. Node 0 is no
  // node, so 0 means "no child".
  struct Node {
    Key key;
    std::uint32_t child[2] = {0, 0};
    std::uint32_t value = 0;
    std::uint8_t length = 0;
    bool has_value = false;
  };

  std::uint32_t add_node(const Key& key, int length);
  void insert(std::uint32_t& root, const Key& key, int length, std::uint32_t value);
  void collect(std::uint32_t root, Family family, std::vector<std::pair<Prefix, std::uint32_t>>& out) const;

  std::vector<Node> nodes_;
  std::uint32_t root_v4_ = 0;
  std::uint32_t root_v6_ = 0;
};

}  // namespace starling::wg
