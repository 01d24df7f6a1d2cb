#include "wg/protocol/prefix_trie.h"

#include <algorithm>
#include <bit>

namespace starling::wg {

PrefixTrie::Key PrefixTrie::Key::of(const IpAddress& address) {
  ByteReader reader(address.bytes());
  Key key;
  if (address.is_v4()) {
    key.high = std::uint64_t{reader.u32()} << 32;
  } else {
    key.high = reader.u64();
    key.low = reader.u64();
  }
  return key;
}

bool PrefixTrie::Key::bit(int index) const {
  return ((index < 64 ? high >> (63 - index) : low >> (127 - index)) & 1) != 0;
}

int PrefixTrie::Key::common_bits(const Key& other) const {
  return high != other.high ? std::countl_zero(high ^ other.high) : 64 + std::countl_zero(low ^ other.low);
}

PrefixTrie::Key PrefixTrie::Key::masked(int length) const {
  constexpr std::uint64_t ones = ~std::uint64_t{0};
  Key key;
  key.high = length == 0 ? 0 : high & ones << (64 - std::min(length, 64));
  key.low = length <= 64 ? 0 : low & ones << (128 - length);
  return key;
}

PrefixTrie::PrefixTrie(const std::vector<std::pair<Prefix, std::uint32_t>>& entries) {
  nodes_.reserve(entries.size() * 2 + 1);
  nodes_.emplace_back();
  for (const auto& [prefix, value] : entries)
    insert(prefix.family() == Family::ipv4 ? root_v4_ : root_v6_, Key::of(prefix.address()), prefix.length(), value);
}

std::uint32_t PrefixTrie::add_node(const Key& key, int length) {
  Node node;
  node.key = key.masked(length);
  node.length = static_cast<std::uint8_t>(length);
  nodes_.push_back(node);
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void PrefixTrie::insert(std::uint32_t& root, const Key& key, int length, std::uint32_t value) {
  // `parent` and `side` name the link to follow; parent 0 is the root's.
  std::uint32_t parent = 0;
  int side = 0;
  std::uint32_t at = root;
  const auto link = [&](std::uint32_t node) { (parent == 0 ? root : nodes_[parent].child[side]) = node; };
  while (at != 0) {
    const int common = std::min({key.common_bits(nodes_[at].key), length, int{nodes_[at].length}});
    if (common == nodes_[at].length && common == length) break;  // the prefix itself
    if (common < nodes_[at].length) {
      // Its way parts from this node's above it: a node for what they share takes this one's place.
      const std::uint32_t fork = add_node(key, common);
      nodes_[fork].child[nodes_[at].key.bit(common)] = at;
      link(fork);
      at = fork;
      if (common == length) break;
    }
    parent = at;
    side = key.bit(nodes_[at].length);
    at = nodes_[at].child[side];
  }
  if (at == 0) {
    at = add_node(key, length);
    link(at);
  }
  nodes_[at].value = value;
  nodes_[at].has_value = true;
}

std::optional<std::uint32_t> PrefixTrie::lookup(const IpAddress& address) const {
  const std::optional<Match> found = match(address);
  return found ? std::optional(found->value) : std::nullopt;
}

std::optional<PrefixTrie::Match> PrefixTrie::match(const IpAddress& address) const {
  const Key key = Key::of(address);
  const int bits = address.bits();
  std::optional<Match> best;
  std::uint32_t at = address.is_v4() ? root_v4_ : root_v6_;
  while (at != 0) {
    const Node& node = nodes_[at];
    if (key.common_bits(node.key) < node.length) break;
    if (node.has_value) best = Match{node.value, node.length};
    if (node.length == bits) break;
    at = node.child[key.bit(node.length)];
  }
  return best;
}

std::vector<std::pair<Prefix, std::uint32_t>> PrefixTrie::entries() const {
  std::vector<std::pair<Prefix, std::uint32_t>> out;
  collect(root_v4_, Family::ipv4, out);
  collect(root_v6_, Family::ipv6, out);
  return out;
}

// A node before its children and the zero side before the other: the order of Prefix.
void PrefixTrie::collect(std::uint32_t root, Family family, std::vector<std::pair<Prefix, std::uint32_t>>& out) const {
  std::vector<std::uint32_t> stack;
  if (root != 0) stack.push_back(root);
  while (!stack.empty()) {
    const Node& node = nodes_[stack.back()];
    stack.pop_back();
    if (node.has_value) {
      std::array<std::uint8_t, 16> bytes;
      for (std::size_t i = 0; i < 16; i++)
        bytes[i] = static_cast<std::uint8_t>((i < 8 ? node.key.high >> (56 - 8 * i) : node.key.low >> (120 - 8 * i)));
      const std::size_t size = family == Family::ipv4 ? 4 : 16;
      out.emplace_back(Prefix(IpAddress::from_bytes(Bytes(bytes).first(size)), node.length), node.value);
    }
    if (node.child[1] != 0) stack.push_back(node.child[1]);
    if (node.child[0] != 0) stack.push_back(node.child[0]);
  }
}

}  // namespace starling::wg
