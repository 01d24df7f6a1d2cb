// What happened to packets that were not carried, and what a person can do about it, in one line and in the words of a
// `wg` configuration: the reason (wg/drop_reason.h) with the addresses and the peer that it concerns.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "wg/io/backend.h"

namespace starling::wg {

// `peer` is how the peer is called; not looked at where the report names none. `endpoint` is where the peer is believed
// to be. Something for every reason.
std::string describe_drop(const DropReport& report, std::string_view peer, const std::optional<Endpoint>& endpoint);

}  // namespace starling::wg
