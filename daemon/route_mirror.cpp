#include "daemon/route_mirror.h"

#include <algorithm>

namespace starling::daemon {

namespace {

using Kind = HeldRoute::Kind;

// Where the routes of this prefix, and of this rank if given, begin.
HeldRoute first_of(const Prefix& prefix, std::uint32_t rank = 0) {
  return {prefix, rank, Kind::foreign, 0};
}

std::uint64_t mixed(std::uint64_t seed, std::uint64_t value) {
  // The finalizer of SplitMix64: any bit of `value` changes about half of the result.
  std::uint64_t x = seed ^ (value + 0x9e3779b97f4a7c15u);
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::uint64_t mixed(std::uint64_t seed, const std::optional<IpAddress>& address) {
  return address ? mixed(seed, std::hash<IpAddress>()(*address)) : mixed(seed, 0);
}

}  // namespace

HeldRoute RouteMirror::held(const KernelRoute& route) const {
  HeldRoute held;
  held.prefix = route.prefix;
  const bool to_tunnel =
      route.type == RTN_UNICAST && route.interface_index == tunnel_index_ && route.special == 0 && !route.narrow;
  if (to_tunnel)
    held.kind = Kind::ours;
  else if (route.type == RTN_THROW && !route.narrow)
    held.kind = Kind::skip;
  held.rank = route.narrow ? 0 : route.metric;
  held.identity = mixed(route.special, route.type | std::uint64_t{route.protocol} << 8);
  held.identity = mixed(held.identity, route.interface_index | std::uint64_t{route.metric} << 32);
  held.identity = mixed(mixed(held.identity, route.gateway), route.source);
  return held;
}

const RouteMirror::Table* RouteMirror::table_of(Family family, std::uint32_t number) const {
  const auto at = tables_.find({family, number});
  return at == tables_.end() ? nullptr : &at->second;
}

void RouteMirror::insert(Table& table, const HeldRoute& route) {
  table.routes.insert(route);
  table.lengths[static_cast<std::size_t>(route.prefix.length())]++;
  size_++;
}

void RouteMirror::erase(Table& table, std::set<HeldRoute>::const_iterator at) {
  table.lengths[static_cast<std::size_t>(at->prefix.length())]--;
  table.routes.erase(at);
  size_--;
}

// One route may replace one; of several with this prefix and metric, the kernel does not say which.
bool RouteMirror::add(const KernelRoute& kernel_route, bool replaces) {
  const HeldRoute route = held(kernel_route);
  Table& table = tables_[{route.prefix.family(), kernel_route.table}];
  if (table.routes.contains(route)) return false;
  const auto first = table.routes.lower_bound(first_of(route.prefix, route.rank));
  auto end = first;
  std::size_t others = 0;
  for (; end != table.routes.end() && end->prefix == route.prefix && end->rank == route.rank; ++end) others++;
  if (replaces && others == 1)
    erase(table, first);
  else if (others > 0)
    unsure_ = true;
  insert(table, route);
  return true;
}

bool RouteMirror::remove(const KernelRoute& kernel_route) {
  const HeldRoute route = held(kernel_route);
  const auto table = tables_.find({route.prefix.family(), kernel_route.table});
  if (table == tables_.end()) return false;
  const auto at = table->second.routes.find(route);
  if (at != table->second.routes.end()) {
    erase(table->second, at);
    if (table->second.routes.empty()) tables_.erase(table);
    return true;
  }
  const auto other = table->second.routes.lower_bound(first_of(route.prefix, route.rank));
  if (other != table->second.routes.end() && other->prefix == route.prefix && other->rank == route.rank) unsure_ = true;
  return false;
}

const HeldRoute* RouteMirror::covering(std::uint32_t number, const Prefix& prefix, int length_min) const {
  const Table* table = table_of(prefix.family(), number);
  if (table == nullptr) return nullptr;
  for (int length = prefix.length(); length >= std::max(length_min, 0); length--) {
    if (table->lengths[static_cast<std::size_t>(length)] == 0) continue;
    const Prefix covering(prefix.address(), length);
    const auto at = table->routes.lower_bound(first_of(covering));
    if (at != table->routes.end() && at->prefix == covering) return &*at;
  }
  return nullptr;
}

bool RouteMirror::has_ours(std::uint32_t number, const Prefix& prefix) const {
  const Table* table = table_of(prefix.family(), number);
  if (table == nullptr) return false;
  for (auto at = table->routes.lower_bound(first_of(prefix)); at != table->routes.end() && at->prefix == prefix; ++at)
    if (at->kind == Kind::ours) return true;
  return false;
}

void RouteMirror::visit_inside(std::uint32_t number, const Prefix& area,
                               const std::function<void(const Prefix&)>& visit) const {
  const Table* table = table_of(area.family(), number);
  if (table == nullptr) return;
  const Prefix* last = nullptr;
  for (auto at = table->routes.lower_bound(first_of(area)); at != table->routes.end() && area.contains(at->prefix);
       ++at) {
    if (last == nullptr || *last != at->prefix) visit(at->prefix);
    last = &at->prefix;
  }
}

}  // namespace starling::daemon
