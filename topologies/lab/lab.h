// A topology that is up: the network, a daemon in every node, their events in one timeline, and everything that asks
// questions of them. Made whole or not at all: when the constructor throws, and when the Lab is destroyed, nothing of
// it is left on the machine (unless it was asked to stay). One thread, the main one, except where a part says
// otherwise.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "topologies/lab/checker.h"
#include "topologies/lab/daemon_link.h"
#include "topologies/lab/guardian.h"
#include "topologies/lab/host.h"
#include "topologies/lab/kernel_table.h"
#include "topologies/lab/log_follower.h"
#include "topologies/lab/network_state.h"
#include "topologies/lab/oracle.h"
#include "topologies/lab/plan.h"
#include "topologies/lab/prober.h"
#include "topologies/lab/process.h"
#include "topologies/lab/reachability.h"
#include "topologies/lab/timeline.h"
#include "topologies/lab/topology.h"
#include "topologies/lab/workspace.h"

namespace starling::lab {

struct LabOptions {
  std::string daemon_program;  // path of starlingd
  std::string out_folder;      // where configurations, logs and events go in the end; empty: nowhere
  bool keep = false;
  Timeline::Options timeline;
};

// SIGINT, SIGTERM or SIGHUP came; the number is the signal's.
struct Interrupted {
  int signal;
};

class Lab {
 public:
  // Builds the network; starts no daemon yet. SIGINT, SIGTERM and SIGHUP must be blocked.
  Lab(const Topology& topology, const LabOptions& options);
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  void start_all();
  std::int64_t last_start_ns() const { return last_start_ns_; }
  // Makes it happen. The moment just before it began to.
  std::int64_t apply(const Event& event);

  // Until the moment, or sooner if a signal or a dead daemon comes: throws Interrupted, or std::runtime_error with the
  // daemon's last words.
  void wait_until(std::int64_t mono_ns);

  // Ends all daemons as an administrator would (SIGTERM). What was wrong about how they ended, empty if nothing.
  std::string stop_all();
  // The lab is left running when this object goes.
  void leave_running();
  void save_logs() const;  // to out_folder

  const Topology& topology() const { return topology_; }
  const Plan& plan() const { return plan_; }
  const NetworkState& state() const { return state_; }
  const Oracle& oracle() const { return oracle_; }
  Timeline& timeline() { return timeline_; }
  LogFollower& logs() { return *logs_; }
  Checker& checker() { return *checker_; }
  Prober& prober() { return *prober_; }
  Reachability& reachability() { return *reachability_; }
  std::vector<DaemonLink>& links() { return links_; }

 private:
  void build();
  void start(std::size_t node);
  void complain_about_dead();
  std::string config_path(std::size_t node) const;
  std::string control_path(std::size_t node) const;
  std::string log_path(std::size_t node) const;

  const Topology& topology_;
  const LabOptions options_;
  const Plan plan_;
  std::vector<daemon::Config> configs_;         // by node
  std::vector<std::vector<Prefix>> connected_;  // by node
  Oracle oracle_;
  NetworkState state_;
  Timeline timeline_;
  Workspace workspace_;
  Guardian guardian_;
  Host host_;
  FileDescriptor signals_;
  std::vector<std::unique_ptr<Process>> processes_;  // by node
  std::vector<DaemonLink> links_;
  std::vector<KernelTableReader> kernels_;
  std::unique_ptr<LogFollower> logs_;
  std::unique_ptr<Checker> checker_;
  std::unique_ptr<Reachability> reachability_;
  std::unique_ptr<Prober> prober_;
  std::int64_t last_start_ns_ = 0;
  bool stays_ = false;
};

}  // namespace starling::lab
