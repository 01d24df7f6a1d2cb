#include "routing/prefix_table.h"

#include <algorithm>

namespace starling::routing {

namespace {

void add_origin(PrefixEntry& entry, const NodeId& origin) {
  const auto at = std::lower_bound(entry.origins.begin(), entry.origins.end(), origin);
  if (at == entry.origins.end() || *at != origin) entry.origins.insert(at, origin);
}

}  // namespace

PrefixTable build_prefix_table(const Database& database, const NodeId& self, const std::vector<Prefix>& own,
                               const ImportPolicy& accept, const std::vector<Prefix>& connected) {
  PrefixTable table;
  for (const Prefix& prefix : own) add_origin(table[prefix], self);
  for (const auto& [key, entry] : database.entries()) {
    if (entry.tombstone || key.origin == self) continue;
    const Lsa* first = key.fragment == 0 ? entry.lsa.get() : database.live({key.origin, 0});
    if (!first || !first->content().attributes) continue;
    for (const Prefix& prefix : entry.lsa->content().prefixes) add_origin(table[prefix], key.origin);
  }
  for (auto& [prefix, entry] : table) {
    const bool ours = std::binary_search(own.begin(), own.end(), prefix);
    entry.verdict = ours ? ImportVerdict::own_prefix : accept.check(prefix, connected);
  }
  return table;
}

}  // namespace starling::routing
