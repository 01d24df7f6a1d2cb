#include "sim/network.h"

#include <sodium.h>

#include <algorithm>
#include <stdexcept>

namespace starling::sim {

using routing::NeighborId;

Network::Network(std::uint64_t seed)
    : random_(seed), verified_(std::make_shared<std::unordered_map<std::string, bool>>()) {}

NodeIndex Network::add_node(const NodeOptions& options) {
  const auto index = static_cast<NodeIndex>(nodes_.size());
  Node node;
  node.options = options;
  if (options.prefixes.empty()) {
    const auto high = static_cast<std::uint8_t>(index / 256);
    const auto low = static_cast<std::uint8_t>(index % 256);
    node.options.prefixes = {Prefix(IpAddress::v4({10, high, low, 0}), 24)};
  }
  std::array<std::uint8_t, kKeySize> secret;
  random_.fill(secret);
  const SecretKey key{Bytes(secret)};
  node.identity = std::make_shared<const routing::Identity>(key);
  crypto_scalarmult_base(node.wireguard_key.bytes.data(), key.bytes().data());
  nodes_.push_back(std::move(node));
  return index;
}

void Network::link(NodeIndex a, NodeIndex b, const LinkOptions& options) {
  links_[ordered(a, b)] = {options, true};
}

void Network::make_twin(NodeIndex node, NodeIndex other) {
  nodes_[node].identity = nodes_[other].identity;
  nodes_[node].wireguard_key = nodes_[other].wireguard_key;
}

void Network::start_all() {
  for (NodeIndex node = 0; node < nodes_.size(); node++) start(node);
}

void Network::start(NodeIndex index) {
  Node& node = nodes_[index];
  routing::RouterConfig config;
  config.id = node.identity->id();
  config.wireguard_key = node.wireguard_key;
  config.name = "n" + std::to_string(index);
  config.transit = node.options.transit;
  config.hello = node.options.hello;
  config.announced = node.options.prefixes;
  node.random = std::make_unique<SeededRandom>(random_.u64());
  const routing::Identity* identity = node.identity.get();
  node.router = std::make_unique<routing::Router>(
      std::move(config), [identity](Bytes message) { return identity->sign(message); }, verifier(), *node.random);
  for (const auto& [ends, link] : links_) {
    if (ends.first != index && ends.second != index) continue;
    const NodeIndex other = ends.first == index ? ends.second : ends.first;
    routing::NeighborConfig neighbor;
    neighbor.wireguard_key = nodes_[other].wireguard_key;
    neighbor.cost = link.options.cost;
    node.router->add_neighbor(clock(node), other, neighbor);
  }
  node.router->start(clock(node));
  drain(index);
}

void Network::stop(NodeIndex index) {
  Node& node = nodes_[index];
  node.router.reset();
  node.groups.clear();
  node.routes.clear();
  node.ingress.clear();
  deadlines_.erase({node.deadline, index});
  node.deadline = kNever;
}

void Network::shut_down(NodeIndex index) {
  nodes_[index].router->shut_down(clock(nodes_[index]));
  drain(index);
  stop(index);
}

void Network::cut(NodeIndex a, NodeIndex b) {
  links_.at(ordered(a, b)).up = false;
}

void Network::restore(NodeIndex a, NodeIndex b) {
  links_.at(ordered(a, b)).up = true;
}

void Network::lose_carrier(NodeIndex a, NodeIndex b) {
  cut(a, b);
  for (const auto& [end, other] : {std::pair(a, b), std::pair(b, a)}) {
    if (!running(end)) continue;
    router(end).on_carrier_lost(clock(nodes_[end]), other);
    drain(end);
  }
}

void Network::set_cost(NodeIndex a, NodeIndex b, routing::Metric cost) {
  links_.at(ordered(a, b)).options.cost = cost;
  for (const auto& [end, other] : {std::pair(a, b), std::pair(b, a)}) {
    if (!running(end)) continue;
    router(end).set_cost(clock(nodes_[end]), other, cost);
    drain(end);
  }
}

void Network::set_prefixes(NodeIndex index, std::vector<Prefix> prefixes) {
  Node& node = nodes_[index];
  node.options.prefixes = std::move(prefixes);
  if (!node.router) return;
  node.router->set_announced(clock(node), node.options.prefixes);
  drain(index);
}

void Network::set_wall_offset(NodeIndex node, Duration offset) {
  nodes_[node].options.wall_offset = offset;
}

void Network::set_quality(std::uint32_t loss_permille, std::uint32_t duplicate_permille, Duration jitter) {
  for (auto& [ends, link] : links_) {
    link.options.loss_permille = loss_permille;
    link.options.duplicate_permille = duplicate_permille;
    link.options.jitter = jitter;
  }
}

void Network::run_for(Duration duration) {
  const Time until = now_ + duration;
  while (true) {
    const Time timer_at = deadlines_.empty() ? kNever : deadlines_.begin()->first;
    const Time packet_at = deliveries_.empty() ? kNever : deliveries_.top().at;
    const Time next = std::min(timer_at, packet_at);
    if (next > until) break;
    step_to(next);
    if (packet_at <= timer_at) {
      deliver();
      continue;
    }
    const NodeIndex index = deadlines_.begin()->second;
    nodes_[index].router->on_timer(clock(nodes_[index]));
    drain(index);
    if (nodes_[index].deadline <= now_) throw std::logic_error("a router asks for the same moment again");
  }
  step_to(until);
}

std::optional<Duration> Network::run_until(const std::function<bool()>& holds, Duration limit, Duration step) {
  for (Duration passed{}; passed <= limit; passed += step) {
    if (holds()) return passed;
    run_for(step);
  }
  return std::nullopt;
}

routing::NeighborState Network::state(NodeIndex node, NodeIndex neighbor) {
  for (const auto& view : router(node).neighbors()) {
    if (view.id == neighbor) return view.state;
  }
  throw std::out_of_range("no such neighbour");
}

std::map<Prefix, Network::Reached> Network::reached(NodeIndex index) const {
  std::map<Prefix, Reached> all;
  const Node& node = nodes_[index];
  for (const auto& [prefix, group] : node.routes)
    all[prefix] = {node.groups.at(group).metric, node.groups.at(group).members};
  return all;
}

bool Network::mirror_is_exact(NodeIndex index) {
  const Node& node = nodes_[index];
  const auto groups = node.router->groups();
  const auto routes = node.router->routes();
  const auto ingress = node.router->ingress();
  const auto same_group = [&](const auto& group) {
    const auto found = node.groups.find(group.id);
    return found != node.groups.end() && found->second == group && !group.members.empty();
  };
  const auto same_route = [&](const auto& route) {
    const auto found = node.routes.find(route.prefix);
    return found != node.routes.end() && found->second == route.group;
  };
  const auto same_ingress = [&](const auto& change) {
    const auto found = node.ingress.find(change.prefix);
    return found != node.ingress.end() && found->second == change.allowed;
  };
  return groups.size() == node.groups.size() && std::all_of(groups.begin(), groups.end(), same_group) &&
         routes.size() == node.routes.size() && std::all_of(routes.begin(), routes.end(), same_route) &&
         ingress.size() == node.ingress.size() && std::all_of(ingress.begin(), ingress.end(), same_ingress);
}

void Network::inject(NodeIndex to, NodeIndex from, Bytes bytes) {
  router(to).on_packet(clock(nodes_[to]), from, bytes);
  drain(to);
}

routing::VerifyFunction Network::verifier() const {
  return [memory = verified_](const routing::NodeId& signer, Bytes message, const routing::Signature& signature) {
    std::string key(signer.bytes.begin(), signer.bytes.end());
    key.append(signature.bytes.begin(), signature.bytes.end());
    key.append(message.begin(), message.end());
    const auto [at, is_new] = memory->try_emplace(std::move(key), false);
    if (is_new) at->second = routing::verify_signature(signer, message, signature);
    return at->second;
  };
}

Now Network::clock(const Node& node) const {
  Now result = now();
  result.wall += node.options.wall_offset;
  return result;
}

void Network::step_to(Time at) {
  if (extra_calls_) call_extra_timers(at);
  now_ = at;
}

// Strictly between now and the next event, where no deadline lies.
void Network::call_extra_timers(Time until) {
  if (until - now_ < Duration(2)) return;
  const Time before = now_;
  now_ += Duration(
      1 + static_cast<Duration::rep>(extra_calls_->below(static_cast<std::uint64_t>((until - now_).count() - 1))));
  const auto index = static_cast<NodeIndex>(extra_calls_->below(nodes_.size()));
  if (running(index)) {
    router(index).on_timer(clock(nodes_[index]));
    drain(index);
  }
  now_ = std::max(before, now_);
}

void Network::deliver() {
  const InFlight packet = deliveries_.top().packet;
  deliveries_.pop();
  if (!running(packet.to) || !links_.at(ordered(packet.from, packet.to)).up) return;
  trace(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  trace(packet.bytes);
  inject(packet.to, packet.from, packet.bytes);
}

void Network::drain(NodeIndex index) {
  Node& node = nodes_[index];
  routing::RouterOutbox outbox = std::move(node.router->outbox());
  node.router->outbox().clear();
  apply(node, outbox);
  for (const routing::Event& event : outbox.events) {
    trace(static_cast<std::uint64_t>(event.kind));
    trace(event.sequence ^ static_cast<std::uint64_t>(event.at.time_since_epoch().count()));
    if (on_event) on_event(index, event);
  }
  for (auto& packet : outbox.packets) send({index, packet.neighbor, std::move(packet.bytes)});
  deadlines_.erase({node.deadline, index});
  node.deadline = node.router->next_deadline();
  if (node.deadline != kNever) deadlines_.insert({node.deadline, index});
}

void Network::apply(Node& node, const routing::RouterOutbox& outbox) {
  for (const auto& group : outbox.routes.groups) node.groups[group.id] = group;
  for (const auto& route : outbox.routes.routes) node.routes[route.prefix] = route.group;
  for (const Prefix& prefix : outbox.routes.removed_routes) node.routes.erase(prefix);
  for (const std::uint32_t id : outbox.routes.removed_groups) node.groups.erase(id);
  for (const auto& change : outbox.ingress) {
    if (change.removed) {
      node.ingress.erase(change.prefix);
    } else {
      node.ingress[change.prefix] = change.allowed;
    }
  }
}

void Network::send(InFlight packet) {
  if (packet.bytes.size() > routing::kMaxPacketSize) throw std::logic_error("a packet is too large");
  if (on_send && !on_send(packet)) return;
  const auto found = links_.find(ordered(packet.from, packet.to));
  if (found == links_.end() || !found->second.up) return;
  const LinkOptions& options = found->second.options;
  if (random_.below(1000) < options.loss_permille) return;
  const int copies = random_.below(1000) < options.duplicate_permille ? 2 : 1;
  for (int i = 0; i < copies; i++) {
    const auto extra = random_.below(static_cast<std::uint64_t>(options.jitter.count()) + 1);
    const Time at = now_ + options.delay + Duration(static_cast<Duration::rep>(extra));
    deliveries_.push({at, deliveries_made_++, packet});
  }
}

void Network::trace(std::uint64_t value) {
  for (int i = 0; i < 8; i++) trace_ = (trace_ ^ (value >> (8 * i) & 0xff)) * 0x100000001b3u;
}

void Network::trace(Bytes bytes) {
  for (const std::uint8_t byte : bytes) trace_ = (trace_ ^ byte) * 0x100000001b3u;
}

}  // namespace starling::sim
