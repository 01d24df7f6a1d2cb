// `starling sim …`: run, sweep, generate.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "topologies/lab/topology.h"

namespace CLI {
class App;
}

namespace starling::sim {

class Command {
 public:
  // Adds itself as a subcommand of `app`, which must outlive it. `load`: a topology by file or name; nothing, and the
  // errors printed, if it is not right.
  Command(CLI::App& app, std::function<std::optional<lab::Topology>(const std::string&)> load);
  ~Command();
  bool parsed() const;
  // The exit status. With the program's arguments, because it may start the program once more (allocator.h).
  int run(char** argv);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace starling::sim
