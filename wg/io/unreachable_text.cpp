#include "wg/io/unreachable_text.h"

#include <fmt/format.h>

namespace starling::wg {
namespace {

std::string what_it_means(const Unreachable& what) {
  const std::string address = what.endpoint.address.to_string();
  switch (what.meaning) {
    case UnreachableMeaning::port:
      return fmt::format(
          "nobody listens on UDP port {} of {}: is WireGuard up there, with this ListenPort, and the Endpoint right?",
          what.endpoint.port, address);
    case UnreachableMeaning::host:
      return fmt::format("the last router finds no machine with the address {}: is it on, and the Endpoint right?",
                         address);
    case UnreachableMeaning::network:
      return fmt::format("a router on the way knows no way to {}: is the Endpoint right? See `traceroute {}`", address,
                         address);
    case UnreachableMeaning::prohibited:
      return fmt::format("a filter on the way refuses it: allow UDP port {} to {} there", what.endpoint.port, address);
    case UnreachableMeaning::protocol: return fmt::format("{} does not speak UDP: is the Endpoint right?", address);
    case UnreachableMeaning::loop:
      return fmt::format("it went in circles until its hops were used up: see `traceroute {}`", address);
    case UnreachableMeaning::fragments_lost:
      return "it was cut to pieces on the way, and not all arrived: a smaller MTU of the tunnel, so that none is cut";
    case UnreachableMeaning::too_big:
      return fmt::format(
          "a link on the way carries {}, larger ones are cut to pieces: a smaller MTU of the tunnel is "
          "quicker",
          what.mtu == 0 ? "less" : fmt::format("packets of {} bytes", what.mtu));
    case UnreachableMeaning::other:
    case UnreachableMeaning::count_: break;
  }
  return "it did not arrive, for a reason that has no name";
}

}  // namespace

std::string describe_unreachable(const Unreachable& what, std::string_view peer) {
  const std::string from = what.from ? what.from->to_string() : "someone";
  return fmt::format("{} says of a datagram to {} at {}: {}", from, peer, what.endpoint.to_string(),
                     what_it_means(what));
}

}  // namespace starling::wg
