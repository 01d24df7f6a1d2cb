#include "wg/io/environment.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

namespace starling::wg {
namespace {

std::string_view variable(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? std::string_view() : text;
}

}  // namespace

std::optional<Error> read_environment(BackendConfig& config) {
  const Result<Offloads> offloads = without_offloads(config.offloads, variable("STARLING_WITHOUT"));
  if (!offloads) return Error{"STARLING_WITHOUT: " + offloads.error().message};
  config.offloads = *offloads;
  if (const std::string_view text = variable("STARLING_WORKERS"); !text.empty()) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), config.workers);
    if (error != std::errc{} || end != text.data() + text.size() || config.workers > kWorkersMax) {
      return Error{fmt::format("STARLING_WORKERS={}: must be 0 to {}", text, kWorkersMax)};
    }
  }
  if (const std::string_view text = variable("STARLING_AEAD"); !text.empty()) config.aead = text;
  return std::nullopt;
}

}  // namespace starling::wg
