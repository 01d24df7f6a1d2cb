// The views of docs/control.md as tables for people, in the manner of birdc and `ip`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace starling::daemon {

// Keys that are missing or null are shown as nothing or "-", so that another version's answer can be read as well.
std::string show_text(std::string_view what, const nlohmann::json& view, bool colour);

}  // namespace starling::daemon
