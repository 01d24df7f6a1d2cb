// Whether every running node reaches every other: a real UDP packet from each node to each other's mesh address, in
// every family that both have, and with the source that the kernel chooses. A pair counts when the packet has arrived
// from the sender's own address. Lost packets are sent again: three times in all, within a second.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "topologies/lab/host.h"
#include "topologies/lab/plan.h"

namespace starling::lab {

inline constexpr std::uint16_t kReachabilityPort = 899;

struct ReachabilityResult {
  std::size_t pairs = 0;  // counted once a direction and a family
  std::size_t reached = 0;
  std::vector<std::string> missing;  // "a→d (10.1.2.3)", a few of them

  bool all() const { return pairs > 0 && reached == pairs; }
};

class Reachability {
 public:
  Reachability(const Plan& plan, const Host& host);

  // Takes at most a second; one at a time, from any thread.
  ReachabilityResult check(const std::vector<bool>& node_up);

 private:
  struct Pair {
    std::size_t from, to;
    IpAddress address;
    bool reached = false;
  };

  void send_missing(std::vector<Pair>& pairs);
  void receive_all(std::vector<Pair>& pairs);
  void take(std::vector<Pair>& pairs, std::size_t node, const IpAddress& source, Bytes payload);
  int socket_of(std::size_t node, Family family) const;

  const Plan& plan_;
  std::mutex mutex_;
  std::vector<FileDescriptor> v4_, v6_;  // by node
  std::uint64_t round_ = 0;              // of check(): stragglers of an earlier one do not count
};

}  // namespace starling::lab
