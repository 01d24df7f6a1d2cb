// One starlingd in its namespace.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/file_descriptor.h"

namespace starling::lab {

struct ProcessConfig {
  std::string program;  // path of starlingd
  std::string config_file;
  std::string control_path;      // of the control socket
  std::string wireguard_folder;  // of the socket for wg(8)
  std::string log_file;          // standard output and error are appended
  int namespace_fd = -1;
  bool outlives_lab = false;  // otherwise the kernel kills it when the thread that started it ends
};

class Process {
 public:
  // Starts it. Call from the main thread only (see outlives_lab). Throws std::system_error.
  explicit Process(const ProcessConfig& config);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();  // lets go; does not end it

  pid_t pid() const { return pid_; }
  int handle() const { return handle_.get(); }  // a pidfd: readable once it has ended
  bool running();
  void kill();                 // SIGKILL, and waits for the end
  std::string how_it_ended();  // "exited with status 1", "was killed by signal 9"; "" while it runs

 private:
  pid_t pid_ = -1;
  FileDescriptor handle_;
  bool ended_ = false;
  int status_ = 0;
};

}  // namespace starling::lab
