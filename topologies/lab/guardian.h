// A small process that outlives the lab, so that even `kill -9` leaves nothing behind: it waits for the lab's end and,
// unless the lab said that all is well, cleans up in its place.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/file_descriptor.h"

namespace starling::lab {

class Guardian {
 public:
  // Forks. Call it before the first thread exists, and with the workspace's lock held: the guardian inherits the lock.
  explicit Guardian(const std::string& lab_name);
  // The guardian goes without touching anything: the lab has cleaned up, or is kept.
  void dismiss();
  // Without dismiss() the guardian cleans up when this process ends.
  ~Guardian() = default;

 private:
  pid_t pid_ = -1;
  FileDescriptor line_;  // closed without a word: clean up
};

}  // namespace starling::lab
