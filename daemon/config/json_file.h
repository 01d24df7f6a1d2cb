// A JSON file (RFC 8259) as a person wrote it, stricter than the parser is by default: a key that stands twice in one
// object is an error, because one of the two would silently win.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/config/config_error.h"

namespace starling::daemon {

inline constexpr std::size_t kJsonFileSizeMax = std::size_t{64} << 20;  // bytes
inline constexpr std::size_t kJsonDepthMax = 64;  // objects and lists inside one another; who prints them recurses

// Errors: cannot be read, is not JSON (with line and column), duplicate keys, numbers that no type holds, and too deep
// nesting (with their pointers).
Result<nlohmann::json, ConfigErrors> read_json_file(const std::string& path);
// The same for text at hand; `source_name` stands in the errors.
Result<nlohmann::json, ConfigErrors> parse_json_text(std::string_view text, const std::string& source_name);

}  // namespace starling::daemon
