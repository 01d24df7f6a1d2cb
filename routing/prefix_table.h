// Which prefixes are announced, by whom, and whether our import policy uses them. Only origins that take part (live
// fragment 0) count, reachable or not: the set of origins names a route group, and must not change with a failure.
#pragma once

#include <map>
#include <vector>

#include "routing/database.h"
#include "routing/import_policy.h"

namespace starling::routing {

struct PrefixEntry {
  std::vector<NodeId> origins;  // sorted, each once; includes ourselves where we announce it too
  ImportVerdict verdict = ImportVerdict::accepted;

  friend bool operator==(const PrefixEntry&, const PrefixEntry&) = default;
};
using PrefixTable = std::map<Prefix, PrefixEntry>;

// `own` must be sorted.
PrefixTable build_prefix_table(const Database& database, const NodeId& self, const std::vector<Prefix>& own,
                               const ImportPolicy& accept, const std::vector<Prefix>& connected);

}  // namespace starling::routing
