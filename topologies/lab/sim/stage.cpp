#include "topologies/lab/sim/stage.h"

#include <algorithm>
#include <set>

namespace starling::sim {

namespace {

constexpr Duration kStep = std::chrono::milliseconds(5);
constexpr Duration kQuiet = std::chrono::milliseconds(20);      // without a change: worth asking whether all is right
constexpr Duration kPatience = std::chrono::milliseconds(200);  // before asking again what was wrong
constexpr std::size_t kDestinationsPerNode = 40'000;            // looked at while waiting, divided by the nodes
constexpr std::size_t kSources = 128;                           // from which packets are sent to each of them
constexpr std::size_t kThoroughPairs = 1'200'000;               // walked in the end
constexpr std::size_t kWanderMax = 6;                           // links
constexpr std::size_t kTriesPerPair = 40;

}  // namespace

Stage::Stage(Network network, std::uint64_t seed, std::function<void()> pulse)
    : network_(std::move(network)), random_(seed), meter_(network_), safety_(network_) {
  network_.on_pulse = std::move(pulse);
  network_.on_start = [this](NodeIndex node) { safety_.on_start(node); };
  network_.on_event = [this](NodeIndex node, const routing::Event& event) { safety_.on_event(node, event); };
  network_.on_call = [this](NodeIndex node, const routing::RouterOutbox& outbox) {
    safety_.on_call(node, outbox);
    meter_.on_call(node, outbox);
  };
}

void Stage::start_all(Duration spread) {
  std::vector<std::pair<Duration, NodeIndex>> order;
  for (NodeIndex node = 0; node < network_.size(); node++)
    order.emplace_back(Duration(static_cast<Duration::rep>(random_.below(static_cast<std::uint64_t>(spread.count())))),
                       node);
  std::sort(order.begin(), order.end());
  const Time begin = now();
  for (const auto& [after, node] : order) {
    network_.run_to(begin + after);
    network_.start(node);
  }
}

bool Stage::await_convergence(Duration limit) {
  const Time end = now() + limit;
  const std::size_t destinations = std::max<std::size_t>(4, kDestinationsPerNode / network_.size());
  Time ask_at = now();
  fault_ = "not every neighbour that is gone was noticed";
  while (now() < end) {
    if (now() >= ask_at && meter_.all_noticed() && now() - meter_.newest_change() >= kQuiet) {
      fault_ = RouteOracle(network_).find_fault(destinations, kSources);
      if (fault_.empty()) return true;
      ask_at = now() + kPatience;
    }
    network_.run_for(kStep);
  }
  return false;
}

std::string Stage::find_fault_thoroughly() const {
  const std::size_t size = network_.size();
  for (NodeIndex node = 0; node < size; node++) {
    const bool looked_at = size <= kNodesWithEvents || node % 64 == 0;
    if (looked_at && network_.running(node) && !network_.mirror_is_exact(node))
      return network_.name(node) + ": has installed something else than its Router says";
  }
  return RouteOracle(network_).find_fault(std::max<std::size_t>(64, kThoroughPairs / size));
}

NodeIndex Stage::wander(NodeIndex from) {
  for (std::size_t steps = random_.below(kWanderMax + 1); steps > 0; steps--) {
    const auto neighbors = network_.neighbors(from);
    if (neighbors.empty()) break;
    from = neighbors[random_.below(neighbors.size())];
  }
  return from;
}

std::vector<Route> Stage::pairs_over(NodeIndex a, std::optional<NodeIndex> b, std::size_t count) {
  std::vector<Route> pairs;
  std::set<std::pair<NodeIndex, NodeIndex>> known;
  const auto passes = [&](const std::vector<NodeIndex>& nodes) {
    for (std::size_t i = 0; i + 1 < nodes.size(); i++) {
      if (b ? (nodes[i] == a && nodes[i + 1] == *b) || (nodes[i] == *b && nodes[i + 1] == a) : i > 0 && nodes[i] == a)
        return true;
    }
    return false;
  };
  for (std::size_t tries = 0; tries < count * kTriesPerPair && pairs.size() < count; tries++) {
    const NodeIndex from = wander(a);
    const NodeIndex to = wander(b.value_or(a));
    if (from == to || !network_.running(from) || !network_.running(to) || known.contains({from, to})) continue;
    FlowOptions flow;
    flow.from = from;
    flow.to = to;
    flow.source = address_of(network_, from);
    flow.destination = address_of(network_, to);
    Route route = network_.route_between(flow);
    const Walk walk = network_.walk(route);
    if (walk.fate != Fate::delivered || !passes(walk.nodes)) continue;
    known.insert({from, to});
    pairs.push_back(std::move(route));
  }
  return pairs;
}

}  // namespace starling::sim
