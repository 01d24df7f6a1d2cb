#include "daemon/control/grey_hints.h"

#include <fmt/format.h>

namespace starling::daemon {

namespace {

std::string size_hint(std::uint64_t carried_bytes) {
  if (carried_bytes == 0)
    return "small packets pass and those of full size do not: lower `mtu` at both ends, or let the underlay carry "
           "larger "
           "ones";
  return fmt::format(
      "packets of up to {0} bytes pass: set \"mtu\": {0} at both ends, or let the underlay carry larger ones",
      carried_bytes);
}

}  // namespace

bool is_about_size(std::string_view reason) {
  return reason == "full_size_lost";
}

std::string grey_hint(std::string_view reason, std::uint64_t carried_bytes) {
  if (is_about_size(reason)) return size_hint(carried_bytes);
  if (reason == "data_lost")
    return "Hellos pass and data does not: look for a filter or shaper on the way that tells them apart (Hellos bear "
           "DSCP CS6)";
  if (reason == "loss_sent")
    return "much of what goes there is lost: look at the line, and for a shaper or an overload";
  if (reason == "loss_received")
    return "much of what comes from there is lost: look at the line, and for a shaper or an overload";
  return {};
}

}  // namespace starling::daemon
