// The name that a node gives itself in its announcement, for people: 1 to kMaxNameSize of a-z, A-Z, 0-9, '.', '_', '-'.
#pragma once

#include <algorithm>
#include <string_view>

#include "routing/limits.h"

namespace starling::routing {

constexpr bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

constexpr bool is_node_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameSize && std::all_of(name.begin(), name.end(), is_name_character);
}

}  // namespace starling::routing
