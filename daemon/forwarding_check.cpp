#include "daemon/forwarding_check.h"

#include "daemon/sysctl.h"

namespace starling::daemon {

namespace {

bool forwards(Family family) {
  return read_sysctl(family == Family::ipv4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding").value_or(0) != 0;
}

std::string remedy_for(Family family) {
  const std::string knob = family == Family::ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
  return "sysctl -w " + knob + "=1, and a line in /etc/sysctl.d/ to keep it; or \"transit\": false";
}

}  // namespace

std::vector<ForwardingProblem> ForwardingCheck::look(const std::set<Family>& used) {
  std::vector<ForwardingProblem> problems;
  for (const Family family : used) {
    if (forwards(family))
      reported_.erase(family);
    else if (reported_.insert(family).second)
      problems.push_back({family, remedy_for(family)});
  }
  return problems;
}

}  // namespace starling::daemon
