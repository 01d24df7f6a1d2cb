// The grants in force: who is a member of the network, and who may announce what. Without a network key everyone is,
// and may announce anything.
//
// Invariants: holds at most one grant for each holder, whose signature was verified; a grant leaves with the first
// expire() at or after its end, wherever the wall clock has jumped in between.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/time.h"
#include "routing/grant.h"

namespace starling::routing {

// A century, which stands for ever: a Duration holds less than three. A grant ends by the wall clock alone.
inline constexpr Duration kGrantKept = std::chrono::hours(24) * 36525;

class GrantBook {
 public:
  explicit GrantBook(const std::optional<NodeId>& network_key) : network_key_(network_key) {}

  bool required() const { return network_key_.has_value(); }
  const std::optional<NodeId>& network_key() const { return network_key_; }

  bool is_member(const NodeId& node) const;
  bool allows(const NodeId& origin, const Prefix& prefix) const;

  const Grant* find(const NodeId& holder) const;
  const std::map<NodeId, Grant>& grants() const { return grants_; }

  // In place of an older one.
  void keep(Grant grant);
  // Forgets what has ended, and returns it.
  std::vector<Grant> expire(Now now);
  // When expire() has something to do, by the clocks as they were at its last call.
  Time next_expiry() const;

 private:
  std::optional<NodeId> network_key_;
  std::map<NodeId, Grant> grants_;
  std::set<std::pair<std::uint64_t, NodeId>> ends_;  // seconds since 1970
  Now seen_{};
};

}  // namespace starling::routing
