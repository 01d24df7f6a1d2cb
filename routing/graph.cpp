#include "routing/graph.h"

#include <algorithm>
#include <utility>

#include "routing/mix.h"
#include "routing/resize_tightly.h"

namespace starling::routing {

namespace {

constexpr std::size_t kUsualRoom = 6;  // edges of a node, and what growing abandons

}  // namespace

Graph::Graph(const NodeId& self, std::uint64_t seed) : self_(self), seed_(seed) {
  lsas_.push_back(nullptr);
  flags_.push_back(kTakesPart | kThrough);
  heads_.push_back({});
  index_.insert(hash(self_), kRoot, [](NodeIndex) { return std::uint64_t{0}; });
}

void Graph::reserve(std::size_t nodes) {
  lsas_.reserve(nodes);
  flags_.reserve(nodes);
  heads_.reserve(nodes);
  pool_.reserve(nodes * kUsualRoom);
  index_ = {};
  index_.reserve(nodes);
  index_.insert(hash(self_), kRoot, [](NodeIndex) { return std::uint64_t{0}; });
}

// --- nodes ---

std::uint64_t Graph::hash(const NodeId& id) const {
  return mix(leading_bits(id) ^ seed_);
}

NodeIndex Graph::find(const NodeId& wanted) const {
  const NodeIndex node = index_.find(hash(wanted), [&](NodeIndex other) { return id(other) == wanted; });
  return node == Index::kNone ? kNoNode : node;
}

const NodeId& Graph::id(NodeIndex node) const {
  if (node == kRoot) return self_;
  return lsas_[node] != nullptr ? lsas_[node]->key().origin : retired_.at(node);
}

std::optional<NodeIndex> Graph::index_of(const NodeId& id) const {
  const NodeIndex node = find(id);
  return node == kNoNode ? std::nullopt : std::optional(node);
}

NodeIndex Graph::add_node(const Lsa& lsa) {
  NodeIndex node = size();
  if (free_.empty()) {
    resize_tightly(lsas_, lsas_.size() + 1);
    resize_tightly(flags_, flags_.size() + 1);
    resize_tightly(heads_, heads_.size() + 1);
  } else {
    node = free_.back();
    free_.pop_back();
  }
  lsas_[node] = &lsa;
  flags_[node] = 0;
  index_.insert(hash(lsa.key().origin), node, [&](NodeIndex other) { return hash(id(other)); });
  note_index(lsa.key().origin);
  note_structure();
  return node;
}

// Its links went when it ceased to take part.
void Graph::remove_node(NodeIndex node) {
  index_.erase(hash(id(node)), node, [&](NodeIndex other) { return hash(id(other)); });
  note_index(id(node));
  note_structure();
}

void Graph::keep_fragment(NodeIndex node, std::uint16_t fragment, const Lsa* lsa) {
  const Lsa*& lowest = lsas_[node];
  if (lsa != nullptr) {
    if (lowest != nullptr && lowest->key().fragment < fragment) {
      further_[{node, fragment}] = lsa;
      return;
    }
    if (lowest != nullptr && lowest->key().fragment > fragment) further_[{node, lowest->key().fragment}] = lowest;
    lowest = lsa;
    return;
  }
  if (lowest == nullptr || lowest->key().fragment != fragment) {
    further_.erase({node, fragment});
    return;
  }
  const auto next = further_.lower_bound({node, 0});
  const bool any = next != further_.end() && next->first.first == node;
  lowest = any ? next->second : nullptr;
  if (any) further_.erase(next);
}

const Lsa* Graph::first_fragment(NodeIndex node) const {
  const Lsa* lowest = lsas_[node];
  return lowest != nullptr && lowest->key().fragment == 0 ? lowest : nullptr;
}

bool Graph::announces(NodeIndex node, const Prefix& prefix) const {
  if (!takes_part(node)) return false;
  bool found = false;
  each_fragment(node, [&](const Lsa& lsa) {
    const std::vector<Prefix>& prefixes = lsa.content().prefixes;
    found = found || std::find(prefixes.begin(), prefixes.end(), prefix) != prefixes.end();
  });
  return found;
}

// --- announcements ---

Graph::Replaced Graph::replace(const Lsa* before, const Lsa* after) {
  const LsaKey key = (after != nullptr ? after : before)->key();
  Replaced result;
  result.node = find(key.origin);
  if (result.node == kNoNode) {
    if (after == nullptr) return result;
    result.node = add_node(*after);
  }
  const NodeIndex node = result.node;
  result.took_part = takes_part(node);
  keep_fragment(node, key.fragment, after);
  const bool is_gone = node != kRoot && lsas_[node] == nullptr;
  if (is_gone) retired_.emplace(node, key.origin);
  const Lsa* first = first_fragment(node);
  set_flags(node, first != nullptr && first->content().attributes ? &*first->content().attributes : nullptr);
  result.takes_part = takes_part(node);

  if (node != kRoot && result.took_part != result.takes_part) {
    review_links(node, before, nullptr);
    each_fragment(node, [&](const Lsa& fragment) { review_links(node, &fragment, nullptr); });
  } else if (node != kRoot && result.takes_part) {
    review_links(node, before, after);
    review_links(node, after, before);
  }
  if (is_gone) remove_node(node);
  return result;
}

void Graph::set_flags(NodeIndex node, const NodeAttributes* attributes) {
  std::uint8_t flags = 0;
  if (attributes != nullptr) {
    flags = kTakesPart | (attributes->transit ? kThrough : kEndPoint);
  } else if (node == kRoot) {
    flags = kTakesPart | kThrough;
  }
  const std::uint8_t before = std::exchange(flags_[node], flags);
  if (before == flags) return;
  if (((before ^ flags) & (kTakesPart | kEndPoint)) != 0) note_structure();
  if (((before ^ flags) & kThrough) == 0) return;
  flags_[node] = before;  // what is recorded says how it was
  for (const Edge& edge : edges_of(node)) record(node, edge.to, edge.metric, edge.metric);
  flags_[node] = flags;
}

// What a node says of its link to another; of several, the smallest metric counts.
std::optional<LinkCost> Graph::claim(NodeIndex from, const NodeId& to) const {
  std::optional<LinkCost> smallest;
  if (from == kRoot) {
    for (const LocalLink& link : local_links_) {
      if (link.node == to) smallest = link.cost;
    }
    return smallest;
  }
  each_fragment(from, [&](const Lsa& lsa) {
    for (const LsaLink& link : lsa.content().links) {
      if (link.neighbor != to || (smallest && smallest->metric <= link.metric)) continue;
      smallest = LinkCost{link.metric, link.manual};
    }
  });
  return smallest;
}

void Graph::review_link(NodeIndex node, const NodeId& other_id) {
  const NodeIndex other = find(other_id);
  if (other == kNoNode || other == node) return;
  Metric metric = kUnreachable;
  if (takes_part(node) && takes_part(other)) {
    const auto here = claim(node, other_id);
    const auto there = here ? claim(other, id(node)) : std::nullopt;
    if (there) metric = metric_of_link(*here, *there);
  }
  set_edge(node, other, metric);
}

void Graph::review_links(NodeIndex node, const Lsa* lsa, const Lsa* known) {
  if (lsa == nullptr) return;
  const auto is_known = [known](const LsaLink& link) {
    const auto same = [&link](const LsaLink& other) {
      return other.metric == link.metric && other.manual == link.manual && other.neighbor == link.neighbor;
    };
    return known != nullptr && std::any_of(known->content().links.begin(), known->content().links.end(), same);
  };
  for (const LsaLink& link : lsa->content().links) {
    if (!is_known(link)) review_link(node, link.neighbor);
  }
}

// --- our own links ---

void Graph::set_local_links(std::vector<LocalLink> links) {
  const auto by_neighbor = [](const LocalLink& a, const LocalLink& b) { return a.neighbor < b.neighbor; };
  if (!std::is_sorted(links.begin(), links.end(), by_neighbor)) std::sort(links.begin(), links.end(), by_neighbor);
  const bool same = links == local_links_;
  if (same && hops_are_known_) return;
  if (!same) {
    local_links_.swap(links);  // `links` are the former ones now
    for (const auto* list : {&links, &local_links_}) {
      for (const LocalLink& link : *list) review_link(kRoot, link.node);
    }
  }
  review_hops();
  hops_are_known_ = true;
}

// A node has its index from now on, or no more.
void Graph::note_index(const NodeId& id) {
  const auto leads_there = [&id](const LocalLink& link) { return link.node == id; };
  if (std::any_of(local_links_.begin(), local_links_.end(), leads_there)) hops_are_known_ = false;
}

void Graph::review_hops() {
  const auto link_of = [&](NeighborId neighbor) {
    const auto at = std::lower_bound(local_links_.begin(), local_links_.end(), neighbor,
                                     [](const LocalLink& link, NeighborId id) { return link.neighbor < id; });
    return at != local_links_.end() && at->neighbor == neighbor ? &*at : nullptr;
  };
  std::vector<NeighborId> known;
  for (Hop& hop : hops_) {
    if (hop.neighbor == kNoNeighbor || hop.retired) continue;
    const LocalLink* link = link_of(hop.neighbor);
    const NodeIndex node = link != nullptr ? find(link->node) : kNoNode;
    if (link != nullptr && (node == hop.node || hop.node == kNoNode)) {
      if (hop.node != node) note_structure();
      hop.node = node;
      known.push_back(hop.neighbor);
    } else {
      hop = {hop.neighbor, kNoNode, true};
      hops_changed_ = true;
      note_structure();
    }
  }
  std::sort(known.begin(), known.end());
  for (const LocalLink& link : local_links_) {
    if (std::binary_search(known.begin(), known.end(), link.neighbor)) continue;
    const auto is_free = [](const Hop& hop) { return hop.neighbor == kNoNeighbor; };
    auto hop = std::find_if(hops_.begin(), hops_.end(), is_free);
    if (hop == hops_.end()) hop = hops_.insert(hops_.end(), Hop{});
    *hop = {link.neighbor, find(link.node), false};
    hops_changed_ = true;
    note_structure();
    if (hop->node == kNoNode) continue;
    const Metric cost = metric(kRoot, hop->node);  // the same edge may have had another hop: it counts as changed
    if (cost != kUnreachable) record(kRoot, hop->node, cost, cost);
  }
}

// --- edges ---

std::size_t Graph::edge_count() const {
  std::size_t count = 0;
  for (const Head& head : heads_) count += head.count;
  return count;
}

Metric Graph::metric(NodeIndex from, NodeIndex to) const {
  for (const Edge& edge : edges_of(from)) {
    if (edge.to == to) return edge.metric;
  }
  return kUnreachable;
}

void Graph::set_edge(NodeIndex a, NodeIndex b, Metric wanted) {
  const Metric before = metric(a, b);
  if (before == wanted) return;
  record(a, b, before, wanted);
  record(b, a, before, wanted);
  set_half(a, b, wanted);
  set_half(b, a, wanted);
}

void Graph::set_half(NodeIndex from, NodeIndex to, Metric wanted) {
  Head& head = heads_[from];
  Edge* const begin = pool_.data() + head.begin;
  Edge* const end = begin + head.count;
  Edge* const edge = std::find_if(begin, end, [to](const Edge& e) { return e.to == to; });
  if (edge == end) {
    append_edge(from, {to, wanted});
  } else if (wanted == kUnreachable) {
    *edge = *(end - 1);
    head.count--;
  } else {
    edge->metric = wanted;
  }
}

void Graph::append_edge(NodeIndex node, const Edge& edge) {
  Head& head = heads_[node];
  if (head.count == head.capacity) {
    const std::uint32_t begin = head.begin;
    const auto room = static_cast<std::uint16_t>(head.capacity + std::max(2, head.capacity / 4));
    head.begin = static_cast<std::uint32_t>(pool_.size());
    resize_tightly(pool_, pool_.size() + room);
    std::copy_n(pool_.begin() + begin, head.count, pool_.begin() + head.begin);
    unused_ += head.capacity;
    head.capacity = room;
  }
  pool_[head.begin + head.count++] = edge;
  if (unused_ > pool_.size() / 4 + 64) compact();
}

void Graph::compact() {
  static thread_local std::vector<Edge> kept;  // and the pool stays where it is
  kept.clear();
  for (Head& head : heads_) {
    const auto begin = static_cast<std::uint32_t>(kept.size());
    kept.insert(kept.end(), pool_.begin() + head.begin, pool_.begin() + head.begin + head.count);
    head = {begin, head.count, head.count};
  }
  pool_.assign(kept.begin(), kept.end());
  unused_ = 0;
}

// --- what changed ---

void Graph::note_structure() {
  structure_changed_ = true;
  edits_++;
}

void Graph::record(NodeIndex from, NodeIndex to, Metric before, Metric after) {
  edits_++;
  if (bulk_) return;
  const auto same = [&](const Change& change) { return change.from == from && change.to == to; };
  const auto known = std::find_if(changes_.begin(), changes_.end(), same);
  if (known != changes_.end()) {
    known->after = after;
  } else if (changes_.size() == kMaxChanges) {
    bulk_ = true;
    changes_.clear();
  } else {
    changes_.push_back({from, to, before, after, through(from)});
  }
}

bool Graph::only_leaves_changed() const {
  if (bulk_) return false;
  const auto is_leaf = [&](NodeIndex node) {
    auto before = static_cast<std::ptrdiff_t>(degree(node));
    for (const Change& change : changes_) {
      if (change.from != node) continue;
      before += (change.before != kUnreachable ? 1 : 0) - (change.after != kUnreachable ? 1 : 0);
    }
    return node != kRoot && degree(node) <= 1 && before <= 1;
  };
  return std::all_of(changes_.begin(), changes_.end(), [&](const Change& change) {
    if (change.from == kRoot || change.to == kRoot) return false;
    return is_leaf(change.from) || is_leaf(change.to);
  });
}

void Graph::settle() {
  changes_.clear();
  bulk_ = false;
  structure_changed_ = false;
  hops_changed_ = false;
  for (const auto& [node, id_of_node] : retired_) free_.push_back(node);
  retired_.clear();
  for (Hop& hop : hops_) {
    if (hop.retired) hop = {};
  }
}

}  // namespace starling::routing
