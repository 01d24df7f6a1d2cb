// The kernel's routing tables as notifications tell of them, kept for one question: is what the kernel would do with a
// packet for this prefix our business, or that of another route? Every route of every table is held, in a few words.
// Invariant: as long as no notification is lost, no route that the kernel has is missing. One that the kernel no longer
// has may still be held: it drops some without a word (rtnetlink(7) tells of no IPv4 route that went with its interface
// or address), and tells ambiguously of others. Whoever acts on what is held errs on the side of other routes, and
// reads the tables again when is_unsure() says so.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>

#include "base/ip.h"
#include "daemon/netlink/kernel_route.h"

namespace starling::daemon {

struct HeldRoute {
  // In the order in which they count where prefix and rank are equal.
  enum class Kind : std::uint8_t {
    foreign,  // leads elsewhere, or nowhere
    skip,     // "throw": look into the next table
    ours,     // leads to the tunnel's interface
  };

  Prefix prefix;
  std::uint32_t rank = 0;  // the metric; 0 for what is only for some packets, and wins over all for them
  Kind kind = Kind::foreign;
  std::uint64_t identity = 0;  // tells apart those that are otherwise equal

  friend auto operator<=>(const HeldRoute&, const HeldRoute&) = default;
};

class RouteMirror {
 public:
  explicit RouteMirror(std::uint32_t tunnel_index) : tunnel_index_(tunnel_index) {}

  // True if a route came, went or took another's place.
  bool add(const KernelRoute& route, bool replaces);
  bool remove(const KernelRoute& route);
  // A notification had more than one explanation: a route may be held that is gone.
  bool is_unsure() const { return unsure_; }
  // What is held was read just now: routes that stand side by side do so in the kernel.
  void settle() { unsure_ = false; }
  std::size_t size() const { return size_; }

  // Of the longest prefix in a table that covers `prefix` (and is at least `length_min` long), the route that wins
  // there; nullptr if there is none.
  const HeldRoute* covering(std::uint32_t table, const Prefix& prefix, int length_min) const;
  bool has_ours(std::uint32_t table, const Prefix& prefix) const;
  // Each prefix of a table inside `area`, itself included, once, in order.
  void visit_inside(std::uint32_t table, const Prefix& area, const std::function<void(const Prefix&)>& visit) const;

 private:
  struct Table {
    std::set<HeldRoute> routes;
    std::array<std::uint32_t, 129> lengths{};  // how many routes have a prefix of this length
  };
  using TableKey = std::pair<Family, std::uint32_t>;

  HeldRoute held(const KernelRoute& route) const;
  const Table* table_of(Family family, std::uint32_t number) const;
  void insert(Table& table, const HeldRoute& route);
  void erase(Table& table, std::set<HeldRoute>::const_iterator at);

  std::uint32_t tunnel_index_;
  std::map<TableKey, Table> tables_;
  std::size_t size_ = 0;
  bool unsure_ = false;
};

}  // namespace starling::daemon
