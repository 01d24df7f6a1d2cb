#include "wg/io/offloads.h"

#include <fmt/format.h>

#include <algorithm>

namespace starling::wg {
namespace {

std::string all_names() {
  std::string names;
  for (const OffloadName& offload : kOffloadNames) names += std::string(offload.name) + ", ";
  return names + "or all";
}

}  // namespace

Result<Offloads> without_offloads(Offloads offloads, std::string_view list) {
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    const std::string_view name = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const auto* const known = std::find_if(kOffloadNames.begin(), kOffloadNames.end(),
                                           [&](const OffloadName& offload) { return offload.name == name; });
    if (known != kOffloadNames.end()) {
      offloads.*known->flag = false;
    } else if (name == "all") {
      for (const OffloadName& offload : kOffloadNames) offloads.*offload.flag = false;
    } else {
      return Error{fmt::format("offload '{}': must be one of {}", name, all_names())};
    }
  }
  return offloads;
}

}  // namespace starling::wg
