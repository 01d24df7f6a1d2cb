// What a person can do about a grey link (routing::GreyReason): said by the event link.grey and by `show neighbors`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace starling::daemon {

// Whether packets of one size pass and those of another do not.
bool is_about_size(std::string_view reason);
// `carried_bytes`: the largest packet inside the tunnel that passes; 0: not known. Empty for a reason that is not
// known.
std::string grey_hint(std::string_view reason, std::uint64_t carried_bytes);

}  // namespace starling::daemon
