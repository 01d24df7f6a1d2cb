// What a lab leaves on the machine while it is up, and how all of it goes away again: /run/starling-lab/NAME with a
// folder per node (configuration, log, control socket, pid), and the names of its network namespaces.
//
// Invariant: whoever holds NAME.lock owns the lab. The record is on disk before the first namespace exists, so whoever
// comes later can always find and remove everything: the lab itself at its end, the guardian when the lab is killed
// (guardian.h), the next start when both were.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "topologies/lab/plan.h"

namespace starling::lab {

inline constexpr const char* kWorkspaceRoot = "/run/starling-lab";

// Where a node's daemon makes its socket for wg(8): all nodes' interfaces have the same name, so each has a folder.
inline std::string wireguard_folder_of(const std::string& node_folder) {
  return node_folder + "/wg";
}

class Workspace {
 public:
  // Takes the lab's name, removing what a killed run of it left. std::runtime_error if the lab is up; nothing was
  // touched.
  Workspace(const std::string& topology_name, const Plan& plan);

  const std::string& name() const { return name_; }
  std::string node_folder(const std::string& node) const;
  // Says which process is a node's daemon, so that `down` can stop it.
  void record_process(const std::string& node, pid_t pid) const;
  // From now on the lab stays when its owner goes.
  void keep() const;

 private:
  std::string name_;
  FileDescriptor lock_;
};

// One lab as the disk tells it.
struct LabRecord {
  std::string name;
  bool kept = false;
  std::vector<std::string> nodes;
  std::vector<std::string> namespaces;  // of the nodes
};
bool read_lab_record(const std::string& name, LabRecord& record);

// Ends every process of the lab (daemons are asked first), takes its namespaces and its folder away. What is gone
// already is no error.
void clean_up(const std::string& name);

// clean_up for a kept lab that nobody owns. Otherwise says why not.
std::string take_down(const std::string& name);

// Cleans up after every lab that was killed together with its guardian. The names of those found.
std::vector<std::string> sweep_dead_labs();

}  // namespace starling::lab
