// What the underlay said of datagrams that did not arrive, and what a person can do about it, in one line and in the
// words of a `wg` configuration.
#pragma once

#include <string>
#include <string_view>

#include "wg/unreachable.h"

namespace starling::wg {

// `peer` is how the peer is called. Something for every meaning.
std::string describe_unreachable(const Unreachable& what, std::string_view peer);

}  // namespace starling::wg
