// How time passes in a Network: what arrives, which deadlines come, and what the Routers then want sent.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "routing/messages.h"
#include "topologies/lab/sim/network.h"

namespace starling::sim {

namespace {

constexpr std::size_t kInnerHeaders = 48;       // bytes of IPv6 and UDP around a control packet's payload
constexpr std::size_t kKeepaliveSize = 0;       // bytes of an inner packet that is none
constexpr std::size_t kKeptMax = 1024;          // packets that a frozen node finds when it thaws
constexpr std::uint64_t kPulseInterval = 4096;  // happenings

void count_sent(Sent& sent, Bytes packet) {
  const auto type = static_cast<routing::MessageType>(packet[1]);
  const bool is_hello = type == routing::MessageType::hello || type == routing::MessageType::path_probe ||
                        type == routing::MessageType::path_answer;
  (is_hello ? sent.hellos : sent.others)++;
  (is_hello ? sent.hello_bytes : sent.other_bytes) += packet.size();
}

}  // namespace

void Network::run_to(Time until) {
  for (;;) {
    const Time timer_at = deadlines_.first_at();
    const Time arrival_at = schedule_.empty() ? kNever : schedule_.front().at;
    const Time next = std::max(now_, std::min(timer_at, arrival_at));  // who was frozen is late
    if (next > until) break;
    step_to(next);
    if (arrival_at <= timer_at) {
      arrive();
    } else {
      on_deadline(deadlines_.first());
    }
    if (++happenings_ % kPulseInterval == 0 && on_pulse) on_pulse();
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
  if (running(index) && !frozen(index)) {
    router(index).on_timer(clock(nodes_[index]));
    drain(index);
  }
  now_ = std::max(before, now_);
}

void Network::schedule(Time at, Arrival arrival) {
  const NodeIndex node = arrival.packet.to;
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(std::move(arrival));
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
    slots_[slot] = std::move(arrival);
  }
  schedule_.push_back({at, scheduled_++, slot, node});
  std::push_heap(schedule_.begin(), schedule_.end(), std::greater<>());
}

void Network::arrive() {
  std::pop_heap(schedule_.begin(), schedule_.end(), std::greater<>());
  const std::uint32_t slot = schedule_.back().slot;
  schedule_.pop_back();
  Arrival arrival = std::move(slots_[slot]);
  free_slots_.push_back(slot);
  if (arrival.kind == Arrival::Kind::tick) return tick(arrival.flow);
  const InFlight& packet = arrival.packet;
  Node& node = nodes_[packet.to];
  const PortState& port = node.ports[port_to(packet.to, packet.from)];
  if (!node.router || !port.link->up || !port.in->open) {
    if (arrival.kind == Arrival::Kind::data) settle(arrival, Fate::lost);
    return;
  }
  arrivals_made_++;
  if (!node.frozen) return receive(arrival);
  if (node.kept.size() < kKeptMax) {
    node.kept.push_back(std::move(arrival));
  } else if (arrival.kind == Arrival::Kind::data) {
    settle(arrival, Fate::lost);
  }
}

void Network::receive(Arrival& arrival) {
  const auto [from, to] = std::pair(arrival.packet.from, arrival.packet.to);
  const Port port = port_to(to, from);
  trace_.add(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  trace_.add(std::uint64_t{from} << 32 | to);
  switch (arrival.kind) {
    case Arrival::Kind::control:
      trace_.add(Bytes(arrival.packet.bytes));
      inject(to, from, arrival.packet.bytes);
      break;
    case Arrival::Kind::keepalive: hear(to, port, false); break;
    case Arrival::Kind::data:
      hear(to, port, true);
      forward(to, port, arrival);
      break;
    case Arrival::Kind::tick: break;
  }
}

// As the engine does: the Router is told if traffic was missed.
void Network::hear(NodeIndex index, Port port, bool data) {
  Node& node = nodes_[index];
  TrafficWatch& watch = node.ports[port].watch;
  const bool ends_silence = watch.on_received(now_, data);
  if (watch.next_deadline() < deadlines_.of(index)) deadlines_.set(index, watch.next_deadline());
  if (!ends_silence) return;
  node.router->on_heard(clock(node), node.neighbors[port]);
  drain(index);
}

void Network::inject(NodeIndex to, NodeIndex from, Bytes bytes) {
  router(to).on_packet(clock(nodes_[to]), from, bytes);
  drain(to);
}

// The node's earliest deadline may have moved since it was put down: then nothing is due, and it is put down anew.
void Network::on_deadline(NodeIndex index) {
  Node& node = nodes_[index];
  if (node.router_deadline <= now_) {
    if (node.router->next_judgement() <= now_) tell_heard(node);
    node.router->on_timer(clock(node));
    drain(index);
    if (node.router_deadline <= now_) throw std::logic_error("a router asks for the same moment again");
  }
  judge_traffic(index);
  rearm(index);
}

// Before a timeout is judged, as the engine does.
void Network::tell_heard(Node& node) {
  for (std::size_t i = 0; i < node.ports.size(); i++) {
    const Now now = clock(node);
    const std::optional<Time> heard = node.ports[i].watch.take_heard();
    if (heard) node.router->on_heard({*heard, now.wall}, node.neighbors[i]);
  }
}

void Network::judge_traffic(NodeIndex index) {
  Node& node = nodes_[index];
  for (std::size_t i = 0; i < node.ports.size(); i++) {
    TrafficWatch& watch = node.ports[i].watch;
    while (watch.next_deadline() <= now_) {
      const TrafficWatch::Notice notice = watch.on_timer(now_);
      if (notice == TrafficWatch::Notice::owed) send_keepalive(index, static_cast<Port>(i));
      if (notice != TrafficWatch::Notice::quiet) continue;
      node.router->on_quiet(clock(node), node.neighbors[i]);
      drain(index);
    }
  }
}

void Network::rearm(NodeIndex index) {
  const Node& node = nodes_[index];
  if (node.frozen || !node.router) return deadlines_.set(index, kNever);
  Time at = node.router_deadline;
  for (const PortState& port : node.ports) at = std::min(at, port.watch.next_deadline());
  deadlines_.set(index, at);
}

void Network::drain(NodeIndex index) {
  Node& node = nodes_[index];
  std::swap(outbox_, node.router->outbox());
  node.router->outbox().clear();
  routing::RouterOutbox outbox = std::exchange(outbox_, {});
  tables_.apply(index, node.neighbors, outbox);
  for (const routing::Event& event : outbox.events) {
    trace_.add(static_cast<std::uint64_t>(event.kind));
    trace_.add(event.sequence ^ static_cast<std::uint64_t>(event.at.time_since_epoch().count()));
    if (on_event) on_event(index, event);
  }
  if (on_call) on_call(index, outbox);
  for (auto& packet : outbox.packets) send_control(index, std::move(packet));
  node.router_deadline = node.router->next_deadline();
  rearm(index);
  outbox.clear();
  outbox_ = std::move(outbox);
}

void Network::send_control(NodeIndex from, routing::RouterOutbox::Packet packet) {
  InFlight in_flight{from, packet.neighbor, std::move(packet.bytes)};
  const bool as_data = packet.as_data;
  if (in_flight.bytes.size() > (as_data ? routing::kMaxProbePacketSize : routing::kMaxPacketSize))
    throw std::logic_error("a packet is too large");
  count_sent(nodes_[from].sent, in_flight.bytes);
  if (on_send && !on_send(in_flight)) return;
  const Port port = port_to(from, in_flight.to);
  if (port == kNoPort) return;
  const PortState& state = nodes_[from].ports[port];
  if (!state.link->up) return;
  const Precedence precedence = as_data ? Precedence::data : Precedence::control;
  const auto arrivals = state.out->send(now_, in_flight.bytes.size() + kInnerHeaders, precedence, random_);
  for (int i = 0; i < arrivals.count; i++) {
    Arrival arrival;
    arrival.packet = i + 1 < arrivals.count ? in_flight : std::move(in_flight);
    schedule(arrivals.at[static_cast<std::size_t>(i)], std::move(arrival));
  }
}

void Network::send_keepalive(NodeIndex from, Port port) {
  PortState& state = nodes_[from].ports[port];
  state.watch.on_sent(now_, false);
  if (!state.link->up) return;
  const auto arrivals = state.out->send(now_, kKeepaliveSize, Precedence::data, random_);
  for (int i = 0; i < arrivals.count; i++) {
    Arrival arrival;
    arrival.kind = Arrival::Kind::keepalive;
    arrival.packet.from = from;
    arrival.packet.to = nodes_[from].neighbors[port];
    schedule(arrivals.at[static_cast<std::size_t>(i)], std::move(arrival));
  }
}

}  // namespace starling::sim
