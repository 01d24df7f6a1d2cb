// Whether the kernel forwards for a node that offers transit: packets of others come out of the tunnel's interface and
// must go back into it. Off by default on most machines, and silent when off; so it is looked at again and again.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "base/ip.h"

namespace starling::daemon {

struct ForwardingProblem {
  Family family = Family::ipv4;
  std::string remedy;  // a command
};

class ForwardingCheck {
 public:
  // The families in `used` for which the kernel does not forward, each once until it forwards again in between.
  std::vector<ForwardingProblem> look(const std::set<Family>& used);

 private:
  std::set<Family> reported_;
};

}  // namespace starling::daemon
