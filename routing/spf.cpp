#include "routing/spf.h"

#include <algorithm>

#include "routing/distance_queue.h"
#include "routing/resize_tightly.h"

namespace starling::routing {

namespace {

// What one computation needs while it runs. Nothing in it outlives the call but its capacity and zeroed marks.
struct Workspace {
  static constexpr std::uint8_t kAffected = 1, kImproved = 2, kQueued = 4, kChanged = 8;

  DistanceQueue queue;
  std::vector<std::uint8_t> marks;  // by node; all zero between computations
  std::vector<NodeIndex> affected;
  std::vector<Metric> affected_before;  // their distances
  std::vector<NodeIndex> improved;
  std::vector<NodeIndex> queued;
  std::vector<std::uint32_t> hop_of;  // by node, of our neighbours only
  std::vector<Metric> distance;
  std::vector<std::uint64_t> hops;
  std::vector<std::uint64_t> set;
};

Workspace& workspace(const Graph& graph) {
  static thread_local Workspace space;
  if (space.marks.size() < graph.size()) {
    space.marks.resize(graph.size(), 0);
    space.hop_of.resize(graph.size(), 0);
  }
  return space;
}

bool passes(const Graph& graph, NodeIndex node, NodeIndex source) {
  return node == source || graph.through(node);
}

Metric cost_before(const Graph::Change& change, NodeIndex source) {
  return change.from == source || change.through_before ? change.before : kUnreachable;
}

Metric cost_after(const Graph& graph, const Graph::Change& change, NodeIndex source) {
  return passes(graph, change.from, source) ? change.after : kUnreachable;
}

// --- distances that follow a change ---

class DistanceUpdate {
 public:
  DistanceUpdate(const Graph& graph, NodeIndex source, std::vector<Metric>& distance)
      : graph_(graph), source_(source), distance_(distance), space_(workspace(graph)) {}

  void run(std::vector<NodeIndex>& changed) {
    space_.affected.clear();
    space_.affected_before.clear();
    space_.improved.clear();
    find_affected();
    seed();
    relax();
    report(changed);
  }

 private:
  // Nodes that every shortest path to them led over something that is longer now, nearest first: metrics are positive,
  // so whatever holds up a node's distance lies nearer and is decided already.
  void find_affected() {
    DistanceQueue& queue = space_.queue;
    queue.clear();
    for (const Graph::Change& change : graph_.changes()) {
      const Metric before = cost_before(change, source_);
      if (before == kUnreachable || change.to == source_ || distance_[change.to] == kUnreachable) continue;
      if (add_metrics(distance_[change.from], before) == distance_[change.to]) {
        queue.push(distance_[change.to], change.to);
      }
    }
    while (!queue.empty()) {
      const auto [distance, node] = queue.pop();
      if (space_.marks[node] != 0 || is_supported(node)) continue;
      space_.marks[node] = Workspace::kAffected;
      space_.affected.push_back(node);
      space_.affected_before.push_back(distance);
      if (!passes(graph_, node, source_)) continue;
      for (const Graph::Edge& edge : graph_.edges_of(node)) {
        if (space_.marks[edge.to] != 0 || distance_[edge.to] == kUnreachable) continue;
        if (add_metrics(distance, edge.metric) == distance_[edge.to]) queue.push(distance_[edge.to], edge.to);
      }
    }
  }

  bool is_supported(NodeIndex node) const {
    for (const Graph::Edge& edge : graph_.edges_of(node)) {  // the same both ways
      if (space_.marks[edge.to] != 0 || distance_[edge.to] == kUnreachable) continue;
      if (!passes(graph_, edge.to, source_)) continue;
      if (add_metrics(distance_[edge.to], edge.metric) <= distance_[node]) return true;
    }
    return false;
  }

  // Affected nodes are reached anew from those that are not; improvements begin at the changes.
  void seed() {
    for (const NodeIndex node : space_.affected) distance_[node] = kUnreachable;
    space_.queue.clear();
    for (const NodeIndex node : space_.affected) {
      for (const Graph::Edge& edge : graph_.edges_of(node)) {
        if (distance_[edge.to] != kUnreachable && passes(graph_, edge.to, source_)) reach(edge.to, node, edge.metric);
      }
    }
    for (const Graph::Change& change : graph_.changes()) {
      const Metric after = cost_after(graph_, change, source_);
      if (after != kUnreachable && distance_[change.from] != kUnreachable) reach(change.from, change.to, after);
    }
  }

  void relax() {
    while (!space_.queue.empty()) {
      const auto [distance, node] = space_.queue.pop();
      if (distance != distance_[node] || !passes(graph_, node, source_)) continue;
      for (const Graph::Edge& edge : graph_.edges_of(node)) reach(node, edge.to, edge.metric);
    }
  }

  void reach(NodeIndex from, NodeIndex to, Metric metric) {
    const Metric distance = add_metrics(distance_[from], metric);
    if (distance >= distance_[to]) return;
    distance_[to] = distance;
    space_.queue.push(distance, to);
    if (space_.marks[to] != 0) return;
    space_.marks[to] = Workspace::kImproved;
    space_.improved.push_back(to);
  }

  void report(std::vector<NodeIndex>& changed) {
    for (std::size_t i = 0; i < space_.affected.size(); i++) {
      const NodeIndex node = space_.affected[i];
      space_.marks[node] = 0;
      if (distance_[node] != space_.affected_before[i]) changed.push_back(node);
    }
    for (const NodeIndex node : space_.improved) {
      space_.marks[node] = 0;
      changed.push_back(node);
    }
  }

  const Graph& graph_;
  const NodeIndex source_;
  std::vector<Metric>& distance_;
  Workspace& space_;
};

void mark_hops(const Graph& graph, Workspace& space) {
  for (std::size_t hop = 0; hop < graph.hops().size(); hop++) {
    if (graph.hops()[hop].node != kNoNode) space.hop_of[graph.hops()[hop].node] = static_cast<std::uint32_t>(hop);
  }
}

// --- from scratch ---

void run_distances(const Graph& graph, NodeIndex source, std::vector<Metric>& distance, DistanceQueue& queue) {
  queue.clear();
  distance[source] = 0;
  queue.push(0, source);
  while (!queue.empty()) {
    const auto [reached, node] = queue.pop();
    if (reached != distance[node] || !passes(graph, node, source)) continue;
    for (const Graph::Edge& edge : graph.edges_of(node)) {
      const Metric through = add_metrics(reached, edge.metric);
      if (through >= distance[edge.to]) continue;
      distance[edge.to] = through;
      queue.push(through, edge.to);
    }
  }
}

// A node is taken from the queue after all that lead to it on shortest paths (metrics are positive), so its first hops
// are complete then and may be passed on.
void run_paths(const Graph& graph, Workspace& space, std::size_t words) {
  std::vector<Metric>& distance = space.distance;
  DistanceQueue& queue = space.queue;
  queue.clear();
  distance[kRoot] = 0;
  for (const Graph::Edge& edge : graph.edges_of(kRoot)) {
    distance[edge.to] = edge.metric;
    const std::uint32_t hop = space.hop_of[edge.to];
    space.hops[edge.to * words + hop / 64] |= std::uint64_t{1} << (hop % 64);
    queue.push(edge.metric, edge.to);
  }
  while (!queue.empty()) {
    const auto [reached, node] = queue.pop();
    if (reached != distance[node] || !graph.through(node)) continue;
    const std::uint64_t* const from = space.hops.data() + node * words;
    for (const Graph::Edge& edge : graph.edges_of(node)) {
      const Metric through = add_metrics(reached, edge.metric);
      if (through > distance[edge.to] || through == kUnreachable) continue;
      std::uint64_t* const to = space.hops.data() + edge.to * words;
      if (through == distance[edge.to]) {
        for (std::size_t i = 0; i < words; i++) to[i] |= from[i];
        continue;
      }
      distance[edge.to] = through;
      std::copy_n(from, words, to);
      queue.push(through, edge.to);
    }
  }
}

}  // namespace

void Distances::run(const Graph& graph, NodeIndex source) {
  source_ = source;
  resize_tightly(distance_, graph.size());
  std::fill(distance_.begin(), distance_.end(), kUnreachable);
  run_distances(graph, source, distance_, workspace(graph).queue);
}

void Distances::update(const Graph& graph, std::vector<NodeIndex>& changed) {
  resize_tightly(distance_, graph.size(), kUnreachable);
  DistanceUpdate(graph, source_, distance_).run(changed);
}

void Distances::clear() {
  source_ = kNoNode;
  distance_ = {};
}

void ShortestPaths::grow(const Graph& graph) {
  resize_tightly(distance_, graph.size(), kUnreachable);
  resize_tightly(hops_, graph.size() * words_);
  distance_[kRoot] = 0;
}

void ShortestPaths::run(const Graph& graph, std::vector<NodeIndex>& changed) {
  Workspace& space = workspace(graph);
  const std::size_t words = std::max<std::size_t>(graph.hop_words(), 1);
  if (words != words_) {
    hops_.assign(distance_.size() * words, 0);  // no two sets are equal then, unless both are empty
    words_ = words;
  }
  grow(graph);
  mark_hops(graph, space);
  space.distance.assign(graph.size(), kUnreachable);
  space.hops.assign(graph.size() * words_, 0);
  run_paths(graph, space, words_);
  reached_ = 0;
  for (NodeIndex node = 0; node < graph.size(); node++) {
    const std::uint64_t* const now = space.hops.data() + node * words_;
    std::uint64_t* const before = hops_.data() + node * words_;
    reached_ += space.distance[node] != kUnreachable ? 1 : 0;
    if (space.distance[node] == distance_[node] && std::equal(now, now + words_, before)) continue;
    distance_[node] = space.distance[node];
    std::copy_n(now, words_, before);
    changed.push_back(node);
  }
}

// The first hops follow the distances, nearest first: what a node's shortest paths come through lies nearer.
void ShortestPaths::update(const Graph& graph, std::vector<NodeIndex>& changed) {
  if (std::max<std::size_t>(graph.hop_words(), 1) != words_) return run(graph, changed);
  grow(graph);
  const std::size_t first = changed.size();
  DistanceUpdate(graph, kRoot, distance_).run(changed);
  Workspace& space = workspace(graph);
  mark_hops(graph, space);
  space.queue.clear();
  space.queued.clear();
  const auto enqueue = [&](NodeIndex node) {
    if (node == kRoot || (space.marks[node] & Workspace::kQueued) != 0) return;
    space.marks[node] |= Workspace::kQueued;
    space.queued.push_back(node);
    space.queue.push(distance_[node], node);
  };
  for (std::size_t i = first; i < changed.size(); i++) {
    const NodeIndex node = changed[i];
    const auto before = hops(node);
    const bool was = std::any_of(before.begin(), before.end(), [](std::uint64_t word) { return word != 0; });
    reached_ += (reachable(node) ? 1 : 0) - (was ? 1 : 0);
    space.marks[node] |= Workspace::kChanged;
    enqueue(node);
    for (const Graph::Edge& edge : graph.edges_of(node)) enqueue(edge.to);
  }
  for (const Graph::Change& change : graph.changes()) enqueue(change.to);
  while (!space.queue.empty()) {
    const NodeIndex node = space.queue.pop().node;
    if (!collect_hops(graph, node)) continue;
    if ((space.marks[node] & Workspace::kChanged) == 0) {
      space.marks[node] |= Workspace::kChanged;
      changed.push_back(node);
    }
    if (!reachable(node) || !graph.through(node)) continue;
    for (const Graph::Edge& edge : graph.edges_of(node)) {
      if (add_metrics(distance_[node], edge.metric) == distance_[edge.to]) enqueue(edge.to);
    }
  }
  for (const NodeIndex node : space.queued) space.marks[node] = 0;
}

// From those before it on its shortest paths. True if its set is another now.
bool ShortestPaths::collect_hops(const Graph& graph, NodeIndex node) {
  Workspace& space = workspace(graph);
  space.set.assign(words_, 0);
  for (const Graph::Edge& edge : graph.edges_of(node)) {
    if (!reachable(node) || add_metrics(distance_[edge.to], edge.metric) != distance_[node]) continue;
    if (edge.to == kRoot) {
      const std::uint32_t hop = space.hop_of[node];
      space.set[hop / 64] |= std::uint64_t{1} << (hop % 64);
    } else if (graph.through(edge.to)) {
      for (std::size_t i = 0; i < words_; i++) space.set[i] |= hops_[edge.to * words_ + i];
    }
  }
  const auto at = hops_.begin() + static_cast<std::ptrdiff_t>(node * words_);
  if (std::equal(space.set.begin(), space.set.end(), at)) return false;
  std::copy(space.set.begin(), space.set.end(), at);
  return true;
}

}  // namespace starling::routing
