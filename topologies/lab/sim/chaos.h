// All kinds of faults at once, at random, on links that lose, duplicate and reorder; what must always hold is checked
// all the while (safety.h). Then everything heals, and the network must come to what the oracle says within a bounded
// time.
#pragma once

#include <map>
#include <vector>

#include "topologies/lab/sim/fault.h"
#include "topologies/lab/sim/outcome.h"
#include "topologies/lab/sim/stage.h"

namespace starling::sim {

// From the end of the last fault until everything is right again. Longest are a link that must prove itself after it
// let only small packets pass, and databases that compare again after they have compared in vain.
inline constexpr Duration kHealLimit = std::chrono::seconds(120);

class Chaos {
 public:
  explicit Chaos(Stage& stage) : stage_(stage) {}
  // False if the network did not heal in time; the outcome's fault says what was wrong.
  bool run(Duration duration, Outcome& outcome);

 private:
  struct Active {
    Time until{};
    Fault fault;
  };
  void spoil_links();
  void break_something(Outcome& outcome);
  void undo_what_is_over(Time now);
  void heal();
  Duration up_to(Duration least, Duration most);

  Stage& stage_;
  std::vector<Active> active_;
  Busy busy_;
  std::map<LinkEnds, std::pair<Quality, Quality>> before_;
};

}  // namespace starling::sim
