#include "wg/protocol/transit_table.h"

#include "wg/protocol/inner_packet.h"

namespace starling::wg {

namespace {

constexpr std::uint32_t kPunt = 0;  // that there is one is all that counts

std::vector<std::pair<Prefix, std::uint32_t>> entries_of(const std::vector<Prefix>& prefixes) {
  std::vector<std::pair<Prefix, std::uint32_t>> entries;
  entries.reserve(prefixes.size());
  for (const Prefix& prefix : prefixes) entries.emplace_back(prefix, kPunt);
  return entries;
}

}  // namespace

TransitTable::TransitTable(const TransitDescription& description)
    : description_(description), punts_(entries_of(description.punts)) {}

std::shared_ptr<const TransitTable> TransitTable::compile(const TransitDescription& description) {
  return std::shared_ptr<const TransitTable>(new TransitTable(description));
}

bool TransitTable::takes(const IpAddress& destination, int mesh_length) const {
  const std::optional<PrefixTrie::Match> punt = punts_.match(destination);
  return !punt || punt->length < mesh_length;
}

std::optional<IpAddress> TransitTable::error_source(Family family) const {
  if (family == Family::ipv6) return description_.source_v6;
  return description_.source_v4.value_or(kDummyAddress);
}

}  // namespace starling::wg
