// What a person can do about a dropped packet: one table from the name of a reason (wg/drop_reason.h,
// routing/reject_reason.h) to a sentence. A test holds it complete. Names, not enumerators, because whoever reads a
// view or an event has only the name.
#pragma once

#include <string>
#include <string_view>

namespace starling::daemon {

// `endpoint` is where the peer is believed to be, as "192.0.2.1:51820", empty if unknown. Empty for an unknown reason.
std::string drop_hint(std::string_view reason, std::string_view endpoint = {});

}  // namespace starling::daemon
