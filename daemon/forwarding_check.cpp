#include "daemon/forwarding_check.h"

#include <utility>

#include "daemon/sysctl.h"

namespace starling::daemon {

namespace {

using Loss = ForwardingProblem::Loss;

bool forwards(Family family) {
  return read_sysctl(family == Family::ipv4 ? "net/ipv4/ip_forward" : "net/ipv6/conf/all/forwarding").value_or(0) != 0;
}

std::string remedy_for(Family family) {
  const std::string knob = family == Family::ipv4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
  return "sysctl -w " + knob + "=1, and a line in /etc/sysctl.d/ to keep it; or \"transit\": false";
}

Loss loss_of(const ForwardingNeed& need) {
  if (!need.fast_path) return Loss::everything;
  return need.leads_away ? Loss::what_leaves : Loss::what_is_unusual;
}

// IPv6 has no fragmentation on the way.
const char* reason_for(Loss loss, Family family) {
  switch (loss) {
    case Loss::everything: return "nothing of others passes through";
    case Loss::what_leaves:
      return "tunnel to tunnel passes on the fast path, but nothing reaches what is announced here";
    case Loss::what_is_unusual:
      return family == Family::ipv6
                 ? "tunnel to tunnel passes on the fast path, but nothing by other routes of this machine"
                 : "tunnel to tunnel passes on the fast path, but nothing by other routes of this machine, "
                   "nothing to be fragmented, and nothing with IP options";
  }
  return "";
}

}  // namespace

std::vector<ForwardingProblem> ForwardingCheck::look(const std::map<Family, ForwardingNeed>& needs) {
  std::vector<ForwardingProblem> problems;
  for (const auto& [family, need] : needs) {
    if (forwards(family)) {
      reported_.erase(family);
      continue;
    }
    const Loss loss = loss_of(need);
    const auto [reported, fresh] = reported_.try_emplace(family, loss);
    if (fresh || std::exchange(reported->second, loss) != loss)
      problems.push_back({family, loss, reason_for(loss, family), remedy_for(family)});
  }
  return problems;
}

}  // namespace starling::daemon
