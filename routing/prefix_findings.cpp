#include "routing/prefix_findings.h"

#include <algorithm>
#include <iterator>

namespace starling::routing {

std::vector<PrefixFinding> group_by_prefix(const std::vector<AnnouncedPrefix>& announced, PrefixFinding::Kind kind) {
  std::vector<PrefixFinding> groups;
  for (const AnnouncedPrefix& one : announced) {
    if (groups.empty() || groups.back().prefix != one.prefix) groups.push_back({kind, one.prefix, {}, {}, {}});
    if (groups.back().origins.empty() || groups.back().origins.back() != one.origin) {
      groups.back().origins.push_back(one.origin);
    }
  }
  return groups;
}

std::vector<PrefixFinding> find_overlaps(std::vector<AnnouncedPrefix> announced) {
  std::sort(announced.begin(), announced.end());
  const std::vector<PrefixFinding> groups = group_by_prefix(announced, PrefixFinding::Kind::duplicate);
  std::vector<PrefixFinding> findings;
  std::vector<const PrefixFinding*> covering;  // each covers the next, and all the group at hand: parents sort first
  for (const PrefixFinding& group : groups) {
    while (!covering.empty() && !covering.back()->prefix.contains(group.prefix)) covering.pop_back();
    if (group.origins.size() > 1) findings.push_back(group);
    if (!covering.empty()) {
      const PrefixFinding& outer = *covering.back();
      PrefixFinding inner{PrefixFinding::Kind::more_specific, group.prefix, {}, outer.prefix, outer.origins};
      std::set_difference(group.origins.begin(), group.origins.end(), outer.origins.begin(), outer.origins.end(),
                          std::back_inserter(inner.origins));
      if (!inner.origins.empty()) findings.push_back(std::move(inner));
    }
    if (!group.prefix.is_default()) covering.push_back(&group);
  }
  return findings;
}

}  // namespace starling::routing
