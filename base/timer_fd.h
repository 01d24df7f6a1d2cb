// A timer that an epoll set watches: readable once its moment has come, until it is armed anew.
#pragma once

#include "base/file_descriptor.h"
#include "base/time.h"

namespace starling {

class TimerFd {
 public:
  // Throws std::system_error.
  TimerFd();
  int fd() const { return timer_.get(); }
  // kNever disarms it. A moment that has passed makes it readable at once. Takes back what has expired, so the
  // descriptor needs no read.
  void arm(Time at);

 private:
  FileDescriptor timer_;
};

}  // namespace starling
