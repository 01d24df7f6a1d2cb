// Traffic in a Network: packets that go hop by hop, each node deciding by what it has installed at that moment.
#include <algorithm>

#include "topologies/lab/sim/network.h"

namespace starling::sim {

namespace {

constexpr std::uint8_t kHopLimit = 255;

// The weight of a next hop for a flow, as the engine has it: the greatest wins (rendezvous hashing), so a flow moves
// only when its own next hop goes.
std::uint64_t flow_weight(std::uint32_t flow_hash, NodeIndex neighbor) {
  std::uint64_t word = (std::uint64_t{neighbor} + 1) * 0x9e3779b97f4a7c15u ^ flow_hash;
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
  word = (word ^ word >> 27) * 0x94d049bb133111ebu;
  return word ^ word >> 31;
}

std::uint32_t hash_of(const IpAddress& source, const IpAddress& destination) {
  Trace hash;
  hash.add(source.bytes());
  hash.add(destination.bytes());
  return static_cast<std::uint32_t>(hash.hash() >> 32);
}

}  // namespace

const char* to_string(Fate fate) {
  switch (fate) {
    case Fate::under_way: return "under way";
    case Fate::delivered: return "delivered";
    case Fate::no_route: return "no route";
    case Fate::lost: return "lost";
    case Fate::filtered: return "filtered";
    case Fate::looped: return "looped";
  }
  return "?";
}

FlowId Network::start_flow(const FlowOptions& options) {
  const auto id = static_cast<FlowId>(flows_.size());
  Flow& flow = flows_.emplace_back();
  flow.options = options;
  flow.route = route_between(options);
  flow.running = true;
  tick(id);
  return id;
}

void Network::stop_flow(FlowId id) {
  if (!std::exchange(flows_[id].running, false)) return;
  flows_[id].record.ended_at = now_;
}

// Packets of theirs that are still under way are forgotten with them.
void Network::clear_flows() {
  const auto is_of_flow = [&](const Scheduled& scheduled) {
    const Arrival::Kind kind = slots_[scheduled.slot].kind;
    const bool found = kind == Arrival::Kind::data || kind == Arrival::Kind::tick;
    if (found) free_slots_.push_back(scheduled.slot);
    return found;
  };
  std::erase_if(schedule_, is_of_flow);
  std::make_heap(schedule_.begin(), schedule_.end(), std::greater<>());
  for (Node& node : nodes_)
    std::erase_if(node.kept, [](const Arrival& arrival) { return arrival.kind == Arrival::Kind::data; });
  flows_.clear();
}

Route Network::route_between(const FlowOptions& options) const {
  Route route;
  route.from = options.from;
  route.to = options.to;
  route.source_address = options.source;
  route.destination_address = options.destination;
  route.flow_hash = hash_of(options.source, options.destination);
  refresh(route);
  return route;
}

void Network::refresh(Route& route) const {
  if (route.prefixes_known == tables_.prefixes().size()) return;
  route.prefixes_known = tables_.prefixes().size();
  route.source = tables_.prefixes().covering(route.source_address);
  route.destination = tables_.prefixes().covering(route.destination_address);
}

void Network::tick(FlowId id) {
  Flow& flow = flows_[id];
  if (!flow.running) return;
  Arrival next;
  next.kind = Arrival::Kind::tick;
  next.flow = id;
  schedule(now_ + flow.options.interval, std::move(next));
  refresh(flow.route);

  Arrival packet;
  packet.kind = Arrival::Kind::data;
  packet.hops_left = kHopLimit;
  packet.flow = id;
  packet.sequence = flow.record.packets.size();
  flow.record.packets.push_back({now_, now_, Fate::under_way});
  const NodeIndex from = flow.options.from;
  if (!running(from) || frozen(from)) return settle(packet, Fate::lost);
  forward(from, kNoPort, packet);
}

void Network::settle(const Arrival& packet, Fate fate) {
  FlowPacket& record = flows_[packet.flow].record.packets[packet.sequence];
  if (record.fate == Fate::delivered) return;  // this is a duplicate's end
  record.fate = fate;
  record.ended_at = now_;
}

void Network::forward(NodeIndex at, Port from, const Arrival& packet) {
  const Flow& flow = flows_[packet.flow];
  if (from != kNoPort && !admits(at, from, flow.route)) return settle(packet, Fate::filtered);
  const Step step = next_step(at, flow.route);
  if (step.fate != Fate::under_way) return settle(packet, step.fate);
  if (packet.hops_left == 0) return settle(packet, Fate::looped);
  PortState& out = nodes_[at].ports[step.port];
  out.watch.on_sent(now_, true);
  out.data_sent_at = now_;
  if (out.watch.next_deadline() < deadlines_.of(at)) deadlines_.set(at, out.watch.next_deadline());
  Channel::Arrivals arrivals;
  if (out.link->up) arrivals = out.out->send(now_, flow.options.size, Precedence::data, random_);
  if (arrivals.count == 0) return settle(packet, Fate::lost);
  for (int i = 0; i < arrivals.count; i++) {
    Arrival next = packet;
    next.hops_left--;
    next.packet.from = at;
    next.packet.to = nodes_[at].neighbors[step.port];
    schedule(arrivals.at[static_cast<std::size_t>(i)], std::move(next));
  }
}

Network::Step Network::next_step(NodeIndex at, const Route& route) const {
  const Node& node = nodes_[at];
  for (const PrefixNumber prefix : route.destination) {
    if (std::binary_search(node.own.begin(), node.own.end(), prefix)) return {Fate::delivered, kNoPort, true};
    if (const Hops* hops = tables_.hops(at, prefix)) {
      const Port port = choose(node, *hops, route.flow_hash);
      return {port == kNoPort ? Fate::no_route : Fate::under_way, port, hops->members.size() <= 1};
    }
  }
  return {};
}

Port Network::choose(const Node& node, const Hops& hops, std::uint32_t flow_hash) const {
  if (hops.members.empty()) return hops.backup;
  const auto lighter = [&](Port a, Port b) {
    return flow_weight(flow_hash, node.neighbors[a]) < flow_weight(flow_hash, node.neighbors[b]);
  };
  return *std::max_element(hops.members.begin(), hops.members.end(), lighter);
}

// The longest prefix that contains the source says who may send it.
bool Network::admits(NodeIndex at, Port from, const Route& route) const {
  for (const PrefixNumber prefix : route.source) {
    if (tables_.knows_source(at, prefix)) return tables_.may_send(at, prefix, from);
  }
  return false;
}

Walk Network::walk(const Route& asked) const {
  Route route = asked;
  refresh(route);
  Walk walk;
  NodeIndex at = route.from;
  Port from = kNoPort;
  for (;;) {
    const bool seen = std::find(walk.nodes.begin(), walk.nodes.end(), at) != walk.nodes.end();
    walk.nodes.push_back(at);
    walk.fate = Fate::looped;
    if (seen) return walk;
    walk.fate = Fate::lost;
    if (!running(at) || frozen(at)) return walk;
    walk.fate = Fate::filtered;
    if (from != kNoPort && !admits(at, from, route)) return walk;
    const Step step = next_step(at, route);
    walk.fate = step.fate;
    walk.unique = walk.unique && step.only_way;
    if (step.fate != Fate::under_way) return walk;
    const PortState& out = nodes_[at].ports[step.port];
    walk.fate = Fate::lost;
    if (!out.link->up || !out.out->open) return walk;
    const NodeIndex next = nodes_[at].neighbors[step.port];
    from = port_to(next, at);
    at = next;
  }
}

}  // namespace starling::sim
