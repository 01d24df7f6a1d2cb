// What a client of the control socket may say about a capture (docs/control.md), checked.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "wg/io/backend.h"

namespace starling::daemon {

Result<wg::CaptureOptions> capture_options(const nlohmann::json& request);

}  // namespace starling::daemon
