// A process as a descriptor: readable once it has ended, and never another process of the same number (pidfd_open(2)).
// (glibc 2.36's own header does not serve C++.)
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/file_descriptor.h"

namespace starling::lab {

inline FileDescriptor open_process(pid_t pid) {
  return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

}  // namespace starling::lab
