// Sends the topology's probes through the tunnels and remembers what arrived: real UDP packets from socket to socket,
// one thread for all of them.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "topologies/lab/host.h"
#include "topologies/lab/plan.h"
#include "topologies/lab/probe_record.h"
#include "topologies/lab/timeline.h"

namespace starling::lab {

// The lab's ports are privileged ones, so that none is a daemon's or an ephemeral one.
inline constexpr std::uint16_t kProbePort = 900;  // of the first probe; the others follow

class Prober {
 public:
  // Opens the sockets; sends nothing yet. All must outlive it.
  Prober(const Topology& topology, const Plan& plan, const Host& host, Timeline& timeline);
  ~Prober();

  void start();
  // Sends no more, and waits a moment for what is under way.
  void stop();

  std::vector<ProbeRecord> records() const;

 private:
  struct Flow {
    std::size_t index = 0;
    std::string name;  // "a→d"
    std::int64_t interval_ns = 0;
    IpAddress to;
    FileDescriptor sender, receiver;
    std::int64_t next_send_ns = 0;
    std::int64_t newest_good_ns = 0;  // send time
    bool silent = false;
    ProbeRecord record;
  };

  void run();
  void send(Flow& flow, std::int64_t now_ns);
  void receive(Flow& flow);
  void take(Flow& flow, Bytes payload, std::int64_t now_ns);
  void notice_silence(Flow& flow, std::int64_t now_ns);

  Timeline& timeline_;
  mutable std::mutex mutex_;  // of the flows' records
  std::vector<Flow> flows_;
  std::atomic<bool> sending_{true};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace starling::lab
