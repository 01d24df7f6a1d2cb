#include "topologies/lab/sim/network.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

#include "routing/lsa_pool.h"
#include "topologies/lab/sim/signature_memory.h"

namespace starling::sim {

namespace {

PublicKey public_key_of(const SecretKey& key) {
  PublicKey result;
  if (crypto_scalarmult_base(result.bytes.data(), key.bytes().data()) != 0)
    throw std::logic_error("libsodium refuses to derive a public key");
  return result;
}

Quality quality_of(const LinkOptions& options) {
  Quality quality;
  quality.delay = options.delay;
  quality.jitter = options.jitter;
  quality.loss_permille = options.loss_permille;
  quality.duplicate_permille = options.duplicate_permille;
  return quality;
}

}  // namespace

Network::Network(std::uint64_t seed) : random_(seed) {
  verifier_ = [memory = std::make_shared<SignatureMemory>()](const routing::NodeId& signer, Bytes message,
                                                             const routing::Signature& signature) {
    return memory->verify(signer, message, signature);
  };
  admit_ = [pool = std::make_shared<routing::LsaPool>(verifier_)](const routing::ReceivedLsa& received) {
    return (*pool)(received);
  };
}

NodeIndex Network::add_node(const NodeOptions& options) {
  const auto index = static_cast<NodeIndex>(nodes_.size());
  routing::RouterConfig config;
  config.name = "n" + std::to_string(index);
  config.transit = options.transit;
  config.hello = options.hello;
  config.announced = options.prefixes;
  if (config.announced.empty()) {
    const auto high = static_cast<std::uint8_t>(index / 256);
    const auto low = static_cast<std::uint8_t>(index % 256);
    config.announced = {Prefix(IpAddress::v4({10, high, low, 0}), 24)};
  }
  std::array<std::uint8_t, kKeySize> secret;
  random_.fill(secret);
  add_node(std::move(config), SecretKey{Bytes(secret)});
  nodes_.back().options.wall_offset = options.wall_offset;
  return index;
}

NodeIndex Network::add_node(routing::RouterConfig config, const SecretKey& key) {
  const auto index = static_cast<NodeIndex>(nodes_.size());
  Node& node = nodes_.emplace_back();
  node.identity = std::make_shared<const routing::Identity>(key);
  config.id = node.identity->id();
  config.wireguard_key = public_key_of(key);
  node.options = {config.transit, config.announced, config.hello, {}};
  node.config = std::move(config);
  learn_grants(node.config.grants);
  learn_prefixes(node);
  tables_.add_node();
  deadlines_.add();
  return index;
}

void Network::learn_prefixes(Node& node) {
  node.own.clear();
  for (const Prefix& prefix : node.options.prefixes) node.own.push_back(tables_.prefixes().number_of(prefix));
  std::sort(node.own.begin(), node.own.end());
}

void Network::link(NodeIndex a, NodeIndex b, const LinkOptions& options) {
  const bool is_new = !links_.contains(ordered(a, b));
  Link& link = links_[ordered(a, b)];
  link.options = options;
  link.up = true;
  link.there.quality = link.back.quality = quality_of(options);
  if (!is_new) return;
  add_port(a, b);
  add_port(b, a);
}

void Network::add_port(NodeIndex index, NodeIndex neighbor) {
  Node& node = nodes_[index];
  if (node.router) throw std::logic_error("a link is made before its ends start");
  const auto at = std::lower_bound(node.neighbors.begin(), node.neighbors.end(), neighbor);
  const auto position = at - node.neighbors.begin();
  node.neighbors.insert(at, neighbor);
  const PortState port{&channel_of(index, neighbor), &channel_of(neighbor, index), &link_of(index, neighbor), {}, {}};
  node.ports.insert(node.ports.begin() + position, port);
}

Channel& Network::channel_of(NodeIndex from, NodeIndex to) {
  Link& link = link_of(from, to);
  return from < to ? link.there : link.back;
}

const Channel& Network::channel(NodeIndex from, NodeIndex to) const {
  const Link& link = links_.at(ordered(from, to));
  return from < to ? link.there : link.back;
}

Port Network::port_to(NodeIndex index, NodeIndex neighbor) const {
  const std::vector<NodeIndex>& neighbors = nodes_[index].neighbors;
  const auto at = std::lower_bound(neighbors.begin(), neighbors.end(), neighbor);
  return at != neighbors.end() && *at == neighbor ? static_cast<Port>(at - neighbors.begin()) : kNoPort;
}

void Network::make_twin(NodeIndex node, NodeIndex other) {
  nodes_[node].identity = nodes_[other].identity;
  nodes_[node].config.id = nodes_[other].config.id;
  nodes_[node].config.wireguard_key = nodes_[other].config.wireguard_key;
}

void Network::start_all() {
  for (NodeIndex node = 0; node < nodes_.size(); node++) start(node);
}

void Network::start(NodeIndex index) {
  Node& node = nodes_[index];
  if (on_start) on_start(index);
  routing::RouterConfig config = node.config;
  config.announced = node.options.prefixes;
  config.events = events;
  config.expected_nodes = nodes_.size();
  config.hello_phase =
      Duration(static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(config.hello.interval.count()))));
  node.random = std::make_unique<SeededRandom>(random_.u64());
  const routing::Identity* identity = node.identity.get();
  node.router = std::make_unique<routing::Router>(
      std::move(config), [identity](Bytes message) { return identity->sign(message); }, verifier_, *node.random,
      admit_);
  for (std::size_t i = 0; i < node.neighbors.size(); i++) {
    routing::NeighborConfig neighbor;
    neighbor.wireguard_key = nodes_[node.neighbors[i]].config.wireguard_key;
    if (node.config.metric == routing::MetricMode::fixed) neighbor.cost = node.ports[i].link->options.cost;
    node.router->add_neighbor(clock(node), node.neighbors[i], neighbor);
  }
  node.router->start(clock(node));
  drain(index);
}

void Network::stop(NodeIndex index) {
  Node& node = nodes_[index];
  node.router.reset();
  node.router_deadline = kNever;
  node.frozen = false;
  node.kept.clear();
  for (PortState& port : node.ports) port.watch = {};
  tables_.clear(index);
  deadlines_.set(index, kNever);
}

void Network::shut_down(NodeIndex index) {
  nodes_[index].router->shut_down(clock(nodes_[index]));
  drain(index);
  stop(index);
}

void Network::freeze(NodeIndex index) {
  nodes_[index].frozen = true;
  deadlines_.set(index, kNever);
}

void Network::thaw(NodeIndex index) {
  Node& node = nodes_[index];
  if (!std::exchange(node.frozen, false) || !node.router) return;
  for (Arrival& arrival : std::exchange(node.kept, {})) receive(arrival);
  rearm(index);
}

void Network::cut(NodeIndex a, NodeIndex b) {
  link_of(a, b).up = false;
}

void Network::restore(NodeIndex a, NodeIndex b) {
  link_of(a, b).up = true;
}

void Network::lose_carrier(NodeIndex a, NodeIndex b) {
  cut(a, b);
  for (const auto& [end, other] : {std::pair(a, b), std::pair(b, a)}) {
    if (!running(end)) continue;
    router(end).on_carrier_lost(clock(nodes_[end]), other);
    drain(end);
  }
}

void Network::set_open(NodeIndex from, NodeIndex to, bool open) {
  channel_of(from, to).open = open;
}

void Network::clog(NodeIndex from, NodeIndex to, Duration duration) {
  channel_of(from, to).clogged_until = now_ + duration;
}

void Network::set_quality(NodeIndex from, NodeIndex to, const Quality& quality) {
  channel_of(from, to).quality = quality;
}

void Network::set_quality(std::uint32_t loss_permille, std::uint32_t duplicate_permille, Duration jitter) {
  for (auto& [ends, link] : links_) {
    for (Channel* channel : {&link.there, &link.back}) {
      channel->quality.loss_permille = loss_permille;
      channel->quality.duplicate_permille = duplicate_permille;
      channel->quality.jitter = jitter;
    }
  }
}

void Network::set_cost(NodeIndex a, NodeIndex b, routing::Metric cost) {
  link_of(a, b).options.cost = cost;
  for (const auto& [end, other] : {std::pair(a, b), std::pair(b, a)}) {
    if (!running(end)) continue;
    router(end).set_cost(clock(nodes_[end]), other, cost);
    drain(end);
  }
}

void Network::set_prefixes(NodeIndex index, std::vector<Prefix> prefixes) {
  Node& node = nodes_[index];
  node.options.prefixes = std::move(prefixes);
  learn_prefixes(node);
  if (!node.router) return;
  node.router->set_announced(clock(node), node.options.prefixes);
  drain(index);
}

void Network::set_drained(NodeIndex index, bool drained) {
  Node& node = nodes_[index];
  if (!node.router) return;
  node.router->set_drained(clock(node), drained);
  drain(index);
}

void Network::set_trust(NodeIndex node, std::optional<routing::NodeId> network_key,
                        std::vector<routing::LsaHandle> grants) {
  learn_grants(grants);
  nodes_[node].config.network_key = network_key;
  nodes_[node].config.grants = std::move(grants);
}

void Network::learn_grants(const std::vector<routing::LsaHandle>& grants) {
  for (const routing::LsaHandle& lsa : grants) {
    const auto grant = routing::decode_grant(lsa->header(), lsa->body());
    if (!grant) continue;
    const auto [known, is_new] = grants_.try_emplace(grant->holder, *grant);
    if (!is_new && known->second.serial < grant->serial) known->second = *grant;
  }
}

bool Network::may_announce(NodeIndex node, const Prefix& prefix) const {
  if (!nodes_[node].config.network_key) return true;
  const auto grant = grants_.find(nodes_[node].config.id);
  return grant != grants_.end() && grant->second.allows(prefix);
}

bool Network::add_grant(NodeIndex node, const routing::LsaHandle& grant) {
  const bool taken = router(node).add_grant(clock(nodes_[node]), grant);
  drain(node);
  return taken;
}

void Network::set_wall_offset(NodeIndex node, Duration offset) {
  nodes_[node].options.wall_offset = offset;
}

routing::NeighborView Network::view(NodeIndex node, NodeIndex neighbor) const {
  for (routing::NeighborView& view : router(node).neighbors()) {
    if (view.id == neighbor) return std::move(view);
  }
  throw std::out_of_range("no such neighbour");
}

std::map<Prefix, Network::Reached> Network::reached(NodeIndex index) const {
  std::map<Prefix, Reached> all;
  tables_.each_route(index, [&](PrefixNumber prefix, const Hops& hops) {
    Reached& reached = all[tables_.prefixes().at(prefix)];
    reached.metric = hops.metric;
    for (const Port port : hops.members) reached.hops.push_back(nodes_[index].neighbors[port]);
  });
  return all;
}

bool Network::mirror_is_exact(NodeIndex index) const {
  return tables_.is_exact(index, nodes_[index].neighbors, *nodes_[index].router);
}

routing::VerifyFunction Network::verifier() const {
  return verifier_;
}

Now Network::clock(const Node& node) const {
  Now result = now();
  result.wall += node.options.wall_offset;
  return result;
}

}  // namespace starling::sim
