#include <fmt/format.h>

#include <algorithm>

#include "base/date.h"
#include "base/system.h"
#include "daemon/cli/commands.h"
#include "daemon/cli/output.h"
#include "daemon/config/loader.h"
#include "routing/grant.h"
#include "routing/identity.h"

namespace starling::daemon {

namespace {

std::string counted(std::size_t count, const char* one, const char* many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

// With a network key: until when this node is a member of its network.
std::string membership(const Config& config) {
  const routing::NodeId self = routing::Identity(config.private_key).id();
  for (const routing::LsaHandle& lsa : config.grants) {
    const auto grant = routing::decode_grant(lsa->header(), lsa->body());
    if (!grant || grant->holder != self) continue;
    if (grant->revoked) return ", its membership revoked";
    return fmt::format(", a member {} {}", grant->ended(system_now().wall) ? "no more since" : "until",
                       date_text(grant->until_s));
  }
  return ", without a grant of its own";
}

std::string summary(const Config& config) {
  const auto stock = static_cast<std::size_t>(
      std::count_if(config.peers.begin(), config.peers.end(), [](const PeerEntry& peer) { return !peer.routing; }));
  std::string text = fmt::format("node {} on {}, ", config.name, config.interface);
  text += config.listen_port == 0 ? std::string("any port") : fmt::format("port {}", config.listen_port);
  text += ", " + counted(config.peers.size(), "peer", "peers");
  if (stock > 0) text += fmt::format(" ({} stock WireGuard)", stock);
  text += ", " + counted(config.addresses.size(), "address", "addresses");
  if (!config.announce.empty()) text += ", " + counted(config.announce.size(), "further prefix", "further prefixes");
  if (config.network_key) text += membership(config);
  if (!config.transit)
    text += ", no transit";
  else if (!config.transit_fast_path)
    text += ", transit through the kernel";
  for (const wg::OffloadName& offload : wg::kOffloadNames)
    if (!(config.offloads.*offload.flag)) text += fmt::format(", without {}", offload.name);
  if (config.workers > 0) text += ", " + counted(config.workers, "worker", "workers");
  if (config.nice) text += fmt::format(", nice {}", *config.nice);
  return text;
}

}  // namespace

int run_check(const std::string& file) {
  const Result<Config, ConfigErrors> config = load_config(file);
  if (!config) {
    for (const ConfigError& error : config.error()) print_error(to_string(error));
    return kExitUsage;
  }
  print(fmt::format("{}: ok\n  {}\n", file, summary(*config)));
  return kExitOk;
}

}  // namespace starling::daemon
