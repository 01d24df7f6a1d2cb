// A router that gets no processor looks dead to its neighbours: the daemon asks the kernel for more than its share.
#pragma once

#include <optional>

#include "base/result.h"

namespace starling::daemon {

// nice(2): of the calling thread and of all that it starts later. Without a wish (`wanted`) it is kNiceDefault, unless
// whoever started this process chose another than 0. Called before privileges are dropped. Nothing, or why it stays.
std::optional<Error> set_priority(std::optional<int> wanted);

}  // namespace starling::daemon
