// Measures what one change does to a network: who noticed when, when the last node had heard of it, how often everyone
// computed, and for a sample of pairs how long packets between them would have vanished (black hole) or gone round
// (micro-loop). The pairs are looked at again whenever a table on their way changes, not by a clock: so the times are
// exact, and cost nothing where nothing happens.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "topologies/lab/sim/distribution.h"
#include "topologies/lab/sim/network.h"

namespace starling::sim {

inline constexpr std::size_t kPairsMax = 64;

struct Measurement {
  std::string what;     // "cut a–b"
  bool repair = false;  // something was mended, rather than broken
  Time at{};
  // From the change until who lost a neighbour suspected it, and gave it up: where traffic went to it, and where none
  // did.
  Distribution suspected_ms;
  Distribution detected_ms;
  Distribution detected_idle_ms;
  // From an announcement until the last node has accepted it; of several that overlap, from the last of them.
  Distribution flooded_ms;
  Distribution converged_ms;       // until nothing changed any more; at most one
  Distribution spf_runs;           // of each node
  Distribution messages;           // that each node sent, Hellos left out
  Distribution bytes;              // of those
  Distribution black_hole_ms;      // of each pair
  Distribution micro_loop_ms;      // likewise
  std::uint64_t micro_loops = 0;   // how often a pair's packets began to go round
  std::uint64_t looped_pairs = 0;  // of how many pairs they ever did
  Distribution outage_ms;          // of each flow: the longest run of its packets that did not arrive
  std::uint64_t pairs = 0;

  // Adds another's values; what, repair and at stay.
  void add(const Measurement& other);
};

class Meter {
 public:
  // The network must outlive it, and its on_call must come here.
  explicit Meter(const Network& network);
  void on_call(NodeIndex node, const routing::RouterOutbox& outbox);

  // From now on. `lost`: who should notice that whom is gone. At most kPairsMax pairs.
  void begin(std::string what, bool repair, std::vector<std::pair<NodeIndex, NodeIndex>> lost,
             std::vector<Route> pairs);
  // Something other than a table changed: a link or a node.
  void look_again();
  // These pairs do not count: no rule says that their packets could arrive.
  void leave_out(const std::function<bool(const Route&)>& is_unreachable);
  // The newest moment at which anything changed: a table, a database, a neighbour that is watched.
  Time newest_change() const { return newest_change_; }
  // Every loss was noticed.
  bool all_noticed() const;
  Measurement end();

 private:
  struct Watched {
    NodeIndex node = 0;
    NodeIndex neighbor = 0;
    bool idle = false;  // no traffic went there
    std::optional<Time> suspected_at;
    std::optional<Time> detected_at;
  };
  struct Pair {
    Route route;
    Fate fate = Fate::delivered;
    Time since{};
    std::vector<NodeIndex> nodes;  // of the newest walk
    Duration black_hole{};
    Duration micro_loop{};
    std::uint64_t micro_loops = 0;
    bool counts = true;
  };

  void look_at_neighbors(NodeIndex node);
  void note_flood(Time now, bool announced, bool accepted);
  void end_flood();
  void walk(std::size_t pair);
  static void account(Pair& pair, Time until);

  const Network& network_;
  Measurement measurement_;
  bool measuring_ = false;
  std::vector<Watched> watched_;
  std::vector<bool> has_watched_;  // by node
  std::vector<Pair> pairs_;
  std::vector<std::uint64_t> pairs_through_;                     // by node, a bit for each pair
  std::vector<std::uint64_t> accepted_, originated_, computed_;  // by node, as last seen
  std::vector<std::uint64_t> computed_before_;
  std::vector<Sent> sent_before_;
  std::optional<Time> announced_;      // the newest announcement
  std::optional<Time> last_accepted_;  // since then
  Time newest_change_{};
};

}  // namespace starling::sim
