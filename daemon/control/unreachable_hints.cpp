#include "daemon/control/unreachable_hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace starling::daemon {

namespace {

// {0}: address, {1}: port, {2}: what passes
constexpr auto kHints = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"port", "nobody listens on UDP port {1} of {0}: is WireGuard running there, and is this its `listen_port`?"},
    {"host", "the last router finds no machine with the address {0}: is it on, and is `endpoint` right?"},
    {"network", "a router on the way knows no way to {0}: is `endpoint` right? `traceroute {0}` shows how far it goes"},
    {"prohibited", "a filter on the way refuses it: allow UDP port {1} to {0} there"},
    {"protocol", "{0} does not take UDP at all: is `endpoint` right?"},
    {"loop", "it goes in circles until its hops are used up: `traceroute {0}` shows where"},
    {"fragments_lost", "it was cut to pieces on the way and not all arrived: lower `mtu`, so that none is cut"},
    {"too_big", "{2} pass whole, larger ones are cut to pieces: a lower `mtu` at both ends is quicker"},
    {"other", "it did not arrive, for a reason that has no name"},
});

}  // namespace

std::string unreachable_hint(std::string_view meaning, const Endpoint& endpoint, std::uint32_t mtu) {
  const auto* const found =
      std::find_if(kHints.begin(), kHints.end(), [&](const auto& entry) { return entry.first == meaning; });
  if (found == kHints.end()) return {};
  return fmt::format(fmt::runtime(found->second), endpoint.address.to_string(), endpoint.port,
                     mtu == 0 ? "only smaller datagrams" : fmt::format("outer packets of up to {} bytes", mtu));
}

}  // namespace starling::daemon
