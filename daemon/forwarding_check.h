// Whether the kernel forwards for a node that offers transit. Without the fast path, packets of others come out of the
// tunnel's interface and must go back into it. With it, only those come out that leave by another interface, or need
// what the kernel alone does: fragments, IP options. Off by default on most machines, and silent when off; so it is
// looked at again and again.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/ip.h"

namespace starling::daemon {

// What a node has to carry in one family.
struct ForwardingNeed {
  bool fast_path = false;   // the engine forwards from tunnel to tunnel
  bool leads_away = false;  // prefixes are announced that are behind other interfaces of this machine

  friend bool operator==(const ForwardingNeed&, const ForwardingNeed&) = default;
};

struct ForwardingProblem {
  enum class Loss : std::uint8_t { everything, what_leaves, what_is_unusual };

  Family family = Family::ipv4;
  Loss loss = Loss::everything;
  std::string reason;  // what does not pass
  std::string remedy;  // a command
};

class ForwardingCheck {
 public:
  // The families for which the kernel does not forward, each once until it forwards again, or the need is another.
  std::vector<ForwardingProblem> look(const std::map<Family, ForwardingNeed>& needs);

 private:
  std::map<Family, ForwardingProblem::Loss> reported_;
};

}  // namespace starling::daemon
