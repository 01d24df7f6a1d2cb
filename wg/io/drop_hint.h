// What a person can do about packets that plain WireGuard does not carry, in the words of a `wg` configuration.
#pragma once

#include <string_view>

#include "wg/drop_reason.h"

namespace starling::wg {

// Empty where nothing needs doing.
std::string_view drop_hint(DropReason reason);

}  // namespace starling::wg
