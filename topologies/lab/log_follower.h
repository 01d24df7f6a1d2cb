// Reads the daemons' logs as they grow and hands every event to the timeline. The logs are files, not pipes: a daemon
// never waits for the lab, may outlive it (--keep), and what it said before it died is still there.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "topologies/lab/timeline.h"

namespace starling::lab {

class LogFollower {
 public:
  struct Log {
    std::string node;
    std::string path;  // created if it is not there
  };
  // Starts a thread. Throws std::system_error. `timeline` must outlive it.
  LogFollower(Timeline& timeline, const std::vector<Log>& logs);
  ~LogFollower();  // reads the rest

  // Everything that is in the files now is in the timeline when this returns.
  void catch_up();
  // The newest lines of a node that were no events: what it said when it could not start.
  std::string last_words(const std::string& node) const;

 private:
  struct File {
    std::string node;
    FileDescriptor fd;
    std::string rest;  // a line that has not ended yet
    std::vector<std::string> words;
  };

  void run();
  void read_file(File& file);
  void take_line(File& file, std::string line);

  Timeline& timeline_;
  mutable std::mutex mutex_;
  std::map<int, File> files_;  // by inotify's watch
  FileDescriptor inotify_;
  FileDescriptor stop_;
  std::thread thread_;
};

}  // namespace starling::lab
