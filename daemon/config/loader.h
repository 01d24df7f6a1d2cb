// From JSON to a Config, or to everything that is wrong with it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/config/config.h"
#include "daemon/config/config_error.h"

namespace starling::daemon {

// Reads and checks a file. A relative private_key_file is looked for beside it.
Result<Config, ConfigErrors> load_config(const std::string& path);

// Checks a document at hand. `source_name` is the file that errors name (and beside which private_key_file is looked
// for); `pointer_prefix` is where in that file the document stands, such as "/nodes/a".
Result<Config, ConfigErrors> parse_config(const nlohmann::json& document, const std::string& source_name,
                                          std::string_view pointer_prefix = "");

}  // namespace starling::daemon
