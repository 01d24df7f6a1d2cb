#include "topologies/lab/sim/build.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "daemon/config/loader.h"
#include "daemon/config/router_config.h"

namespace starling::sim {

namespace {

// The parser has checked every configuration of a file; those of generated topologies are right by construction.
daemon::Config config_of(const lab::NodePlan& node) {
  auto config = daemon::parse_config(node.config, node.name);
  if (!config) throw std::invalid_argument(to_string(config.error()));
  return std::move(config).value();
}

Quality quality_of(const std::optional<lab::LinkBehaviour>& behaviour, const Quality& base) {
  if (!behaviour) return base;
  Quality quality = base;
  if (behaviour->delay_us) quality.delay = std::chrono::microseconds(*behaviour->delay_us);
  if (behaviour->jitter_us) quality.jitter = std::chrono::microseconds(*behaviour->jitter_us);
  if (behaviour->loss_permille) quality.loss_permille = *behaviour->loss_permille;
  if (behaviour->duplicate_permille) quality.duplicate_permille = *behaviour->duplicate_permille;
  if (behaviour->reorder_permille) quality.reorder_permille = *behaviour->reorder_permille;
  if (behaviour->rate_kbit) quality.rate_bits_per_s = *behaviour->rate_kbit * 1000;
  if (behaviour->mtu) quality.mtu = *behaviour->mtu;
  return quality;
}

constexpr std::uint64_t kGrantTime_s = 10 * 365 * 86400ull;

// The owner's secret is as made up as the nodes' are.
void grant_everyone(Network& network) {
  std::array<std::uint8_t, kKeySize> secret;
  secret.fill(0x5f);
  const routing::Identity owner = routing::Identity::of_network(SecretKey{Bytes(secret)});
  const auto now_s = static_cast<std::uint64_t>(network.now().wall.time_since_epoch() / std::chrono::seconds(1));
  for (NodeIndex node = 0; node < network.size(); node++) {
    routing::Grant grant;
    grant.holder = network.identity(node).id();
    grant.serial = 1;
    grant.until_s = now_s + kGrantTime_s;
    for (const Prefix& prefix : network.options(node).prefixes)
      grant.rights.push_back({prefix, prefix.length(), prefix.length()});
    const auto sign = [&](Bytes message) { return owner.sign(message); };
    network.set_trust(node, owner.id(), {routing::sign_grant(grant, sign)});
  }
}

}  // namespace

Network build_network(const lab::Topology& topology, const lab::Plan& plan, const BuildOptions& options) {
  Network network(options.seed);
  std::vector<std::vector<Prefix>> connected(topology.nodes.size());
  for (const lab::LinkPlan& link : plan.links)
    for (const lab::LinkEnd& end : {link.a, link.b}) connected[end.node].push_back(end.address.subnet());
  for (std::size_t i = 0; i < topology.nodes.size(); i++) {
    const daemon::Config config = config_of(plan.nodes[i]);
    routing::RouterConfig router = daemon::router_config(config);
    router.connected = connected[i];
    // Its own address comes first (address_of): of the others any may be somebody else's, too.
    const Prefix own = Prefix::host(plan.nodes[i].addresses.front());
    std::stable_partition(router.announced.begin(), router.announced.end(), [&](const Prefix& p) { return p == own; });
    if (options.hello) router.hello = *options.hello;
    network.add_node(std::move(router), config.private_key);
  }
  for (const lab::Link& link : topology.links) {
    const auto [a, b] = std::pair(static_cast<NodeIndex>(link.a), static_cast<NodeIndex>(link.b));
    LinkOptions made;
    made.cost = link.cost;
    network.link(a, b, made);
    network.set_quality(a, b, quality_of(link.there, options.link));
    network.set_quality(b, a, quality_of(link.back, options.link));
  }
  if (options.trust) grant_everyone(network);
  return network;
}

}  // namespace starling::sim
