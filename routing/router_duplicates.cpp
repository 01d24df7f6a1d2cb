// Two machines with one key: what is told of them, and when.
#include "routing/router_impl.h"

namespace starling::routing {

// `neighbor`: through whom it was seen. Ourselves, or that neighbour?
void Router::Impl::note_duplicate(Now now, NeighborId neighbor, bool ourselves) {
  Duplicate& duplicate = duplicates[ourselves ? kNoNeighbor : neighbor];
  const bool is_over = duplicate.signs > 0 && now.monotonic - duplicate.last > kDuplicateWindow;
  if (duplicate.signs == 0 || is_over) duplicate = {now.monotonic, {}, {}, 0, kNoNeighbor};
  duplicate.last = now.monotonic;
  duplicate.signs++;
  duplicate.seen_through = neighbor;
  if (now.monotonic < duplicate.tell_at) return;
  duplicate.tell_at = now.monotonic + kDuplicateReport;
  Event told = make_event(EventKind::identity_duplicate, now.monotonic, {}, neighbor);
  const auto known = neighbors.find(neighbor);
  const bool has_node = known != neighbors.end() && known->second.node;
  told.lsa.origin = ourselves ? config.id : has_node ? *known->second.node : NodeId{};
  told.count = duplicate.signs;
  told.reason = ourselves ? "another machine announces under this node's key"
                          : "two machines take turns under this neighbour's key";
  emit(std::move(told));
}

std::vector<DuplicateView> Router::duplicates(Now now) const {
  std::vector<DuplicateView> views;
  for (const auto& [id, duplicate] : impl_->duplicates) {
    if (now.monotonic - duplicate.last > kDuplicateWindow) continue;
    views.push_back({id == kNoNeighbor, duplicate.seen_through, duplicate.first, duplicate.last, duplicate.signs});
  }
  return views;
}

}  // namespace starling::routing
