#include "daemon/control/capture_request.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace starling::daemon {

using nlohmann::json;

namespace {

std::optional<Error> take(const std::string& key, const json& value, bool& into) {
  if (!value.is_boolean()) return Error{fmt::format("`{}` is true or false", key)};
  into = value.get<bool>();
  return std::nullopt;
}

std::optional<Error> take(const std::string& key, const json& value, std::uint32_t& into) {
  constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();
  const bool negative = value.is_number_integer() && !value.is_number_unsigned() && value.get<std::int64_t>() < 0;
  if (!value.is_number_integer() || negative || value.get<std::uint64_t>() > kMax) {
    return Error{fmt::format("`{}` is a number from 0 (no limit) to {}", key, kMax)};
  }
  into = value.get<std::uint32_t>();
  return std::nullopt;
}

}  // namespace

Result<wg::CaptureOptions> capture_options(const json& request) {
  wg::CaptureOptions options;
  for (const auto& [key, value] : request.items()) {
    std::optional<Error> error;
    if (key == "control_only") {
      error = take(key, value, options.control_only);
    } else if (key == "dropped") {
      error = take(key, value, options.dropped);
    } else if (key == "peers") {
      error = take(key, value, options.peers);
    } else if (key == "snap_length") {
      error = take(key, value, options.snap_length);
    } else if (key == "packets") {
      error = take(key, value, options.packets_max);
    } else if (key != "command") {
      error = Error{"a capture has no such key; it has control_only, dropped, peers, snap_length and packets"};
    }
    if (error) return *error;
  }
  return options;
}

}  // namespace starling::daemon
